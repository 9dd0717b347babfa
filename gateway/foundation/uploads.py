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
from gateway.foundation.spools import Spool, Spooled, SpooledFile

_CHUNK = 64 * 1024
_TEXT_LIMIT = 4 * 1024
_ENVELOPE = 64 * 1024  # boundaries, part headers and texts around the file
_PLAIN = ("", "binary", "8bit", "7bit")


@dataclass(frozen=True, slots=True)
class Upload:
    """A file with the texts sent beside it (NFC); ``name`` is what the sender called it.

    ``content`` is empty when the file was large enough to be written to ``file``, in the spool.
    """

    content: bytes = field(repr=False)
    name: str
    fields: Mapping[str, str]
    sha256: bytes
    file: SpooledFile | None = None

    @property
    def digest(self) -> bytes:
        """What makes two uploads the same request: the file and the texts."""
        digest = hashlib.sha256(self.sha256)
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
    spool: Spool | None = None,
) -> Upload:
    """Read the part ``file`` and the named texts.

    ``spool``: where a large file is written to while it arrives; without it, none may be large.

    ``any_name``: the sender is not ours and names its one file as it likes; texts are dropped.

    Raises:
        Problem: ``body_too_large``, ``unsupported_media_type``, ``invalid_request``,
            ``validation_failed`` naming missing, unknown and repeated parts.
    """
    if (request.content_length or 0) > limit + _ENVELOPE:
        _too_large(limit)
    if request.content_type != "multipart/form-data":
        raise Problem("unsupported_media_type", "Cần Content-Type: multipart/form-data.")
    parts = _Parts(limit, {*required, *optional}, spool)
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

    def __init__(self, limit: int, known: set[str], spool: Spool | None) -> None:
        self._spool = spool
        self._limit = limit
        self._left = limit + _ENVELOPE  # of all parts together: many small ones are no way around
        self._known = known
        self._files: list[tuple[bytes, str, Spooled]] = []
        self._fields: dict[str, str] = {}
        self._errors: list[FieldError] = []

    async def take(self, part: BodyPartReader, name: str) -> None:
        if name == "file":
            await self._take_file(part, part.filename or "")
        elif name in self._known and name not in self._fields:
            self._fields[name] = _text(await self._read(part, _TEXT_LIMIT))
        else:
            code = "repeated_field" if name in self._fields else "unknown_field"
            self._errors.append(FieldError(f"/{name}", code, f"Không nhận “{name}”."))
            await self._read(part, self._limit, _Dropped())

    async def take_any(self, part: BodyPartReader) -> None:
        if part.filename is None:
            await self._read(part, _TEXT_LIMIT)
        else:
            await self._take_file(part, part.filename)

    async def _take_file(self, part: BodyPartReader, name: str) -> None:
        arriving_file = Spooled(self._spool)
        content = await self._read(part, self._limit, arriving_file)
        self._files.append((content, name, arriving_file))

    async def _read(self, part: BodyPartReader, limit: int, into: Spooled | None = None) -> bytes:
        into = into or Spooled(None)
        if part.headers.get("Content-Transfer-Encoding", "").lower() not in _PLAIN:
            raise Problem("unsupported_media_type", "Chỉ nhận tệp gửi ở dạng nhị phân.")
        while chunk := await part.read_chunk(_CHUNK):
            if into.size + len(chunk) > min(limit, self._left):
                _too_large(self._limit)
            await into.add(bytes(chunk))
        self._left -= into.size
        return await into.finish()

    def upload(self, required: Collection[str]) -> Upload:
        missing = [n for n in required if not self._fields.get(n, "").strip()]
        errors = self._errors
        errors += [FieldError(f"/{n}", "required", "Thiếu trường này.") for n in missing]
        if len(self._files) != 1:
            errors.append(FieldError("/file", "required", "Cần đúng một tệp."))
        if errors:
            raise invalid(errors)
        content, name, arrived = self._files[0]
        name = name.replace("\x00", "")[:255]
        file = SpooledFile(arrived.file, arrived.sha256.hex()) if arrived.file else None
        return Upload(content, name, self._fields, arrived.sha256, file)


class _Dropped(Spooled):
    """Counts what nobody asked for, and keeps none of it."""

    def __init__(self) -> None:
        super().__init__(None)

    async def add(self, piece: bytes) -> None:
        """Take the next piece."""
        self.size += len(piece)


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
