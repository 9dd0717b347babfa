"""Static files under names that carry their content's hash, so that browsers keep them a year.

Owns reading, hashing, compressing and serving; pages only ask for ``asset_url(name)``. Nothing
comes from another host (pages guide, principle 6).
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from aiohttp import hdrs, web

_FOLDER = Path(__file__).parent / "assets"
_PREFIX = "/assets/"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
}
_HEADERS = {
    hdrs.CACHE_CONTROL: "public, max-age=31536000, immutable",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file, ready to be sent; ``packed`` is its gzip form if that is smaller."""

    url: str
    media_type: str
    body: bytes
    packed: bytes | None


def _asset(path: Path, body: bytes) -> Asset:
    digest = hashlib.sha256(body).hexdigest()[:12]
    packed = gzip.compress(body, 9, mtime=0)
    return Asset(
        url=f"{_PREFIX}{path.stem}.{digest}{path.suffix}",
        media_type=_TYPES[path.suffix],
        body=body,
        packed=packed if len(packed) < len(body) * 0.9 else None,
    )


@cache
def assets() -> Mapping[str, Asset]:
    """Read all files once; style sheets come last, because they name the others by hash."""
    paths = sorted(_FOLDER.iterdir(), key=lambda path: (path.suffix == ".css", path.name))
    found: dict[str, Asset] = {}
    for path in paths:
        body = path.read_bytes()
        if path.suffix == ".css":
            for name, asset in found.items():
                body = body.replace(f'url("{name}")'.encode(), f'url("{asset.url}")'.encode())
        found[path.name] = _asset(path, body)
    return found


def asset_url(name: str) -> str:
    """Return the address of a file in ``assets/``; an unknown name is a programming error."""
    return assets()[name].url


async def _serve(request: web.Request) -> web.Response:
    asset = request.app[_BY_URL].get(request.path)
    if asset is None:
        raise web.HTTPNotFound(headers={hdrs.CACHE_CONTROL: "no-store"})
    headers = {**_HEADERS, hdrs.CONTENT_TYPE: asset.media_type}
    if asset.packed is None:
        return web.Response(body=asset.body, headers=headers)
    headers[hdrs.VARY] = hdrs.ACCEPT_ENCODING
    if "gzip" not in request.headers.get(hdrs.ACCEPT_ENCODING, ""):
        return web.Response(body=asset.body, headers=headers)
    headers[hdrs.CONTENT_ENCODING] = "gzip"
    return web.Response(body=asset.packed, headers=headers)


async def _favicon(_request: web.Request) -> web.Response:
    """For what cannot name its own, such as a PDF in a tab: browsers guess this address."""
    headers = {hdrs.LOCATION: asset_url("favicon.svg"), hdrs.CACHE_CONTROL: "public, max-age=86400"}
    return web.Response(status=302, headers=headers)


_BY_URL = web.AppKey("assets_by_url", Mapping[str, Asset])


def add_asset_routes(app: web.Application) -> None:
    """Serve every file of ``assets/`` from ``/assets/``."""
    app[_BY_URL] = {asset.url: asset for asset in assets().values()}
    app.router.add_get(_PREFIX + "{name}", _serve)
    app.router.add_get("/favicon.ico", _favicon)
