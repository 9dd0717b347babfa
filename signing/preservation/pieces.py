"""Taking a signed file apart for other programs: CMS, tokens, hashes of the signed bytes.

Owns finding the pieces by structure alone. Nothing here is judged: whether a signature holds is for
``signing.validation``, and for whoever checks the pieces by themselves. Leaves fields to
``signing.reading.signature_fields`` and the security store to ``holding``.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from asn1crypto import cms, core, parser
from pyhanko.sign.validation.pdf_embedded import extract_contents

from signing.contract import SignaturePiece, SignedPieces
from signing.preservation.holding import der_of, read_store
from signing.reading.opening import HOSTILE_INPUT_ERRORS, Data, Unreadable, entry, open_pdf
from signing.reading.signature_fields import FoundSignature, find_signatures

log = logging.getLogger(__name__)

_BLOCK = 1024 * 1024
_HASHES = frozenset({"sha1", "sha224", "sha256", "sha384", "sha512"})
_UNREADABLE = HOSTILE_INPUT_ERRORS


@dataclass(slots=True)
class _Taken:
    certificates: dict[bytes, None] = field(default_factory=dict)  # in order, each once
    signatures: list[SignaturePiece] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)


def take_apart(pdf: Data) -> SignedPieces:
    """The pieces of a signed file; of one that cannot be read or holds none, nothing."""
    opened = open_pdf(pdf)
    if isinstance(opened, Unreadable):
        return SignedPieces()
    taken = _Taken()
    try:
        found = find_signatures(pdf, opened.reader.root)
        store = read_store(opened.reader.root)
    except _UNREADABLE as error:
        log.info("signatures not found: %s", type(error).__name__)
        return SignedPieces()
    for one in found:
        try:
            taken.signatures.append(_piece(pdf, one, taken))
        except _UNREADABLE as error:
            log.info("signature %s not readable: %s", one.field.name, type(error).__name__)
            taken.unreadable.append(one.field.name)
    taken.certificates |= dict.fromkeys(der_of(c) for c in store.certificates)
    return SignedPieces(
        tuple(_timed(sorted(taken.signatures, key=lambda one: sum(one.spans[-1])))),
        tuple(taken.certificates),
        tuple(dict.fromkeys(store.ocsps)),
        tuple(dict.fromkeys(store.crls)),
        tuple(taken.unreadable),
    )


def _piece(pdf: Data, found: FoundSignature, taken: _Taken) -> SignaturePiece:
    raw = _without_padding(extract_contents(found.value))
    signed = cms.ContentInfo.load(raw)["content"]
    first = signed["signer_infos"][0]
    algorithm = str(first["digest_algorithm"]["algorithm"].native)
    is_archive = found.is_timestamp
    if is_archive:
        imprint = signed["encap_content_info"]["content"].parsed["message_imprint"]
        algorithm = str(imprint["hash_algorithm"]["algorithm"].native)
    spans = _spans(pdf, found.value)
    tokens = () if is_archive else tuple(_tokens(first))
    for one in (signed, *(cms.ContentInfo.load(token)["content"] for token in tokens)):
        taken.certificates |= dict.fromkeys(_certificates(one))
    claimed = _made_at(signed) if is_archive else _claimed(first, found)
    proven = min((_made_at(cms.ContentInfo.load(t)["content"]) for t in tokens), default=None)
    return SignaturePiece(
        field_name=found.field.name,
        is_archive=is_archive,
        spans=spans,
        digest_algorithm=algorithm,
        digest=_digest(pdf, spans, algorithm),
        cms=raw,
        value=first["signature"].native,
        timestamps=tokens,
        claimed_time=claimed,
        proven_time=claimed if is_archive else proven,
        detached=is_archive or signed["encap_content_info"]["content"] is core.VOID
        or signed["encap_content_info"]["content"].native is None,
    )  # fmt: skip


def _timed(pieces: list[SignaturePiece]) -> list[SignaturePiece]:
    """A time-stamp of the document tells also when the signatures before it were there."""
    timed: list[SignaturePiece] = []
    later: datetime | None = None
    for one in reversed(pieces):
        later = one.proven_time if one.is_archive else later
        timed.insert(0, replace(one, proven_time=one.proven_time or later))
    return timed


def _without_padding(contents: bytes) -> bytes:
    """A signature's place in the file is larger than the signature."""
    _, _, _, header, content, trailer = parser.parse(contents, strict=False)
    return bytes(header + content + trailer)


def _spans(pdf: Data, value: Any) -> tuple[tuple[int, int], ...]:
    numbers = [int(n) for n in value["/ByteRange"]]
    pairs = tuple(zip(numbers[::2], numbers[1::2], strict=True))
    if not pairs or min(numbers) < 0 or any(sum(pair) > len(pdf) for pair in pairs):
        raise ValueError("spans of other bytes")
    return pairs


def _digest(pdf: Data, spans: Iterable[tuple[int, int]], algorithm: str) -> str:
    if algorithm not in _HASHES:
        raise ValueError(algorithm)
    state = hashlib.new(algorithm)
    for start, length in spans:
        for at in range(start, start + length, _BLOCK):
            state.update(pdf[at : min(at + _BLOCK, start + length)])
    return state.hexdigest()


def _certificates(signed: cms.SignedData) -> Iterable[bytes]:
    for choice in signed["certificates"] or ():
        if choice.name == "certificate":
            yield choice.chosen.dump()


def _tokens(info: cms.SignerInfo) -> Iterable[bytes]:
    attributes = info["unsigned_attrs"]
    for attribute in () if attributes is core.VOID else attributes:
        if attribute["type"].native == "signature_time_stamp_token":
            for token in attribute["values"]:
                yield token.dump()


def _made_at(token: cms.SignedData) -> datetime:
    moment: datetime = token["encap_content_info"]["content"].parsed["gen_time"].native
    return moment


def _claimed(info: cms.SignerInfo, found: FoundSignature) -> datetime | None:
    """The signing time inside the CMS, else the one beside it, which anybody can read."""
    attributes = info["signed_attrs"]
    for attribute in () if attributes is core.VOID else attributes:
        if attribute["type"].native == "signing_time":
            moment: datetime = attribute["values"][0].native
            return moment
    written = getattr(entry(found.value, "/M"), "as_datetime", None)
    return written if isinstance(written, datetime) and written.tzinfo else None
