"""A time-stamping authority in a process of its own: raw sockets, one RSA operation an answer.

As fast as can be, with prepared DER, or building its answers with a library as the development
PKI's authority does. Only for benchmarks: it answers any well-formed request on a kept-alive
loopback connection. Follows RFC 3161 over HTTP (RFC 3161, 3.4).
"""

from __future__ import annotations

import asyncio
import hashlib
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path

from asn1crypto import tsp
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from signing.clock import SystemClock
from signing.devpki import DevPki, tokens
from signing.reading.der import NULL, OCTETS, SEQUENCE, SET, read, write, write_integer, write_oid

_POLICY = write_oid("1.3.6.1.4.1.99999.1.1")
_TST_INFO = write_oid("1.2.840.113549.1.9.16.1.4")
_SHA256 = write(SEQUENCE, write_oid("2.16.840.1.101.3.4.2.1"))
_SHA256_RSA = write(SEQUENCE, write_oid("1.2.840.113549.1.1.11"), NULL)
_GRANTED = write(SEQUENCE, write_integer(0))


class _Stamper:
    """Builds answers; everything but time, imprint and signature is prepared."""

    def __init__(self, pki: DevPki) -> None:
        assert isinstance(pki.tsa.key, rsa.RSAPrivateKey)
        self._key = pki.tsa.key
        own = pki.tsa.certificate.public_bytes(Encoding.DER)
        issuer = pki.issuing.certificate.public_bytes(Encoding.DER)
        fields = read(own).children()[0].children()
        self._sid = write(SEQUENCE, fields[3].whole, fields[1].whole)
        binding = write(
            SEQUENCE,
            write(SEQUENCE, write(SEQUENCE, write(OCTETS, hashlib.sha256(own).digest()))),
        )
        self._attributes = [
            _attribute("1.2.840.113549.1.9.3", _TST_INFO),
            _attribute("1.2.840.113549.1.9.16.2.47", binding),
        ]
        self._certificates = write(0xA0, own, issuer)
        self._serial = 1

    def answer(self, request: bytes) -> bytes:
        _, imprint, *rest = read(request).children()
        nonce = b"".join(one.whole for one in rest if one.tag == 0x02)
        self._serial += 1
        moment = datetime.now(UTC).strftime("%Y%m%d%H%M%SZ").encode()
        info = write(
            SEQUENCE,
            write_integer(1),
            _POLICY,
            imprint.whole,
            write_integer(self._serial),
            write(0x18, moment),
            nonce,
        )
        digest = _attribute("1.2.840.113549.1.9.4", write(OCTETS, hashlib.sha256(info).digest()))
        attributes = b"".join(sorted([*self._attributes, digest]))
        signature = self._key.sign(write(SET, attributes), padding.PKCS1v15(), hashes.SHA256())
        signer = write(
            SEQUENCE,
            write_integer(1),
            self._sid,
            _SHA256,
            write(0xA0, attributes),
            _SHA256_RSA,
            write(OCTETS, signature),
        )
        data = write(
            SEQUENCE,
            write_integer(3),
            write(SET, _SHA256),
            write(SEQUENCE, _TST_INFO, write(0xA0, write(OCTETS, info))),
            self._certificates,
            write(SET, signer),
        )
        token = write(SEQUENCE, write_oid("1.2.840.113549.1.7.2"), write(0xA0, data))
        return write(SEQUENCE, _GRANTED, token)


def _attribute(oid: str, value: bytes) -> bytes:
    return write(SEQUENCE, write_oid(oid), write(SET, value))


class _Library:
    """Builds answers as the development PKI's authority does."""

    def __init__(self, pki: DevPki) -> None:
        self._pki = pki
        self._serial = 1

    def answer(self, request: bytes) -> bytes:
        self._serial += 1
        asked = tsp.TimeStampReq.load(request)
        answered = tokens.answer(
            asked,
            self._pki.tsa,
            self._pki.issuing.certificate,
            self._serial,
            datetime.now(UTC),
        )
        raw: bytes = answered.dump()
        return raw


class _Connection(asyncio.Protocol):
    def __init__(self, stamper: _Stamper | _Library) -> None:
        self._stamper = stamper
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        lengths = [
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length")
        ]
        if len(body) < lengths[0]:
            return
        self._buffer = b""
        answer = self._stamper.answer(body)
        self._transport.write(  # type: ignore[attr-defined]
            b"HTTP/1.1 200 OK\r\nContent-Type: application/timestamp-reply\r\n"
            b"Content-Length: %d\r\n\r\n" % len(answer) + answer
        )


async def _serve(folder: str, channel: Connection, prepared: bool) -> None:
    pki = DevPki.create(Path(folder), SystemClock())
    stamper = _Stamper(pki) if prepared else _Library(pki)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(stamper), "127.0.0.1", 0)
    channel.send(server.sockets[0].getsockname()[1])
    await loop.run_in_executor(None, channel.recv)
    server.close()


def _main(folder: str, channel: Connection, prepared: bool) -> None:
    asyncio.run(_serve(folder, channel, prepared))


@contextmanager
def stub_authority(folder: Path, *, prepared: bool = True) -> Iterator[str]:
    """Run the authority over the PKI in a folder; gives its address."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_main, args=(str(folder), theirs, prepared), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}/tsa"
    finally:
        ours.send(None)
        process.join(10)
