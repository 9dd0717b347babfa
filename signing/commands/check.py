"""What stands behind ``motcua inspect`` and ``motcua validate``.

Owns walking over paths, one report entry a file, and the exit status. Leaves parsing to a killable
child process, words to ``report``, and signing to the function that the caller passes in. Every
file ends in an outcome or a named reason; none ends in a traceback.

Exit status: 0 when every file has the good outcome (inspected, or signed and re-verified;
validated ``valid``), 1 when any has not, 2 when there was nothing to look at.
"""

from __future__ import annotations

import json
import logging
import mmap
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from signing.commands.checking_process import CheckingProcess, FileGaveUp
from signing.commands.large import FileChanged, SignFile, sign_large, validate_whole
from signing.commands.report import (
    findings_as_json,
    inspection_as_text,
    validation_as_json,
    validation_as_text,
)
from signing.commands.system_words import reason_of
from signing.contract import (
    Inspection,
    Repaired,
    SigningError,
    TrustAnchor,
    Validation,
    Verdict,
    undecided_file,
    with_earlier_signatures,
)
from signing.inspection import inspect_file
from signing.processes.limits import Limits
from signing.reading.mapped_files import whole_file
from signing.reading.opening import MAX_SIZE
from signing.validation import validate_pdf
from signing.validation.trust import load_roots
from signing.validation_report import etsi_report

log = logging.getLogger(__name__)

Write = Callable[[str], object]
Sign = Callable[[bytes], bytes]

GOOD, BAD, NOTHING = 0, 1, 2
_COPIES = 16  # of a file in memory while it is signed, handed over and verified, at most

_OUTCOMES = {  # as a person reads them; the report keeps the words of the contract
    "inspected": "đã kiểm tra / inspected",
    "signed": "đã ký / signed",
    "refused": "từ chối / refused",
}
_GAVE_UP = {
    "timeout": "quá thời gian cho phép",
    "memory": "quá bộ nhớ cho phép",
    "crashed": "tiến trình kiểm tra bị dừng đột ngột",
    "size": "tệp quá lớn để ký hoặc kiểm tra chữ ký trong giới hạn bộ nhớ",
}
_SURPRISE = "lỗi của phần mềm khi kiểm tra tệp"
_CHANGED = "kiểm tra lại: phần đầu tệp đã bị thay đổi khi ký"
_UNDECIDED = {"timeout": "time_limit", "memory": "memory_limit", "size": "too_large"}


@dataclass(slots=True)
class Entry:
    """One line of the report; ``outcome`` is signed, inspected or refused."""

    file: str
    outcome: str = "refused"
    ladder: str = "strict"
    findings: list[dict[str, str]] = field(default_factory=list)
    reason: str | None = None
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """The report's object for one file."""
        return {
            "file": self.file,
            "outcome": self.outcome,
            "ladder": self.ladder,
            "findings": self.findings,
            "reason": self.reason,
            "seconds": self.seconds,
        }


def inspect_paths(
    paths: Iterable[Path],
    sign: Sign | None,
    report: Path | None,
    *,
    write: Write,
    now: datetime,
    limits: Limits | None = None,
    sign_file: SignFile | None = None,
) -> int:
    """Inspect files and folders; with ``sign`` also sign each and verify the result.

    Args:
        paths: files, or folders searched for ``*.pdf`` at any depth.
        sign: makes a signed PDF of a PDF, or raises ``SigningError``.
        report: where to write the JSON report.
        write: takes one piece of text for the terminal.
        now: the moment at which signed files are judged.
        limits: what one file may cost.
        sign_file: signs what is too large for ``sign`` into another file; without it, such a
            file is refused.
    """
    entries = []
    with (
        CheckingProcess(inspect_file, limits) as inspector,
        CheckingProcess(validate_pdf, limits) as validator,
    ):
        largest = (limits or Limits()).memory_bytes // _COPIES
        large = _Large(sign_file, limits, largest)
        signing = _Signing(sign, validator, now, large) if sign is not None else None
        for path in _files(paths):
            look = partial(_look_at, path, inspector, validator, now, largest)
            entry = _inspect_file(path, look, signing, write)
            entries.append(entry)
            note = f" – {entry.reason}" if entry.reason else ""
            write(f"{entry.file}: {_OUTCOMES[entry.outcome]}{note}\n")
    if report is not None:
        text = json.dumps([e.as_json() for e in entries], ensure_ascii=False, indent=1)
        report.write_text(text + "\n", encoding="utf-8")
    return _status(e.outcome != "refused" for e in entries)


