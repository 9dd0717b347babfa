"""A store that speaks S3 over loopback, in one folder: objects, ranges, uploads in parts.

What the tests of large files need and no more: it counts what is held in parts, remembers how much
each answer held, and can be told to refuse. Follows the Amazon S3 API reference (2006-03-01).
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from xml.etree import ElementTree as ET

from aiohttp import web
from aiohttp.test_utils import TestServer

BUCKET = "van-ban"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "a-key",
    "AWS_SECRET_ACCESS_KEY": "worth-nothing",
    "AWS_REGION": "vn-1",
    "AWS_ALLOW_HTTP": "true",
}
_RANGE = re.compile(r"bytes=(\d+)-(\d+)")


class ObjectStore:
    """Serve with ``async with``; ``url`` goes to ``AWS_ENDPOINT_URL``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.refuses = ""  # S3's code of the refusal: AccessDenied, NoSuchBucket …
        self.breaks_after = 0  # parts that are taken before the rest is refused; 0: all
        self.answers: list[int] = []  # bytes of each answer to GET
        self.parts: dict[str, dict[int, Path]] = {}  # uploads that are not finished
        self._count = 0
        app = web.Application(client_max_size=2**30)
        app.router.add_post("/{bucket}", self._delete_listed)
        app.router.add_route("*", "/{bucket}/{key:.*}", self._answer)
        self._server = TestServer(app, host="127.0.0.1")

    async def __aenter__(self) -> ObjectStore:
        self.folder.mkdir(parents=True, exist_ok=True)
        await self._server.start_server()
        self.url = str(self._server.make_url("")).rstrip("/")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.close()

    def objects(self) -> dict[str, int]:
        """The size of everything that is kept, by the last part of its name."""
        return {p.name.rpartition("%")[2]: p.stat().st_size for p in self.folder.glob("object-*")}

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if not request.headers.get("Authorization", "").startswith("AWS4-HMAC-SHA256 "):
            return _refusal("AccessDenied", 403)
        if self.refuses or request.match_info["bucket"] != BUCKET:
            code = self.refuses or "NoSuchBucket"
            return _refusal(code, 404 if code.startswith("NoSuch") else 403)
        path = self._path(request.match_info["key"])
        do = {"PUT": self._put, "POST": self._post, "DELETE": self._delete}
        return await do.get(request.method, self._get)(request, path)

    async def _put(self, request: web.Request, path: Path) -> web.StreamResponse:
        upload = request.query.get("uploadId")
        if upload is not None:
            number = int(request.query["partNumber"])
            if self.breaks_after and number > self.breaks_after:
                return _refusal("AccessDenied", 403)
            path = self.parts[upload][number] = self.folder / f"part-{upload}-{number}"
        seen = hashlib.md5(usedforsecurity=False)
        with path.open("wb") as out:
            async for piece in request.content.iter_chunked(2**16):
                out.write(piece)
                seen.update(piece)
        return web.Response(headers={"ETag": f'"{seen.hexdigest()}"'})

    async def _post(self, request: web.Request, path: Path) -> web.StreamResponse:
        if "uploads" in request.query:
            self._count += 1
            self.parts[str(self._count)] = {}
            return _xml(
                f"<InitiateMultipartUploadResult><Bucket>{BUCKET}</Bucket><Key>k</Key>"
                f"<UploadId>{self._count}</UploadId></InitiateMultipartUploadResult>"
            )
        parts = self.parts.pop(request.query["uploadId"])
        told = ET.fromstring(await request.text())
        numbers = [int(node.text) for node in told.iter() if node.tag.endswith("PartNumber")]
        with path.open("wb") as out:
            for number in numbers:
                out.write(parts[number].read_bytes())
                parts[number].unlink()
        return _xml(
            f"<CompleteMultipartUploadResult><Bucket>{BUCKET}</Bucket><Key>k</Key>"
            '<ETag>"e"</ETag></CompleteMultipartUploadResult>'
        )

    async def _delete_listed(self, request: web.Request) -> web.StreamResponse:
        told = ET.fromstring(await request.text())
        keys = [node.text for node in told.iter() if node.tag.endswith("Key")]
        for key in keys:
            self._path(key).unlink(missing_ok=True)
        deleted = "".join(f"<Deleted><Key>{key}</Key></Deleted>" for key in keys)
        return _xml(f"<DeleteResult>{deleted}</DeleteResult>")

    def _path(self, key: str) -> Path:
        return self.folder / ("object-" + key.replace("/", "%"))

    async def _delete(self, request: web.Request, path: Path) -> web.StreamResponse:
        for part in self.parts.pop(request.query.get("uploadId", ""), {}).values():
            part.unlink()
        if "uploadId" not in request.query:
            path.unlink(missing_ok=True)
        return web.Response(status=204)

    async def _get(self, request: web.Request, path: Path) -> web.StreamResponse:
        if not path.exists():
            return _refusal("NoSuchKey", 404)
        size, status, headers = path.stat().st_size, 200, {"ETag": '"e"'}
        headers["Last-Modified"] = "Thu, 26 Nov 2026 00:00:00 GMT"
        start, end = 0, size - 1
        found = _RANGE.fullmatch(request.headers.get("Range", ""))
        if found is not None:
            start, end = int(found[1]), min(int(found[2]), size - 1)
            status, headers["Content-Range"] = 206, f"bytes {start}-{end}/{size}"
        if request.method == "HEAD":
            return web.Response(status=status, headers={**headers, "Content-Length": str(size)})
        with path.open("rb") as file:
            file.seek(start)
            body = file.read(end - start + 1)
        self.answers.append(len(body))
        return web.Response(status=status, headers=headers, body=body)


def _refusal(code: str, status: int) -> web.Response:
    return web.Response(
        status=status,
        text=f"<Error><Code>{code}</Code><Message>no</Message></Error>",
        content_type="application/xml",
    )


def _xml(text: str) -> web.Response:
    return web.Response(text=f'<?xml version="1.0"?>{text}', content_type="application/xml")
