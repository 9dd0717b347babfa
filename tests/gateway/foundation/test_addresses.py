"""The outbound address guard: the table, the operator's exceptions and the dial itself."""

import errno
import ipaddress
import json
import socket
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from gateway.foundation.addresses import (
    AddressBlocked,
    AddressGuard,
    parse_subnets,
    resolve_host,
)

VECTORS = json.loads(
    (Path(__file__).resolve().parents[1] / "webhooks" / "vectors.json").read_text("utf-8")
)
BLOCKED = [*VECTORS["ssrf_is_allowed"]["blocked"], *VECTORS["ssrf_extra_blocked"]]
ALLOWED = VECTORS["ssrf_is_allowed"]["allowed"]


@pytest.mark.parametrize("address", BLOCKED)
def test_published_blocked_address_is_refused(address):
    assert AddressGuard().refusal(address)


@pytest.mark.parametrize("address", ALLOWED)
def test_published_allowed_address_is_permitted(address):
    assert AddressGuard().refusal(address) is None


@pytest.mark.parametrize("address", [*BLOCKED, *ALLOWED])
def test_packed_address_is_judged_like_its_text(address):
    guard = AddressGuard()
    assert guard.refusal(ipaddress.ip_address(address).packed) == guard.refusal(address)


@pytest.mark.parametrize(
    "address",
    [
        "168.63.129.16",
        "100.100.100.200",
        "192.0.0.192",
        "fe80::1%eth0",
        "ff02::1",
        "2001::1",
        "2001:4860::5efe:7f00:1",
        "2001:4860::200:5efe:a00:1",
        "4000::1",
        "::",
    ],
)
def test_metadata_multicast_teredo_and_isatap_are_refused(address):
    assert AddressGuard().refusal(address)


@pytest.mark.parametrize(
    "text", ["", "127.1", "0x7f000001", "2130706433", "example.vn", "1.1.1.1 "]
)
def test_what_is_no_canonical_address_is_refused(text):
    assert AddressGuard().refusal(text) == "not an address"


def test_operator_opens_a_government_subnet_and_nothing_beside_it():
    guard = AddressGuard(parse_subnets(["10.254.0.0/16", "fd00:7::/32"]))
    assert guard.permits("10.254.3.4")
    assert guard.permits("::ffff:10.254.3.4")
    assert guard.permits("fd00:7::1")
    assert not guard.permits("10.255.0.1")
    assert not guard.permits("fd00:8::1")
    assert not guard.permits("127.0.0.1")


def test_every_wrong_subnet_is_named_at_once():
    with pytest.raises(ValueError, match="switch the guard off") as caught:
        parse_subnets(["10.0.0.1/8", "0.0.0.0/0", "10.0.0.0/8", "house"])
    assert "10.0.0.1/8 has host bits set" in str(caught.value)
    assert "house" in str(caught.value)


@given(st.integers(0, 2**32 - 1))
def test_mapped_ipv4_is_judged_as_the_ipv4_it_is(number):
    guard = AddressGuard()
    plain = str(ipaddress.IPv4Address(number))
    assert guard.refusal(f"::ffff:{plain}") == guard.refusal(plain)


@given(st.integers(0, 2**32 - 1))
def test_guard_is_stricter_than_the_standard_library(number):
    address = ipaddress.IPv4Address(number)
    if not address.is_global or address.is_multicast:
        assert not AddressGuard().permits(str(address)), address


@given(st.integers(0, 2**128 - 1))
def test_no_ipv6_outside_global_unicast_is_permitted(number):
    address = ipaddress.IPv6Address(number)
    if address.ipv4_mapped is None and number >> 125 != 1:
        assert not AddressGuard().permits(str(address))


def test_socket_factory_opens_a_socket_only_for_permitted_addresses():
    info = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("8.8.8.8", 443))
    made = AddressGuard().socket_factory(info)
    assert made.family == socket.AF_INET
    made.close()
    with pytest.raises(AddressBlocked) as caught:
        AddressGuard().socket_factory((*info[:4], ("169.254.169.254", 80)))
    assert caught.value.errno == errno.EACCES
    assert caught.value.why == "link-local or metadata"
    with pytest.raises(AddressBlocked):
        AddressGuard().socket_factory((*info[:4], (1, b"\0")))


async def _ask(guard, url, calls):
    """GET through a guarded connector from a server that counts what reaches it."""

    async def handler(_request):
        calls.append(url)
        return web.Response(text="inside")

    app = web.Application()
    app.router.add_get("/", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    connector = aiohttp.TCPConnector(socket_factory=guard.socket_factory)
    try:
        async with (
            aiohttp.ClientSession(connector=connector, trust_env=False) as session,
            session.get(url.format(port=port)) as reply,
        ):
            return await reply.text()
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"])
async def test_guard_sees_the_concrete_address_of_names_and_of_literal_hosts(host):
    calls = []
    with pytest.raises(aiohttp.ClientConnectorError) as caught:
        await _ask(AddressGuard(), f"http://{host}:{{port}}/", calls)
    assert "not allowed" in str(caught.value)
    assert not calls


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_guarded_connector_reaches_what_the_operator_opened(host):
    guard = AddressGuard(parse_subnets(["127.0.0.0/8"]))
    calls = []
    assert await _ask(guard, f"http://{host}:{{port}}/", calls) == "inside"
    assert len(calls) == 1


async def test_registration_refuses_a_name_with_any_inward_address():
    async def resolve(host, _port):
        return {"both.example": ["8.8.8.8", "10.0.0.1"], "good.example": ["8.8.8.8"]}[host]

    guard = AddressGuard()
    with pytest.raises(AddressBlocked, match="private"):
        await guard.check_host("both.example", 443, resolve)
    with pytest.raises(AddressBlocked, match="loopback"):
        await guard.check_host("::1", 443, resolve)
    await guard.check_host("good.example", 443, resolve)


async def test_registration_lets_an_unknown_name_through_because_it_cannot_be_dialled():
    async def resolve(_host, _port):
        raise OSError("unknown name")

    await AddressGuard().check_host("later.example", 443, resolve)


async def test_the_systems_resolver_answers_addresses_or_an_os_error():
    assert "127.0.0.1" in await resolve_host("localhost", 443)
    with pytest.raises(OSError, match="not a host name"):
        await resolve_host("a" * 70 + ".example", 443)
