"""The public verification page: what the register says about one certified e-copy.

Owns the values of the page and its HTML, purely. Never shows the document, the requester or an
identity number (pages guide §5.5). The verdict itself is the register's; the checks are
``signing``'s. The page never calls a paper false because something could not be reached.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial
from pathlib import Path

from markupsafe import Markup

from gateway.frame.catalog import words
from gateway.frame.formats import time_element
from gateway.frame.layout import Frame, Problem, page_templates, render_page

_TEMPLATES = page_templates(Path(__file__).parent / "templates")


class Verdict(StrEnum):
    """What can be said about the code."""

    VALID = "valid"
    REVOKED = "revoked"
    REPLACED = "replaced"
    UNKNOWN = "unknown"
    UNCLEAR = "unclear"
    DOWN = "down"


class CheckOutcome(StrEnum):
    """How one check ended."""

    YES = "yes"
    NO = "no"
    OPEN = "open"


class FileVerdict(StrEnum):
    """What can be said about a file that somebody holds."""

    OK = "ok"
    NEWER = "newer"
    CHANGED = "changed"
    UNCLEAR = "unclear"
    UNCHECKED = "unchecked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The public facts of a certified copy; ``hashes`` are all issued versions, newest first."""

    kind: str
    number: str
    book: str
    agency: str
    certified_at: datetime
    signer: str
    signer_title: str
    pages: int
    hashes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What ended a copy: the cancelling decision (with its ``body``), or the replacing copy."""

    number: str
    at: datetime
    body: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationView:
    """Everything the page shows; ``checks`` are named as in the texts ``verify.check_…``."""

    frame: Frame
    verdict: Verdict
    now: datetime
    url: str
    facts: Facts | None = None
    ending: Ending | None = None
    checks: tuple[tuple[str, CheckOutcome], ...] = ()
    file_action: str = ""
    file_verdict: FileVerdict | None = None
    problem: str = ""
    entry_url: str = "/v"


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryView:
    """The page where a code is typed; ``problem`` is an error text id."""

    frame: Frame
    action: str
    code: str = ""
    problem: str = ""


_LOOK = {
    Verdict.VALID: ("ok", "shield"),
    Verdict.REVOKED: ("danger", "shield-cross"),
    Verdict.REPLACED: ("warn", "warn"),
    Verdict.UNKNOWN: ("neutral", "search"),
    Verdict.UNCLEAR: ("warn", "clock"),
    Verdict.DOWN: ("neutral", "info"),
}
_FILE_LOOK = {
    FileVerdict.OK: ("ok", "check"),
    FileVerdict.NEWER: ("ok", "check"),
    FileVerdict.CHANGED: ("danger", "cross"),
    FileVerdict.UNCLEAR: ("warn", "clock"),
    FileVerdict.UNCHECKED: ("info", "info"),
}


def _body(view: VerificationView) -> Markup:
    """Say the sentence under the verdict.

    Raises:
        ValueError: the view lacks what its verdict names.
    """
    say, lang = partial(words().text, view.frame.lang), view.frame.lang
    key = f"verify.{view.verdict}_body"
    if view.verdict is Verdict.VALID:
        if view.facts is None:
            raise ValueError("a valid copy has facts")
        return say(key, now=time_element(view.now, lang), agency=view.facts.agency)
    if view.verdict in {Verdict.REVOKED, Verdict.REPLACED}:
        if view.ending is None:
            raise ValueError("an ended copy names what ended it")
        date = time_element(view.ending.at, lang, "day")
        return say(key, number=view.ending.number, date=date, body=view.ending.body)
    return say(key, now=time_element(view.now, lang), phone=view.frame.contact)


def _file_note(view: VerificationView) -> Mapping[str, object] | None:
    if view.file_verdict is None:
        return None
    tone, sign = _FILE_LOOK[view.file_verdict]
    now = time_element(view.now, view.frame.lang)
    text = words().text(view.frame.lang, f"verify.file_{view.file_verdict}", now=now)
    return {"tone": tone, "sign": sign, "text": text, "name": view.file_verdict.value}


def render_verification(view: VerificationView) -> str:
    """Render what is known about one code, or that nothing is."""
    tone, sign = _LOOK[view.verdict]
    say = partial(words().text, view.frame.lang)
    context = {
        "view": view,
        "tone": tone,
        "sign": sign,
        "title": say(f"verify.{view.verdict}"),
        "body": _body(view),
        "file_note": _file_note(view),
        "problems": [Problem("file", say(f"error.{view.problem}"))] if view.problem else [],
    }
    return render_page(_TEMPLATES, "verification.html", view.frame, context)


def render_entry(view: EntryView) -> str:
    """Render the page that asks for a code."""
    say = partial(words().text, view.frame.lang)
    problems = [Problem("code", say(f"error.{view.problem}"))] if view.problem else []
    return render_page(_TEMPLATES, "entry.html", view.frame, {"view": view, "problems": problems})
