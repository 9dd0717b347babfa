"""Time-stamping messages (RFC 3161): a request written, a response and a TSTInfo read.

Owns what stands in them. DER is read element by element; what is not is read with asn1crypto into
the same values. Leaves the signed message around a TSTInfo to ``messages`` and every check to the
callers.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from asn1crypto import tsp

from signing.evidence.hash_names import hash_name, write_hash_name
from signing.reading import der
from signing.reading.der import Element, NotDer

_GENERALIZED_TIME, _BOOLEAN = 0x18, 0x01
_ASKS_FOR_CERTIFICATE = der.write(_BOOLEAN, b"\xff")


@dataclass(frozen=True, slots=True)
class TimeStamp:
    """What a time-stamp says (TSTInfo)."""

    digest: str
    imprint: bytes
    time: datetime
    nonce: int | None


class StampParts(NamedTuple):
    """The elements of a TSTInfo that are read, and its serial number; each knows where it lies."""

    algorithm: Element
    imprint: Element
    serial: Element
    moment: Element
    nonce: Element | None


def read_time_stamp(content: bytes) -> TimeStamp:
    """Read a TSTInfo.

    Raises:
        ValueError, KeyError, TypeError: it is none.
    """
    try:
        return _read_tst_info(der.read(content))
    except (NotDer, IndexError):
        info = tsp.TSTInfo.load(content)
        imprint = info["message_imprint"]
        return TimeStamp(
            imprint["hash_algorithm"]["algorithm"].native,
            imprint["hashed_message"].native,
            info["gen_time"].native,
            info["nonce"].native,
        )


def _read_tst_info(info: Element) -> TimeStamp:
    parts = stamp_parts(info)
    return TimeStamp(
        hash_name(parts.algorithm),
        parts.imprint.content,
        read_moment(parts.moment.content),
        None if parts.nonce is None else parts.nonce.integer(),
    )


def stamp_parts(info: Element) -> StampParts:
    """Take a TSTInfo apart; ``NotDer``, ``ValueError`` when it is none."""
    _, _, imprint, serial, moment, *rest = info.expect(der.SEQUENCE).children()
    algorithm, hashed = imprint.expect(der.SEQUENCE).children()
    nonces = [one for one in rest if one.tag == der.INTEGER]
    return StampParts(
        algorithm,
        hashed.expect(der.OCTETS),
        serial,
        moment.expect(_GENERALIZED_TIME),
        nonces[0] if nonces else None,
    )


@lru_cache(maxsize=64)
def read_moment(written: bytes) -> datetime:
    """A GeneralizedTime as RFC 3161 wants it: UTC, perhaps with a fraction.

    Raises:
        ValueError: it is none; ``NotDer`` where it may be one all the same.
    """
    text = written.decode("ascii")
    whole, _, fraction = text.removesuffix("Z").partition(".")
    if not text.endswith("Z") or len(whole) != 14 or not whole.isdigit():
        raise NotDer("an unusual time")
    parts = [int(whole[:4]), *(int(whole[at : at + 2]) for at in range(4, 14, 2))]
    moment = datetime(parts[0], *parts[1:], tzinfo=UTC)  # type: ignore[misc,arg-type]  # six numbers, in order
    return moment.replace(microsecond=int(fraction[:6].ljust(6, "0"))) if fraction else moment


def write_request(digest: bytes, name: str, nonce: int) -> bytes:
    """A time-stamp request (TimeStampReq) that asks for the authority's certificate."""
    number = der.write_integer(nonce)
    return _before(name, len(digest), len(number)) + digest + number + _ASKS_FOR_CERTIFICATE


@lru_cache(maxsize=64)
def _before(name: str, digest_size: int, nonce_size: int) -> bytes:
    """What precedes the digest in a request; ``nonce_size`` is of the whole element."""
    algorithm, digest_head = write_hash_name(name), der.write_head(der.OCTETS, digest_size)
    imprint_size = len(algorithm) + len(digest_head) + digest_size
    imprint_head = der.write_head(der.SEQUENCE, imprint_size)
    version = der.write_integer(1)
    size = len(version) + len(imprint_head) + imprint_size + nonce_size + len(_ASKS_FOR_CERTIFICATE)
    head = der.write_head(der.SEQUENCE, size)
    return head + version + imprint_head + algorithm + digest_head


def read_response(raw: bytes) -> tuple[int, bytes | None]:
    """A TimeStampResp's status and its token (DER), if it has one.

    Raises:
        ValueError, KeyError, TypeError: it is none.
    """
    try:
        status, *token = der.read(raw).expect(der.SEQUENCE).children()
        code = status.expect(der.SEQUENCE).children()[0].integer()
        return code, token[0].whole if token else None
    except (NotDer, IndexError):
        response = tsp.TimeStampResp.load(raw)
        token_value = response["time_stamp_token"]
        has_token = token_value.native is not None
        return int(response["status"]["status"]), token_value.dump() if has_token else None
