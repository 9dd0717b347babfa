"""What a file carries for its own validation: certificates, OCSP, CRL, archive time-stamps.

Owns reading the document security store (ISO 32000-2, 12.8.4.3) and naming the PAdES level that a
signature reached (ETSI EN 319 142-1, clause 6). Leaves judging that data to the engine.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from asn1crypto import cms, core, x509
from asn1crypto import crl as asn1_crl
from asn1crypto import ocsp as asn1_ocsp
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation.policy_decl import LocalKnowledge
from pyhanko_certvalidator.revinfo.archival import CRLContainer, OCSPContainer

from signing.reading.opening import HOSTILE_INPUT_ERRORS, entry

log = logging.getLogger(__name__)

_MAX_STREAMS = 2_000
_REVOCATION = ("/OCSPs", "/CRLs")
_Place = tuple[int, int]  # number and generation of an object


@dataclass(slots=True)
class ValidationData:
    """The store's contents, and the revisions of the archive time-stamps."""

    knowledge: LocalKnowledge = field(default_factory=LocalKnowledge)
    archives: tuple[int, ...] = ()
    # archive → the answers and lists (DER) that the file held when it was made
    sealed: Mapping[int, frozenset[bytes]] = field(default_factory=dict)
    fresh: LocalKnowledge = field(default_factory=LocalKnowledge)  # fetched, not in the file

    def has_archive_after(self, revision: int) -> bool:
        """Whether an archive time-stamp covers that revision."""
        return any(archive > revision for archive in self.archives)

    def _answers_about(self, certificate: x509.Certificate) -> Iterator[bytes]:
        """The answers and lists that speak of a certificate, DER."""
        serial, issuer = certificate.serial_number, certificate.issuer.hashable
        for ocsp in self.knowledge.known_ocsps:
            if serial in _ocsp_serials(ocsp):
                yield ocsp.ocsp_response_data.dump()
        for crl in self.knowledge.known_crls:
            if _crl_issuer(crl) == issuer:
                yield crl.crl_data.dump()

    def is_fresh(self, now: datetime) -> bool:
        """Whether every answer and list in the file is still in its time."""
        ends = [e for c in self.knowledge.known_ocsps for e in _ocsp_ends(c)]
        ends += [_crl_end(c) for c in self.knowledge.known_crls]
        return bool(ends) and all(end is not None and end >= now for end in ends)

    def with_fresh(self, ocsps: tuple[bytes, ...], crls: tuple[bytes, ...]) -> ValidationData:
        """Add answers (DER) that were just fetched: they judge, they raise no level."""
        fresh = LocalKnowledge(known_ocsps=_ocsps(ocsps), known_crls=_crls(crls))
        return replace(self, fresh=fresh)

    @property
    def everything(self) -> LocalKnowledge:
        """What the file carries together with what was fetched."""
        known, fresh = self.knowledge, self.fresh
        return LocalKnowledge(
            known_ocsps=known.known_ocsps + fresh.known_ocsps,
            known_crls=known.known_crls + fresh.known_crls,
            known_certs=known.known_certs,
        )

    def with_signed(self, signer: cms.SignerInfo) -> ValidationData:
        """Add what the signature itself carries (``adbe-revocationInfoArchival``)."""
        found = [
            value
            for attribute in _attributes(signer)
            if attribute["type"].native == "adobe_revocation_info_archival"
            for value in attribute["values"]
        ]
        if not found:
            return self
        known = self.knowledge
        signed = LocalKnowledge(
            known_ocsps=known.known_ocsps + [OCSPContainer(o) for v in found for o in v["ocsp"]],
            known_crls=known.known_crls + [CRLContainer(c) for v in found for c in v["crl"]],
            known_certs=known.known_certs,
        )
        own = {one.dump() for v in found for kind in ("ocsp", "crl") for one in v[kind]}
        sealed = {archive: self.sealed.get(archive, frozenset()) | own for archive in self.archives}
        return replace(self, knowledge=signed, sealed=sealed)

    def level_of(
        self, *, subfilter: str, revision: int, timestamped: bool, certificate: x509.Certificate
    ) -> str:
        """The level by structure alone: what is there, not whether it holds."""
        family = "B" if subfilter == "/ETSI.CAdES.detached" else "PKCS7"
        archived = self.has_archive_after(revision)
        if not (timestamped or archived):
            return f"{family}-B"
        answers = set(self._answers_about(certificate))
        if not answers:
            return f"{family}-T"
        sealed = any(answers & held for at, held in self.sealed.items() if at > revision)
        return f"{family}-LTA" if sealed else f"{family}-LT"


