"""Which addresses the gateway may dial on a stranger's word: the outbound address guard.

A portal names the target of its own webhooks, so the target may be anything: our database, the
cloud's metadata service, another province's network. This module owns the table of prefixes
that are refused, the operator's exceptions to it, and the socket factory that judges the concrete
address at the moment of dialling. A host written as an address never reaches a resolver, and a
name may resolve differently the second time: only the dial sees what is really called.

It leaves to others what a URL may look like (``gateway.webhooks.rules``) and every time-out.

Follows the IANA special-purpose address registries (RFC 6890 and its successors), RFC 4291,
RFC 5214 (ISATAP), RFC 6052 (NAT64). ``ipaddress.is_global`` is deliberately unused: on Python 3.11
it passes multicast, 6to4, NAT64 and more.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
AddressInfo = tuple[
    int | socket.AddressFamily,
    int | socket.SocketKind,
    int,
    str,
    tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes],
]
"""One entry of ``getaddrinfo``, the way aiohttp hands it to a socket factory."""

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Looks a host name up; raises ``OSError`` when it cannot."""

_REFUSED_V4: Final = tuple(
    (IPv4Network(prefix), why)
    for prefix, why in (
        ("0.0.0.0/8", "this network"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "carrier-grade NAT"),
        ("127.0.0.0/8", "loopback"),
        ("168.63.129.16/32", "cloud metadata"),
        ("169.254.0.0/16", "link-local or metadata"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "IETF protocol assignments"),
        ("192.0.2.0/24", "documentation"),
        ("192.31.196.0/24", "AS112"),
        ("192.52.193.0/24", "AMT"),
        ("192.88.99.0/24", "6to4 relay"),
        ("192.168.0.0/16", "private"),
        ("192.175.48.0/24", "AS112"),
        ("198.18.0.0/15", "benchmarking"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved or broadcast"),
    )
)
_GLOBAL_V6: Final = IPv6Network("2000::/3")
"""The only range IANA has given out as global unicast; all else is refused by not being in it."""

_REFUSED_V6: Final = tuple(
    (IPv6Network(prefix), why)
    for prefix, why in (
        # Outside 2000::/3: refused in any case, named so that the answer says why.
        ("::1/128", "loopback"),
        ("::/8", "unspecified or embedded IPv4"),
        ("64:ff9b::/96", "NAT64 transition"),
        ("64:ff9b:1::/48", "NAT64 transition"),
        ("100::/64", "discard"),
        ("5f00::/16", "segment routing"),
        ("fc00::/7", "unique local or metadata"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "site-local"),
        ("ff00::/8", "multicast"),
        # Inside 2000::/3.
        ("2001::/23", "IETF protocol assignments or Teredo"),
        ("2001:db8::/32", "documentation"),
        ("2002::/16", "6to4 transition"),
        ("2620:4f:8000::/48", "AS112"),
        ("3fff::/20", "documentation"),
    )
)
_ISATAP: Final = 0x00005EFE  # RFC 5214 §6.1; 0x0200 in front marks a "universal" IPv4 address


class AddressBlocked(OSError):
    """The address may not be dialled. An ``OSError`` so that connection races go on to the next."""

    def __init__(self, address: str, why: str) -> None:
        super().__init__(errno.EACCES, f"address {address} is not allowed: {why}")
        self.address = address
        self.why = why


def parse_address(value: str | bytes) -> Address:
    """Read a textual or packed (4 or 16 bytes) address; IPv4-mapped IPv6 becomes IPv4.

    Raises:
        ValueError: not an address in canonical notation (``127.1`` and ``0x7f000001`` are not).
    """
    address = ip_address(value)
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def parse_subnets(values: Iterable[str]) -> tuple[Network, ...]:
    """Read the operator's allowed subnets, such as ``10.0.0.0/8`` for a government network.

    Raises:
        ValueError: naming every entry that is no subnet, or that would open the whole Internet.
    """
    subnets: list[Network] = []
    problems: list[str] = []
    for value in values:
        try:
            subnet = ip_network(value)
        except ValueError as error:
            problems.append(str(error))
            continue
        if subnet.prefixlen == 0:
            problems.append(f"{value!r} would switch the guard off")
        subnets.append(subnet)
    if problems:
        raise ValueError("; ".join(problems))
    return tuple(subnets)


class AddressGuard:
    """Says of a concrete address whether it may be dialled.

    Args:
        allowed: subnets the operator opens although the table refuses them (``parse_subnets``).
    """

    def __init__(self, allowed: Iterable[Network] = ()) -> None:
        self._allowed = tuple(allowed)

    def refusal(self, value: str | bytes) -> str | None:
        """Why this address may not be dialled, in two or three words; None when it may.

        Args:
            value: an address as text or packed; anything else is refused as unreadable.
        """
        try:
            address = parse_address(value)
        except ValueError:
            return "not an address"
        if any(address in subnet for subnet in self._allowed):
            return None
        if isinstance(address, IPv4Address):
            return _refusal_v4(address)
        return _refusal_v6(address)

    def permits(self, value: str | bytes) -> bool:
        """Whether this address may be dialled."""
        return self.refusal(value) is None

    def socket_factory(self, info: AddressInfo) -> socket.socket:
        """Make the socket for one concrete address, for ``aiohttp.TCPConnector(socket_factory=)``.

        Raises:
            AddressBlocked: the address is refused; nothing has been sent, no socket was opened.
        """
        family, kind, protocol, _, target = info
        host = target[0]
        why = self.refusal(host) if isinstance(host, str) else "not an address"
        if why is not None:
            raise AddressBlocked(str(host), why)
        return socket.socket(family=family, type=kind, proto=protocol)

    async def check_host(self, host: str, port: int, resolve: Resolve) -> None:
        """Refuse early, when a target is registered; the dial decides again each time.

        A name that does not resolve now is let through: it cannot be dialled either.

        Raises:
            AddressBlocked: the host is, or resolves to at least one, refused address.
        """
        try:
            addresses: Sequence[str] = [str(parse_address(host))]
        except ValueError:
            try:
                addresses = await resolve(host, port)
            except OSError:
                return
        for address in addresses:
            why = self.refusal(address)
            if why is not None:
                raise AddressBlocked(address, why)


async def resolve_host(host: str, port: int) -> Sequence[str]:
    """Ask the operating system's resolver, without blocking the event loop.

    Raises:
        OSError: the name is not known, or could not be encoded as one.
    """
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:  # an over-long label fails in the codec, not in the resolver
        raise OSError(errno.EINVAL, "not a host name") from error
    return [str(entry[4][0]) for entry in found]


def _refusal_v4(address: IPv4Address) -> str | None:
    for subnet, why in _REFUSED_V4:
        if address in subnet:
            return why
    return None


def _refusal_v6(address: IPv6Address) -> str | None:
    for subnet, why in _REFUSED_V6:
        if address in subnet:
            return why
    if address not in _GLOBAL_V6:
        return "not global unicast"
    if int(address) >> 32 & 0xFDFFFFFF == _ISATAP:
        return "ISATAP transition"
    return None
