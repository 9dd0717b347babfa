"""The watch: are the certificates that signed what is kept still good?

Owns the rounds: every certificate of the evidence log is looked after until it expires, asked for a
few times a day, mostly by lists that are fetched anyway. A revocation is told to each portal in
which it signed. Leaves believing answers to the signing service, what a revocation touches to
``service``. The database is the queue; any number of processes may run this.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

import msgspec
import structlog
from cryptography import x509
from sqlalchemy import Connection

from gateway.documents.confirmations import claims
from gateway.documents.evidence import authority_store
from gateway.documents.evidence import store as evidence_store
from gateway.documents.evidence.certificates import stamps_time
from gateway.documents.evidence.chain import authorities_of, files_of
from gateway.documents.evidence.log import KeptFile, keep_raw
from gateway.documents.revocation import store
from gateway.documents.revocation.service import Revocations, issuers_word
from gateway.foundation.clock import Clock
from gateway.foundation.database import Database
from gateway.foundation.files import FileDamaged, FileMissing, FileStore
from gateway.foundation.metrics import Metrics
from signing.contract import CertificateStatus, RevocationFinding, SigningError, Watching

_log = structlog.get_logger(__name__)

_NEW, _AT_ONCE = 50, 20
_AGAIN = {
    CertificateStatus.GOOD: timedelta(hours=6),
    CertificateStatus.UNKNOWN: timedelta(hours=1),
    CertificateStatus.REVOKED: timedelta(days=1),  # a suspension may end
    CertificateStatus.UNTRUSTED: timedelta(days=1),  # roots are added
    CertificateStatus.EXPIRED: None,  # nobody answers for it any more
}
_AFTER_TROUBLE = timedelta(minutes=15)


class CertificateWatch:
    """Looks after certificates."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        metrics: Metrics,
        *,
        files: FileStore,
        watching: Watching,
        revocations: Revocations,
    ) -> None:
        self._database = database
        self._clock = clock
        self._metrics = metrics
        self._files = files
        self._watching = watching
        self._revocations = revocations
        self._seen: dict[str, int] = {}  # portal → up to which record was looked

    async def once(self) -> int:
        """Take in new certificates, then ask for those that are due; how many were asked for."""
        await self._take_in()
        now = self._clock.now()
        table = store.watched_certificates
        due = await self._database.write(lambda c: claims.claim(c, table, now, _AT_ONCE))
        for row in due:
            await self._look_at(row)
        return len(due)

    async def _take_in(self) -> None:
        """Look through what was recorded since the last time, portal by portal."""
        for tenant, number in await self._database.read(store.last_records):
            after = self._seen.get(tenant, 0)
            if number <= after:
                continue
            records = await self._database.read(
                lambda c, t=tenant, a=after: store.unwatched(c, t, a, _NEW)  # type: ignore[misc]  # defaults bind the loop's values
            )
            await self._watch_signers_of(records)
            await self._watch_authorities(tenant, after)
            if len(records) < _NEW:
                self._seen[tenant] = number

    async def _watch_signers_of(self, records: Sequence[Any]) -> None:
        for record in records:
            named = files_of(msgspec.json.decode(record.content))
            chain = [digest for what, digest in named if what == "certificate"]
            others = [digest for what, digest in named if what == "authority_certificate"]
            await self._watch(record.certificate_sha256, chain, others)

    async def _watch(self, digest: str, chain: Sequence[str], others: Sequence[str]) -> None:
        """Look after a certificate, and fetch the lists that it and the others name."""
        urls = _crl_urls(await self._loaded([*chain, *others]))

        def unit(connection: Connection) -> None:
            now = self._clock.now()
            store.watch(connection, {"certificate_sha256": digest, "chain": chain, "due_at": now})
            for url in urls:
                store.want_list(connection, url, now)

        await self._database.write(unit)

    async def _watch_authorities(self, tenant: str, after: int) -> None:
        """The certificates whose time-stamps records rest on; those above them are their chain."""

        def query(connection: Connection) -> list[tuple[str, Any]]:
            found = authority_store.latest_since(connection, tenant, after)
            known = store.are_watched(connection, [row.certificate_sha256 for row in found])
            numbers = {row.number for row in found if row.certificate_sha256 not in known}
            records = {
                number: evidence_store.records_after(connection, tenant, number - 1, 1)[0]
                for number in numbers
            }
            return [
                (row.certificate_sha256, records[row.number])
                for row in found
                if row.number in records and row.certificate_sha256 not in known
            ]

        for digest, record in await self._database.read(query):
            (raw,) = await self._loaded([digest]) or (b"",)
            if stamps_time(raw):
                others = sorted(authorities_of(msgspec.json.decode(record.content)) - {digest})
                await self._watch(digest, [digest, *others], [])

    async def _look_at(self, row: Any) -> None:
        try:
            found = await self._watching.certificate_status(await self._loaded(row.chain))
        except SigningError as error:
            _log.warning("certificate_not_looked_at", reason=error.code)
            due_at = self._clock.now() + _AFTER_TROUBLE
            await self._database.write(
                lambda c: store.change_watched(
                    c, row.certificate_sha256, row.lease_fence, due_at=due_at, lease_until=None
                )
            )
            return
        proof = (
            await keep_raw(self._files, {"ocsp": found.ocsps, "crl": found.crls})
            if (found.status is CertificateStatus.REVOKED)
            else ()
        )
        told = await self._database.write(lambda c: self._found(c, row, found, proof))
        for tenant in told:
            _log.error(
                "certificate_revoked" if found.revoked_at is not None else "certificate_cleared",
                tenant=tenant,
                certificate=row.certificate_sha256,
            )
            self._metrics.alerts.labels("certificate_revoked").inc()
        if told:
            self._revocations.announce()

    def _found(
        self,
        connection: Connection,
        row: Any,
        found: RevocationFinding,
        proof: Sequence[KeptFile],
    ) -> list[str]:
        """Write a finding down; the portals that have to know."""
        pause = _AGAIN[found.status]
        now, digest = self._clock.now(), row.certificate_sha256
        values = {
            "status": found.status.value,
            "checked_at": found.asked_at,
            "due_at": now + pause if pause is not None else None,
            "lease_until": None,
        }
        is_word = found.status in (CertificateStatus.GOOD, CertificateStatus.REVOKED)
        if is_word:
            values["revoked_at"] = found.revoked_at
        if not store.change_watched(connection, digest, row.lease_fence, **values) or not is_word:
            return []
        revoked_at = found.revoked_at
        if found.status is CertificateStatus.REVOKED and revoked_at is None:
            revoked_at = found.asked_at
        word = issuers_word(revoked_at, proof, found.reason)
        tenants = store.tenants_with(connection, digest)
        tenants = sorted({*tenants, *authority_store.tenants_with(connection, digest)})
        return [one for one in tenants if self._revocations.say(connection, one, digest, word)]

    async def _loaded(self, digests: Iterable[str]) -> list[bytes]:
        """Certificates of the file store; what is lost or damaged there is left out."""
        found = []
        for digest in digests:
            try:
                found.append(await self._files.get(digest))
            except (FileMissing, FileDamaged):
                _log.warning("certificate_missing", certificate=digest)
        return found


def _crl_urls(certificates: Iterable[bytes]) -> list[str]:
    """The addresses of lists that certificates (DER) name.

    Whether one may be asked is for the signing service's allow-list to say.
    """
    found: dict[str, None] = {}
    for raw in certificates:
        try:
            certificate = x509.load_der_x509_certificate(raw)
            points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints)
        except (ValueError, x509.ExtensionNotFound):
            continue
        for point in points.value:
            for name in point.full_name or ():
                if isinstance(name, x509.UniformResourceIdentifier):
                    found[name.value] = None
    return list(found)