def read_validation_data(reader: PdfFileReader, archives: tuple[int, ...]) -> ValidationData:
    """Read the store; entries that cannot be read are left out."""
    data = ValidationData(archives=archives)
    store = entry(reader.root, "/DSS")
    if not isinstance(store, generic.DictionaryObject):
        return data
    ocsps, crls, certs = (_streams(store, key) for key in (*_REVOCATION, "/Certs"))
    data.sealed = {archive: _held_at(reader, archive, ocsps | crls) for archive in archives}
    certificates = [
        found
        for der in certs.values()
        for found in _load(lambda d: [x509.Certificate.load(d)], der)
    ]
    data.knowledge = LocalKnowledge(
        known_ocsps=_ocsps(ocsps.values()),
        known_crls=_crls(crls.values()),
        known_certs=certificates,
    )
    return data


def _ocsps(ders: Iterable[bytes]) -> list[OCSPContainer]:
    return [
        found
        for der in ders
        for found in _load(lambda d: OCSPContainer.load_multi(asn1_ocsp.OCSPResponse.load(d)), der)
    ]


def _crls(ders: Iterable[bytes]) -> list[CRLContainer]:
    return [
        found
        for der in ders
        for found in _load(lambda d: [CRLContainer(asn1_crl.CertificateList.load(d))], der)
    ]


def _held_at(
    reader: PdfFileReader, revision: int, stored: Mapping[_Place, bytes]
) -> frozenset[bytes]:
    """Which of the answers and lists that are stored now were stored as of a revision."""
    store = entry(reader.get_historical_resolver(revision).root, "/DSS")
    if not isinstance(store, generic.DictionaryObject):
        return frozenset()
    return frozenset(
        stored[place]
        for key in _REVOCATION
        for place, item in _listed(store, key).items()
        if place in stored and reader.xrefs.get_last_change(item.reference) <= revision
    )


def _attributes(signer: cms.SignerInfo) -> list[Any]:
    attributes = signer["signed_attrs"]
    return [] if attributes is core.VOID else list(attributes)


def _listed(store: Any, key: str) -> dict[_Place, Any]:
    """A list's streams by where they are written; a stream cannot stand in the list itself."""
    array = entry(store, key)
    if not isinstance(array, generic.ArrayObject):
        return {}
    listed = (array.raw_get(position) for position in range(min(len(array), _MAX_STREAMS)))
    return {
        (item.idnum, item.generation): item
        for item in listed
        if isinstance(item, generic.IndirectObject)
    }


def _streams(store: Any, key: str) -> dict[_Place, bytes]:
    contents = {}
    for place, item in _listed(store, key).items():
        try:
            contents[place] = bytes(item.get_object().data)
        except HOSTILE_INPUT_ERRORS as error:
            log.info("validation data not readable: %s", type(error).__name__)
    return contents


def _load(load: Any, der: bytes) -> list[Any]:
    try:
        return list(load(der))
    except HOSTILE_INPUT_ERRORS as error:
        log.info("validation data not parsed: %s", type(error).__name__)
        return []


def _crl_issuer(container: CRLContainer) -> Any:
    try:
        return container.crl_data.issuer.hashable
    except HOSTILE_INPUT_ERRORS:
        return None


def _ocsp_serials(container: OCSPContainer) -> set[int]:
    try:
        response = container.ocsp_response_data.response_data
        return {int(r["cert_id"]["serial_number"].native) for r in response["responses"]}
    except HOSTILE_INPUT_ERRORS:
        return set()


def _ocsp_ends(container: OCSPContainer) -> list[datetime | None]:
    try:
        response = container.ocsp_response_data.response_data
        return [r["next_update"].native for r in response["responses"]]
    except HOSTILE_INPUT_ERRORS:
        return [None]


def _crl_end(container: CRLContainer) -> datetime | None:
    try:
        end: datetime | None = container.crl_data["tbs_cert_list"]["next_update"].native
    except HOSTILE_INPUT_ERRORS:
        return None
    return end
