"""Structured logs; nothing secret or personal passes.

Masking happens at the logger: by field name (``phone``, ``payer_name``, ``secret`` …) and by
shape (API keys, webhook secrets, Vietnamese phones and identity numbers, long digit runs).
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog

_HIDE = re.compile(
    r"(secret|password|passphrase|pin$|token|authorization|api_key|private|hash_key|"
    r"name$|phone|email|identity|address|account_number|payer|recipient|sender|memo|body|raw)",
    re.IGNORECASE,
)
_ALLOWED = {"task_name", "event_name", "route_name", "logger_name", "hostname", "queue_name"}
_SHAPES = (
    (re.compile(r"mc_(live|test)_[0-9A-Za-z]+"), r"mc_\1_•••"),
    (re.compile(r"/(pay|v|t)/[0-9a-z]{26}"), r"/\1/•••"),  # a citizen's link opens without a key
    (re.compile(r"whsec_[0-9A-Za-z+/=_-]+"), "whsec_•••"),
    (re.compile(r"(?<![0-9A-Za-z])(?:\+84|0)\d{8,10}(?!\d)"), "•••phone"),
    (re.compile(r"(?<![0-9A-Za-z.])\d{9,19}(?![0-9.])"), "•••digits"),
)


def mask(value: Any) -> Any:
    """The value with everything secret-looking or personal-looking blotted out."""
    if isinstance(value, str):
        for shape, replacement in _SHAPES:
            value = shape.sub(replacement, value)
        return value
    if isinstance(value, dict):
        return {k: "•••" if _hidden(str(k)) else mask(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [mask(v) for v in value]
    return value


def _hidden(key: str) -> bool:
    return bool(_HIDE.search(key)) and key not in _ALLOWED


def _masking(
    _logger: Any, _method: str, entry: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    for key, value in list(entry.items()):
        if key in ("event", "level", "timestamp", "logger"):
            entry[key] = mask(value)
        else:
            entry[key] = "•••" if _hidden(key) and value is not None else mask(value)
    return entry


def configure(*, level: str = "info", as_json: bool = True, stream: TextIO | None = None) -> None:
    """Set up logging for the process; called once by the command.

    What libraries log goes the same way: a server that cannot parse a request quotes it.
    """
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    steps: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _masking,
    ]
    structlog.configure(
        processors=[*steps, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(
            getattr(logging, level.upper(), logging.INFO)
        ),
        logger_factory=structlog.PrintLoggerFactory(stream or sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *steps],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
