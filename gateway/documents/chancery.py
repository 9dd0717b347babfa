"""What a desk of documents works with: one value instead of eight collaborators.

The chancery (văn thư cơ quan) is where an office keeps its documents and has them signed. Owns no
decision: it says which database, files, signing service and rules a desk has, and makes of a signed
file what ``steps.publish`` needs.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass

from sqlalchemy import Connection

from gateway.documents import steps
from gateway.documents.confirmations.signing_places import SigningPlaces
from gateway.documents.evidence import log as evidence_log
from gateway.documents.large import DocumentSignatures
from gateway.documents.preservation.preserving import reckon
from gateway.documents.rules import Authority
from gateway.documents.steps import Intent, Result
from gateway.foundation.clock import Clock
from gateway.foundation.database import Database
from gateway.foundation.files import FileStore
from gateway.foundation.metrics import Metrics
from gateway.foundation.waker import Waker
from gateway.preservation.doubts import Doubts
from gateway.preservation.policy import DEFAULT_POLICY, PreservationPolicy
from signing.contract import SignedPdf


@dataclass(frozen=True, slots=True)
class Chancery:
    """One process's surroundings for everything that signs documents."""

    database: Database
    clock: Clock
    waker: Waker
    metrics: Metrics
    files: FileStore
    signatures: DocumentSignatures
    authority: Authority
    doubts: Doubts
    preservation: PreservationPolicy = DEFAULT_POLICY
    places: SigningPlaces | None = None

    def with_timestamps(self, level: str) -> AbstractAsyncContextManager[None]:
        """A place with the time-stamping authorities, counted over all processes."""
        if self.places is None:
            return nullcontext()
        return self.places.with_timestamps(level)

    async def keep(self, before: bytes, signed: SignedPdf, tenant: str) -> Result:
        """Store a signed file and its evidence; look at it, reckon until when it is provable.

        Raises:
            SigningError: ``not_incremental``, or the signing service's.
        """
        steps.check_incremental(before, signed.pdf)
        digest = await self.files.put(signed.pdf)
        kept = await evidence_log.keep(self.files, signed)
        look = await self.signatures.inspect(signed.pdf)
        provable = await reckon(self.signatures, signed.pdf, self.doubts.of(tenant))
        return Result(signed, digest, look, kept, provable)

    def publish(self, connection: Connection, intent: Intent, result: Result) -> None:
        """Publish a step's result by this office's rules; see ``steps.publish``."""
        steps.publish(
            connection, self.clock, self.authority, intent, result, policy=self.preservation
        )

    def count(self, intent: Intent, outcome: str) -> None:
        """One more signing that came out like this."""
        self.metrics.signatures.labels(intent.request.level, outcome).inc()
