"""The chain that makes the evidence log tamper-evident: pure hashing and comparing.

A record is its *content* (canonical JSON: keys sorted, no spaces, UTF-8) and its *link*: tenant,
number, the SHA-256 of the link before, the SHA-256 of the content. A link's own SHA-256 is what the
next one holds. Links say nothing about anybody, so that a document's bundle can show all of them up
to the present head. Somebody who changes one byte has to change every later link and the head,
which is why an operator notes the head elsewhere from time to time (``motcua audit verify``).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from gateway.foundation.clock import to_micros

_SHA256 = re.compile(r"[0-9a-f]{64}")
GENESIS = "0" * 64  # what the first link holds
# Columns that repeat what the content says, so that rows can be found: column → place in it.
_REPEATED = {
    "kind": ("kind",),
    "document_id": ("document", "id"),
    "certificate_sha256": ("signature", "certificate_sha256"),
}


@dataclass(frozen=True, slots=True)
class Break:
    """Where a chain does not hold; ``number`` 0 means the chain as a whole."""

    tenant: str
    number: int
    reason: str  # Vietnamese

    def __str__(self) -> str:
        """``cong-dvc/live số 12: …``."""
        return f"{self.tenant} số {self.number}: {self.reason}"


def canonical(value: Any) -> bytes:
    """Plain data as its one JSON text."""
    return msgspec.json.encode(value, order="sorted")


def sha256(content: bytes) -> str:
    """Hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def link(tenant: str, number: int, previous: str, content: bytes) -> dict[str, Any]:
    """What is chained of a record."""
    return {
        "tenant": tenant,
        "number": number,
        "previous_sha256": previous,
        "content_sha256": sha256(content),
    }


def link_sha256(of: Mapping[str, Any]) -> str:
    """What the next link holds."""
    return sha256(canonical(of))


@dataclass(slots=True)
class Walk:
    """A walk along one tenant's chain, record by record."""

    tenant: str
    number: int = 0
    sha256: str = GENESIS

    def step(self, row: Any) -> Break | None:
        """Take the next record; the first thing that is wrong with it, if anything."""
        expected = self.number + 1
        if row.number != expected:
            return Break(
                self.tenant, expected, f"thiếu bản ghi này, bản ghi kế tiếp là {row.number}"
            )
        content = row.content.encode()
        own = link(self.tenant, row.number, self.sha256, content)
        if row.previous_sha256 != self.sha256:
            return Break(self.tenant, row.number, "không nối với bản ghi đứng trước")
        if row.sha256 != link_sha256(own):
            return Break(self.tenant, row.number, "nội dung đã bị sửa sau khi ghi")
        self.number, self.sha256 = row.number, row.sha256
        return self._repeated(row)

    def end(self, head: Any) -> Break | None:
        """Compare with the head: nothing was cut off the end."""
        number, digest = (head.number, head.sha256) if head is not None else (0, GENESIS)
        if (number, digest) != (self.number, self.sha256):
            reason = f"chuỗi dừng ở số {self.number} nhưng đầu chuỗi ghi số {number}"
            return Break(self.tenant, max(number, self.number), reason)
        return None

    def _repeated(self, row: Any) -> Break | None:
        content = _record(row.content)
        if content is None:  # whoever forged it knew how links are made, not what we write
            return Break(self.tenant, row.number, "nội dung không có dạng của một bản ghi")
        wrong = [
            name for name, path in _REPEATED.items() if getattr(row, name) != _at(content, path)
        ]
        if row.result_sha256 != result_of(content):
            wrong.append("result_sha256")
        if content.get("recorded_us") != to_micros(row.recorded_at):
            wrong.append("recorded_at")
        if wrong:
            reason = f"cột {', '.join(wrong)} khác với nội dung đã ghi"
            return Break(self.tenant, row.number, reason)
        return None


def _record(text: str) -> Mapping[str, Any] | None:
    """A content as ``log.append`` could have written it; None for anything else."""
    try:
        content = msgspec.json.decode(text)
    except ValueError:  # msgspec's own, and text that is no UTF-8
        return None
    files = content.get("files", []) if isinstance(content, dict) else None
    if not isinstance(files, list) or not all(_is_file(one) for one in files):
        return None
    return dict(content)


def _is_file(one: Any) -> bool:
    if not isinstance(one, dict):
        return False
    what, digest = one.get("what"), one.get("sha256")
    return isinstance(what, str) and isinstance(digest, str) and bool(_SHA256.fullmatch(digest))


def files_of(content: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """Every file a record speaks of: (what it is, SHA-256)."""
    return [(one["what"], one["sha256"]) for one in content.get("files", ())]


def authorities_of(content: Mapping[str, Any]) -> set[str]:
    """SHA-256 of every certificate that came with a record's time-stamps."""
    return {digest for what, digest in files_of(content) if what == "authority_certificate"}


def result_of(content: Mapping[str, Any]) -> str | None:
    """SHA-256 of the file that a record's act made, if it made one."""
    for part in ("signature", "extension"):
        found: str | None = _at(content, (part, "result_sha256"))
        if found is not None:
            return found
    return None


def _at(content: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        content = content.get(name) if isinstance(content, Mapping) else None
    return content
