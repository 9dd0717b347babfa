"""The whole capability, put together: what ``gateway.app`` makes one of."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from aiohttp import web

from gateway.certification import http, public
from gateway.certification.answers import Shower
from gateway.certification.attestation import Templates
from gateway.certification.copies import CertifyingSignatures, CopyMaker
from gateway.certification.issuing import Issuing
from gateway.certification.keeping import CopyKeeping
from gateway.certification.rules import Offices
from gateway.certification.service import Certifications, Sources
from gateway.certification.verification import Verification
from gateway.documents.confirmations.signing_places import Timestamping
from gateway.documents.evidence.witness import Witness
from gateway.foundation.clock import Clock
from gateway.foundation.database import Database
from gateway.foundation.files import FileStore
from gateway.foundation.limits import RateLimiter
from gateway.foundation.metrics import Metrics
from gateway.foundation.waker import Waker
from gateway.foundation.web import Page, Route
from gateway.frame.layout import Frame
from gateway.preservation.assembly import PreservationDesk

_LOOK_AHEAD_S = 60.0  # at every copy: what is issued is reckoned by the next look


class CertificationDesk:
    """The register, certified copies, and the page on which anyone can check one."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        waker: Waker,
        metrics: Metrics,
        *,
        files: FileStore,
        signatures: CertifyingSignatures,
        sources: Sources,
        witness: Witness,
        offices: Offices,
        templates: Templates,
        public_url: str,
        frame: Callable[[web.Request], Frame],
        limiter: RateLimiter,
        client: Callable[[web.Request], str],
        preservation: PreservationDesk,
        timestamping: Timestamping,
    ) -> None:
        self._shower = Shower(public_url)
        self.certifications = Certifications(
            database=database,
            clock=clock,
            files=files,
            waker=waker,
            sources=sources,
            offices=offices,
            templates=templates,
            shower=self._shower,
            witness=witness,
        )
        self.issuing = Issuing(
            database=database,
            clock=clock,
            maker=CopyMaker(files, signatures, self._shower, witness, timestamping),
            waker=waker,
            offices=offices,
            templates=templates,
            shower=self._shower,
            metrics=metrics,
            witness=witness,
        )
        keeping = CopyKeeping(
            database,
            clock,
            waker,
            files=files,
            signatures=signatures,
            doubts=preservation.doubts,
            timestamping=timestamping,
        )
        preservation.keep(keeping, every_s=_LOOK_AHEAD_S)
        self._verification = Verification(database, clock, files, signatures)
        self._clock = clock
        self._frame = frame
        self._limiter = limiter
        self._client = client

    @property
    def renderers(self) -> dict[str, Any]:
        """Id prefix → how events tell the state of these objects."""
        return {"cer": self._shower.render}

    def routes(self) -> list[Route | Page]:
        """What to mount."""
        return [
            *http.routes(self.certifications, self.issuing),
            *public.routes(
                self._verification,
                self._shower,
                self._clock,
                self._frame,
                limiter=self._limiter,
                client=self._client,
            ),
        ]

    def tasks(self) -> dict[str, Callable[[], Coroutine[Any, Any, None]]]:
        """No background work of its own: signing happens in its request."""
        return {}
