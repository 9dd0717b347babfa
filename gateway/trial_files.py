"""What a development world leaves in its folder for whoever tries it: settings, tokens.

``signing-keys.toml`` is pasted into a gateway's own configuration, ``try.env`` is read by a shell
(``. var/dev/try.env``). Both hold worthless secrets only, and are readable by their owner alone.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SETTINGS, SHELL = "signing-keys.toml", "try.env"
_ABOUT = (
    "# Khóa thử của bộ mô phỏng: dán vào tệp cấu hình. Paste into the gateway's configuration.\n"
)


def write_settings(folder: Path, signing: Mapping[str, Any]) -> Path:
    """The section ``[signing]`` as TOML; its path."""
    return _write(folder / SETTINGS, _ABOUT + "".join(_tables("signing", signing)))


def write_shell(folder: Path, values: Mapping[str, str]) -> Path:
    """Variables for a shell; its path."""
    lines = (f"{name}={shlex.quote(value)}\n" for name, value in values.items())
    return _write(folder / SHELL, "".join(lines))


def _tables(name: str, values: Mapping[str, Any]) -> list[str]:
    """A table, its own values before the tables in it."""
    plain = {key: one for key, one in values.items() if not isinstance(one, dict)}
    lines = [f"[{name}]\n"] if plain else []
    lines += [f"{key} = {json.dumps(one, ensure_ascii=False)}\n" for key, one in plain.items()]
    for key, one in values.items():
        if isinstance(one, dict):
            lines += _tables(f"{name}.{key}", one)
    return lines


def _write(path: Path, text: str) -> Path:
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(text, "utf-8")
    return path
