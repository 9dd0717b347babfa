"""Request bodies: read within a limit, refused in words when they cannot be read.

Owns the bytes of JSON bodies, callbacks and forms; files are ``uploads``'. The length is counted
while a body arrives, after its content coding, so that neither a chunked body nor a small one
that unpacks to a large one gets past its limit.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from urllib.parse import parse_qsl

from aiohttp import hdrs, web

from gateway.foundation.problems import Problem

_CHUNK = 64 * 1024
_MOST_FIELDS = 100
_FORM = "application/x-www-form-urlencoded"


async def read_limited(request: web.Request, limit: int) -> bytes:
    """The body, refused as soon as it is known to be too large.

    Raises:
        Problem: ``body_too_large``; ``invalid_request`` when it breaks off or cannot be unpacked.
    """
    too_large = Problem(
        "body_too_large", f"Nội dung vượt quá {limit // 1024} KiB.", f"Limit: {limit} bytes."
    )
    if (request.content_length or 0) > limit:
        raise too_large
    with arriving():
        if request.content_length is not None and hdrs.CONTENT_ENCODING not in request.headers:
            return await request.read()  # no more than was announced
        chunks, size = [], 0
        async for chunk in request.content.iter_chunked(_CHUNK):
            size += len(chunk)
            if size > limit:
                raise too_large
            chunks.append(chunk)
    return b"".join(chunks)


async def read_form(request: web.Request, limit: int) -> Mapping[str, str]:
    """The fields of a form of ours (UTF-8, URL-encoded); of several with one name the last.

    Raises:
        Problem: as ``read_limited``; ``unsupported_media_type``; ``invalid_request``.
    """
    raw = await read_limited(request, limit)
    if request.content_type != _FORM:
        raise Problem("unsupported_media_type", f"Cần Content-Type: {_FORM}.")
    try:
        text = raw.decode("utf-8")
        pairs = parse_qsl(
            text, keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS
        )
    except ValueError as error:
        raise Problem("invalid_request", "Không đọc được biểu mẫu.") from error
    return dict(pairs)


@contextlib.contextmanager
def arriving() -> Iterator[None]:
    """A body that breaks off, or whose content coding is broken, is the sender's problem."""
    try:
        yield
    except (web.RequestPayloadError, ConnectionResetError) as error:
        raise Problem("invalid_request", "Nội dung không đến trọn vẹn.") from error
