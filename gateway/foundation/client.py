"""Who is at the other end: the peer's address, or what a trusted proxy says of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from ipaddress import ip_address, ip_network

from aiohttp import web


def client_address(trusted: Sequence[str]) -> Callable[[web.Request], str]:
    """A function that gives a request's client address.

    ``X-Forwarded-For`` is read from the right and believed only as far as trusted networks go, so
    a client cannot choose its own address.
    """
    networks = [ip_network(name, strict=False) for name in trusted]

    def is_trusted(value: str) -> bool:
        try:
            address = ip_address(value)
        except ValueError:
            return False
        return any(address in network for network in networks)

    def client(request: web.Request) -> str:
        address = request.remote or ""
        if not networks:
            return address
        forwarded = request.headers.get("X-Forwarded-For", "").split(",")
        for hop in reversed([h.strip() for h in forwarded if h.strip()]):
            if not is_trusted(address):
                break
            address = hop
        return address

    return client
