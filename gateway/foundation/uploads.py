"""Uploads: one file and a few short texts out of ``multipart/form-data``, within a limit.

Owns reading and refusing the envelope (RFC 7578); what is inside the file is the capability's
business. The bytes are counted while they arrive, so an oversized file is refused early.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import NoReturn

from aiohttp import BodyPartReader, web

from gateway.foundation.bodies import arriving
from gateway.foundation.problems import FieldError, Problem, invalid

_CHUNK = 64 * 1024
_TEXT_LIMIT = 4 * 1024
_ENVELOPE = 64 * 1024  # boundaries, part headers and texts around the file
_PLAIN = ("", "binary", "8bit", "7bit")


@dataclass(frozen=True, slots=True)
class Upload:
    """A file with the texts sent beside it (NFC); ``name`` is what the sender called it."""

    content: bytes = field(repr=False)
    name: str
    fields: Mapping[str, str]

    @property
    def digest(self) -> bytes:
        """What makes two uploads the same request: the file and the texts."""
        digest = hashlib.sha256(hashlib.sha256(self.content).digest())
        for name, value in sorted(self.fields.items()):
            digest.update(f"{name}={value}\n".encode())
        return digest.digest()


async def read_upload(
    request: web.Request,
    limit: int,
    *,
    required: Collection[str] = (),
    optional: Collection[str] = (),
    any_name: bool = False,
) -> Upload:
    """Read the part ``file`` and the named texts.

    ``any_name``: the sender is not ours and names its one file as it likes; texts are dropped.

    Raises:
        Problem: ``body_too_large``, ``unsupported_media_type``, ``invalid_request``,
            ``validation_failed`` naming missing, unknown and repeated parts.
    """
    if (request.content_length or 0) > limit + _ENVELOPE:
        _too_large(limit)
    if request.content_type != "multipart/form-data":
        raise Problem("unsupported_media_type", "Cần Content-Type: multipart/form-data.")
    parts = _Parts(limit, {*required, *optional})
    try:
        with arriving():
            async for part in await request.multipart():
                if not isinstance(part, BodyPartReader) or part.name is None:
                    raise Problem("invalid_request", "Phần tải lên không có tên hoặc lồng nhau.")
                await (parts.take_any(part) if any_name else parts.take(part, part.name))
    except (ValueError, AssertionError, RuntimeError) as error:
        raise Problem("invalid_request", "Không đọc được nội dung multipart.") from error
    return parts.upload(required)


class _Parts:
    """What has arrived so far."""

    def __init__(self, limit: int, known: set[str]) -> None:
        self._limit = limit
        self._left = limit + _ENVELOPE  # of all parts together: many small ones are no way around
        self._known = known
        self._files: list[tuple[bytes, str]] = []
        self._fields: dict[str, str] = {}
        self._errors: list[FieldError] = []

    async def take(self, part: BodyPartReader, name: str) -> None:
        if name == "file":
            self._files.append((await self._read(part, self._limit), part.filename or ""))
        elif name in self._known and name not in self._fields:
            self._fields[name] = _text(await self._read(part, _TEXT_LIMIT))
        else:
            code = "repeated_field" if name in self._fields else "unknown_field"
            self._errors.append(FieldError(f"/{name}", code, f"Không nhận “{name}”."))
            await self._read(part, self._limit)

    async def take_any(self, part: BodyPartReader) -> None:
        if part.filename is None:
            await self._read(part, _TEXT_LIMIT)
        else:
            self._files.append((await self._read(part, self._limit), part.filename))

    async def _read(self, part: BodyPartReader, limit: int) -> bytes:
        if part.headers.get("Content-Transfer-Encoding", "").lower() not in _PLAIN:
            raise Problem("unsupported_media_type", "Chỉ nhận tệp gửi ở dạng nhị phân.")
        chunks, size = [], 0
        while chunk := await part.read_chunk(_CHUNK):
            size += len(chunk)
            if size > min(limit, self._left):
                _too_large(self._limit)
            chunks.append(bytes(chunk))
        self._left -= size
        return b"".join(chunks)

    def upload(self, required: Collection[str]) -> Upload:
        missing = [n for n in required if not self._fields.get(n, "").strip()]
        errors = self._errors
        errors += [FieldError(f"/{n}", "required", "Thiếu trường này.") for n in missing]
        if len(self._files) != 1:
            errors.append(FieldError("/file", "required", "Cần đúng một tệp."))
        if errors:
            raise invalid(errors)
        content, name = self._files[0]
        return Upload(content, name.replace("\x00", "")[:255], self._fields)


def _text(raw: bytes) -> str:
    if b"\x00" in raw:
        raise ValueError("a NUL character")
    return unicodedata.normalize("NFC", raw.decode("utf-8"))


def _too_large(limit: int) -> NoReturn:
    raise Problem(
        "body_too_large",
        f"Tệp vượt quá {limit // (1024 * 1024)} MiB.",
        f"The file is larger than {limit} bytes.",
    )