def validate_paths(
    paths: Iterable[Path],
    roots: tuple[bytes, ...],
    as_json: bool,  # the command's own flag
    *,
    write: Write,
    now: datetime,
    limits: Limits | None = None,
    anchors: tuple[TrustAnchor, ...] = (),
    allowed_fields: frozenset[str] = frozenset(),
    reports: Path | None = None,
) -> int:
    """Validate files and folders; the answer of ``POST /v1/validations``, one object a file.

    With ``as_json`` each file is one line of JSON with a ``file`` member. ``reports`` is a folder
    for ETSI TS 119 102-2 reports, named after the files and their digests.
    """
    verdicts = []
    work = partial(_validate_path, anchors=anchors, allowed_fields=allowed_fields)
    with CheckingProcess(work, limits) as validator:
        for path in _files(paths):
            answer = _attempt(partial(_validate_file, path, validator, roots, now))
            verdicts.append(isinstance(answer, Validation) and answer.verdict is Verdict.VALID)
            write(_shown(path, answer, as_json=as_json))
            if reports is not None and isinstance(answer, Validation):
                reports.mkdir(parents=True, exist_ok=True)
                name = f"{path.stem}-{answer.sha256[:12]}.xml"
                (reports / name).write_bytes(etsi_report(answer))
    return _status(verdicts)


def certificates_in(blob: bytes) -> bool:
    """Whether a file can serve as roots: one certificate in DER, or some in PEM."""
    try:
        return bool(load_roots((blob,)))
    except (ValueError, TypeError):  # asn1crypto's words for what is no certificate
        return False


# ------------------------------------------------------------------ one file


@dataclass(frozen=True, slots=True)
class _Large:
    """How files are signed that are larger than so many bytes."""

    sign: SignFile | None
    limits: Limits | None
    than: int


@dataclass(frozen=True, slots=True)
class _Signing:
    """Signs a file and looks at the result with fresh eyes."""

    sign: Sign
    validator: CheckingProcess
    now: datetime
    large: _Large

    def sign_and_verify(self, path: Path, repaired: Repaired | None) -> str | None:
        """None when the result begins with the input and every signature in it is whole."""
        if repaired is None and path.stat().st_size > self.large.than:
            return self._sign_large(path)
        pdf = repaired.pdf if repaired else _attempt(path.read_bytes)
        return self._sign(pdf) if isinstance(pdf, bytes) else str(pdf)

    def _sign_large(self, path: Path) -> str | None:
        sign, limits = self.large.sign, self.large.limits
        if sign is None:
            return _GAVE_UP["size"]
        found = _attempt(partial(sign_large, path, sign, self.now, limits))
        return _why_unsound(found) if isinstance(found, Validation) else str(found)

    def _sign(self, pdf: bytes) -> str | None:
        signed = _attempt(partial(self.sign, pdf))
        if not isinstance(signed, bytes):
            return str(signed)
        verified = _attempt(partial(self.validator.call, signed, (), self.now))
        if not isinstance(verified, Validation):
            return f"không kiểm tra lại được: {verified}"
        if not signed.startswith(pdf):
            return _CHANGED
        return _why_unsound(verified)


def _why_unsound(verified: Validation) -> str | None:
    if not verified.signatures or not all(s.integrity for s in verified.signatures):
        return f"kiểm tra lại: {verified.summary}"
    return None


