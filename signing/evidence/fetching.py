"""Bounded HTTP for what a signature needs: time-stamps, OCSP answers, CRLs.

Owns one kept-alive session, the allow-list of hosts, the names asked instead of others, and limits
on size and time. Certificates
name the addresses, so nothing is fetched from a host that was not allowed: no redirects, no
private addresses unless the host is named in the configuration (SSRF). Issuer certificates are
never fetched. Leaves the meaning of the bytes to the callers.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Mapping
from types import TracebackType
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from signing.contract import SignerConfig

_KEPT_TARGETS = 1024
MAX_ANSWER_BYTES = 20 * 1024 * 1024  # the national CRLs are a few MB


class FetchFailed(Exception):
    """The service could not be asked, or did not answer usefully."""


class _GuardedResolver(AbstractResolver):
    """Resolves names; gives addresses that are not public only for hosts the operator named."""

    def __init__(self, named: frozenset[str], allow_loopback: bool) -> None:
        self._inner = aiohttp.ThreadedResolver()
        self._named = named
        self._allow_loopback = allow_loopback

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        if host.lower() in self._named:
            return found
        allowed = [one for one in found if address_allowed(one["host"], self._allow_loopback)]
        if not allowed:
            raise OSError(f"{host} has no public address")
        return allowed

    async def close(self) -> None:
        await self._inner.close()


def address_allowed(address: str, allow_loopback: bool) -> bool:
    """Whether an address may be talked to without being named in the configuration."""
    ip = ipaddress.ip_address(address)
    return ip.is_global or (allow_loopback and ip.is_loopback)


class Fetcher:
    """One HTTP client for a signing service; made lazily inside the running loop."""

    def __init__(self, config: SignerConfig) -> None:
        self._listed = frozenset(host.lower() for host in config.fetch_hosts)
        self._instead = {old.lower(): new for old, new in config.rewrite_hosts}
        named = [urlsplit(one.url).hostname or "" for one in config.authorities]
        named += [urlsplit(f"//{host}").hostname or "" for host in self._instead.values()]
        self._named = self._listed | {host.lower() for host in named}
        self._per_host = max([4, *(one.concurrent for one in config.authorities)])
        self._allow_loopback = config.allow_loopback
        self._session: aiohttp.ClientSession | None = None
        self._targets: dict[str, URL] = {}  # by the address asked for; what the rules allowed
        self._loop: asyncio.AbstractEventLoop | None = None

    async def __aenter__(self) -> Fetcher:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def permits(self, url: str) -> bool:
        """Whether the address may be fetched at all, before any name is resolved."""
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
        if parts.scheme not in ("http", "https") or not host:
            return False
        if host in self._named:
            return True
        if self._listed:
            return False
        try:
            return address_allowed(host, self._allow_loopback)
        except ValueError:  # a name: the resolver decides
            return True

    def rewritten(self, url: str) -> str:
        """The address to ask instead of one that certificates name.

        Certificates of the government's CA name hosts of its private network (``ocsp.ca.ptc``);
        the operator says under which name (and port) they are reached from here.
        """
        parts = urlsplit(url)
        instead = self._instead.get((parts.hostname or "").lower())
        if instead is None:
            return url
        port = f":{parts.port}" if parts.port and ":" not in instead else ""
        return parts._replace(netloc=f"{instead}{port}").geturl()

    async def get(self, url: str, timeout_s: float) -> bytes:
        """Fetch a document (a CRL)."""
        return await self._ask("GET", url, None, {}, timeout_s)

    async def post(
        self, url: str, body: bytes, headers: Mapping[str, str], timeout_s: float
    ) -> bytes:
        """Ask a question (OCSP, RFC 3161)."""
        return await self._ask("POST", url, body, headers, timeout_s)

    async def _ask(
        self,
        method: str,
        url: str,
        body: bytes | None,
        headers: Mapping[str, str],
        timeout_s: float,
    ) -> bytes:
        limit = aiohttp.ClientTimeout(total=timeout_s)
        try:
            target = self._targets.get(url) or self._allowed(url)
            async with self._open().request(
                method, target, data=body, headers=headers, timeout=limit, allow_redirects=False
            ) as answer:
                if answer.status != 200:
                    raise FetchFailed(f"HTTP {answer.status}")
                return await _read_bounded(answer)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise FetchFailed(type(error).__name__) from error

    def _allowed(self, url: str) -> URL:
        """Where to ask instead of an address, if that is allowed; the rules never change."""
        instead = self.rewritten(url)
        if not self.permits(instead):
            raise FetchFailed("address is not on the allow-list")
        if len(self._targets) >= _KEPT_TARGETS:
            self._targets.clear()
        self._targets[url] = target = URL(instead)
        return target

    def _open(self) -> aiohttp.ClientSession:
        loop = asyncio.get_running_loop()
        if self._session is None or self._loop is not loop or self._session.closed:
            resolver = _GuardedResolver(self._named, self._allow_loopback)
            connector = aiohttp.TCPConnector(resolver=resolver, limit_per_host=self._per_host)
            self._session = aiohttp.ClientSession(
                connector=connector,
                auto_decompress=False,
                skip_auto_headers=("Accept-Encoding", "User-Agent"),  # nothing is decompressed
                cookie_jar=aiohttp.DummyCookieJar(),
            )
            self._loop = loop
        return self._session


async def _read_bounded(answer: aiohttp.ClientResponse) -> bytes:
    if answer.content_length is not None:  # the parser takes no byte more than was announced
        if answer.content_length > MAX_ANSWER_BYTES:
            raise FetchFailed("the answer is too large")
        return await answer.read()
    data = bytearray()
    async for chunk in answer.content.iter_chunked(65536):
        data += chunk
        if len(data) > MAX_ANSWER_BYTES:
            raise FetchFailed("the answer is too large")
    return bytes(data)