def _look_at(
    path: Path,
    inspector: CheckingProcess,
    validator: CheckingProcess,
    now: datetime,
    largest: int,
) -> Inspection:
    """What speaks against signing the file, the signatures that are in it included."""
    seen: Inspection = inspector.call(path)
    if seen.blocked or not seen.signatures:
        return seen
    if path.stat().st_size > largest:
        with CheckingProcess(validate_whole) as whole:
            return with_earlier_signatures(seen, whole.call(path, (), now))
    validation: Validation = validator.call(path.read_bytes(), (), now)
    return with_earlier_signatures(seen, validation)


def _inspect_file(
    path: Path, look: Callable[[], Inspection], signing: _Signing | None, write: Write
) -> Entry:
    started = time.monotonic()
    entry = Entry(str(path))
    seen = _attempt(look)
    if isinstance(seen, Inspection):
        entry.findings = findings_as_json(seen)
        entry.ladder = seen.ladder
        blocking = [f.detail for f in seen.findings if f.severity.value == "block"]
        entry.reason = "; ".join(dict.fromkeys(blocking)) or None
        entry.outcome = "refused" if blocking else "inspected"
        write(inspection_as_text(seen) + "\n")
    else:
        entry.reason = str(seen)
    if signing is not None and entry.outcome == "inspected":
        entry.reason = signing.sign_and_verify(path, seen.repaired)
        entry.outcome = "refused" if entry.reason else "signed"
    entry.seconds = round(time.monotonic() - started, 3)
    return entry


def _validate_file(
    path: Path, validator: CheckingProcess, roots: tuple[bytes, ...], now: datetime
) -> Any:
    """The verdict; a file that breaks a limit has one as well."""
    code = "size"
    if path.stat().st_size <= MAX_SIZE:
        try:
            return validator.call(path, roots, now)
        except FileGaveUp as stopped:
            code = stopped.code
    reason = _UNDECIDED.get(code, "checker_lost")
    summary = f"Chưa kiểm tra xong: {_GAVE_UP.get(code, _SURPRISE)}."
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as pdf:
        return undecided_file(pdf, reason, summary, now)


def _validate_path(
    path: Path, roots: tuple[bytes, ...], now: datetime, **options: Any
) -> Validation:
    """In the child, which maps a large file."""
    with whole_file(path) as data:
        return validate_pdf(data, roots, now, **options)


def _attempt(work: Callable[[], Any]) -> Any:
    """The result, or the reason in words for the failures that a file may have."""
    try:
        return work()
    except FileGaveUp as stopped:
        return _GAVE_UP.get(stopped.code, _SURPRISE)
    except FileChanged:
        return _CHANGED
    except SigningError as refusal:
        return f"{refusal.code}: {refusal.message_vi}"
    except OSError as error:
        return f"không đọc được tệp ({reason_of(error)})"
    except Exception as error:  # one file's surprise must not end the run over all the others
        log.warning("a file was not checked: %s", type(error).__name__)
        return _SURPRISE


def _shown(path: Path, answer: Any, *, as_json: bool) -> str:
    if not isinstance(answer, Validation):
        answer = {"verdict": "indeterminate", "summary": str(answer), "signatures": []}
        text = answer["summary"]
    else:
        text = validation_as_text(answer)
        answer = validation_as_json(answer)
    if as_json:
        return json.dumps({"file": str(path), **answer}, ensure_ascii=False) + "\n"
    return f"{path}: {text}\n"


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    """Files as named, and the PDFs below folders in a stable order."""
    for path in paths:
        if path.is_dir():
            yield from sorted(p for p in path.rglob("*") if p.suffix.lower() == ".pdf")
        else:
            yield path


def _status(good: Iterable[bool]) -> int:
    answers = list(good)
    if not answers:
        return NOTHING
    return GOOD if all(answers) else BAD
