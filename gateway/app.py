"""The one place where everything is wired: build → start → stop.

``Gateway`` is one process: with HTTP it serves, without it only works. Start order is the reverse
of stop order; stopping first refuses new requests, then finishes what is in flight, then lets the
workers put their work down, then closes the database. Whatever was accepted is in the database.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from socket import socket as Socket  # noqa: N812 - the class, beside a parameter of that name
from typing import Any

import structlog
from aiohttp import web

from connectors.payment.vietqr.banks import banks
from gateway.api_contract import contract_of
from gateway.capability import Capability, Desk
from gateway.certification.assembly import CertificationDesk
from gateway.certification.attestation import load_templates
from gateway.documents.assembly import DocumentDesk
from gateway.door_money import post_cash
from gateway.file_wiring import file_store
from gateway.foundation import system
from gateway.foundation.access import Keys
from gateway.foundation.addresses import AddressGuard, parse_subnets
from gateway.foundation.client import client_address
from gateway.foundation.clock import Clock
from gateway.foundation.connections import Runner
from gateway.foundation.database import Database
from gateway.foundation.edge import middleware
from gateway.foundation.limits import RateLimiter
from gateway.foundation.metrics import Metrics
from gateway.foundation.outbound import HttpTransport
from gateway.foundation.tasks import Tasks
from gateway.foundation.waker import Redis, Waker
from gateway.foundation.web import Edge, Page, Route, mount
from gateway.frame.assets import add_asset_routes
from gateway.frame.layout import Frame, asked_language
from gateway.frame.security import own_path
from gateway.housekeeping import housekeeping
from gateway.migrations import run as migrations
from gateway.operator_data import data_folder, document_templates
from gateway.over_machines import OverMachines
from gateway.payments.accounts import Accounts, Policy
from gateway.payments.assembly import PaymentDesk
from gateway.payments.checkout.values import Place
from gateway.preservation.assembly import PreservationDesk
from gateway.preservation_wiring import job_limit_s, preservation_policy
from gateway.settings import ConfigurationError, Settings
from gateway.shipments.assembly import ShipmentDesk
from gateway.trouble import TroublePages
from gateway.webhooks.assembly import Webhooks
from gateway.webhooks.told_store import told_at
from gateway.webhooks.worker import LEASE_PER_TIMEOUT, Options
from gateway.wiring import (
    agency_names,
    authority,
    batch_policy,
    build_connectors,
    confirmation_policy,
    form_secret,
    offices,
    pepper,
    secret_box,
    signer_config,
    state_secrets,
)
from signing.contract import TimestampTrip
from signing.processes.pool import SignerPool

_log = structlog.get_logger(__name__)


class Gateway:
    """One running gateway."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        self.died = asyncio.Event()
        self.metrics = Metrics()
        self.redis = Redis(settings.redis.url) if settings.redis.url else None
        self.waker = Waker(self.redis)
        self.transport = HttpTransport(clock, self.metrics)
        self.connectors = build_connectors(settings, self.transport, clock)
        self.database = Database(settings.database.url, writers=settings.database.writers)
        signers = replace(signer_config(settings), state_secrets=state_secrets(settings))
        folder = signers.timestamp_slots
        self.shared = OverMachines(self.database, clock, self.waker, folder)
        signers = replace(signers, places_socket=self.shared.socket)
        self.signatures = SignerPool(
            signers,
            settings.signing.processes,
            job_limit_s=job_limit_s(signers),
            on_trips=self._count_trips,
        )
        self.files = file_store(settings)
        self.keys = Keys(self.database, clock, pepper(settings), (settings.server.mode,))
        self.limiter = RateLimiter(clock, self.redis, settings.server.requests_per_second)
        self.client = client_address(settings.server.trusted_proxies)
        self.tasks = Tasks(self._on_death)
        self.base_url, self.capabilities = settings.server.public_url, self._build()
        self._runner: web.AppRunner | None = None

    # -------------------------------------------------------------- building

    def _build(self) -> list[Capability]:
        webhooks = self._webhooks()
        preservation = PreservationDesk(
            self.database,
            self.clock,
            self.waker,
            self.metrics,
            files=self.files,
            signatures=self.signatures,
            policy=preservation_policy(self.settings),
        )
        documents = self.documents = DocumentDesk(
            self.database,
            self.clock,
            self.waker,
            self.metrics,
            files=self.files,
            signatures=self.signatures,
            authority=authority(self.settings),
            upload_limit=self.settings.server.upload_limit,
            confirmations=confirmation_policy(self.settings),
            batches=batch_policy(self.settings),
            preservation=preservation,
            templates=document_templates(self.settings.signing.templates),
        )
        self.payments = self._payments()
        shipments = self._shipments(self.payments)
        self.certification = self._certification(documents, preservation)
        first: list[Desk] = [self.payments, documents]
        desks: list[Desk] = [*first, self.certification, preservation, shipments]
        for name, (types, handler) in shipments.handlers.items():
            webhooks.subscribe(name, types, handler)
        for desk in desks:
            for prefix, render in desk.renderers.items():
                webhooks.register(prefix, render)
        return [webhooks, *desks]

    def _payments(self) -> PaymentDesk:
        section, province = self.settings.payments, self.settings.province
        connectors = self.connectors
        return PaymentDesk(
            self.database,
            self.clock,
            self.waker,
            self.metrics,
            accounts=Accounts(connectors.payment, connectors.notification),
            policy=Policy(
                public_url=self.settings.server.public_url,
                expires_in_s=section.expires_in_s,
                ask_after_s=section.query_after_s,
                refund_approval_above=section.refund_approval_above_vnd,
                methods=tuple(section.methods),
                simulated=self.settings.server.mode != "live",
            ),
            place=Place(
                agency=province.agency,
                province=province.name,
                phone=province.phone,
                hours=province.hours,
                agencies=agency_names(self.settings),
                banks={bank.bin: bank.short_name for bank in banks().values()},
            ),
            form_secret=form_secret(self.settings),
            told=lambda connection, payment: told_at(connection, payment, "payment.paid"),
            client=self.client,
        )

    def _shipments(self, payments: PaymentDesk) -> ShipmentDesk:
        return ShipmentDesk(
            self.database,
            self.clock,
            self.waker,
            self.metrics,
            carriers=self.connectors.postal,
            public_url=self.settings.server.public_url,
            frame=self._frame,
            limiter=RateLimiter(self.clock, self.redis, 10),
            client=self.client,
            poll_s=self.settings.shipments.poll_s,
            collected=post_cash(payments.payments),
            knows_payment=payments.payments.exists,
        )

    def _webhooks(self) -> Webhooks:
        section = self.settings.webhooks
        return Webhooks(
            self.database,
            self.clock,
            self.waker,
            self.metrics,
            secret_box(self.settings),
            public_url=self.settings.server.public_url,
            guard=AddressGuard(parse_subnets(section.allowed_networks)),
            timeout_s=section.timeout_s,
            options=Options(
                schedule=section.retry_s,
                per_endpoint=section.per_endpoint,
                lease_s=LEASE_PER_TIMEOUT * section.timeout_s,
            ),
        )

    def _certification(
        self, documents: DocumentDesk, preservation: PreservationDesk
    ) -> CertificationDesk:
        return CertificationDesk(
            self.database,
            self.clock,
            self.waker,
            self.metrics,
            files=self.files,
            signatures=self.signatures,
            sources=documents.documents,
            witness=documents.witness,
            offices=offices(self.settings),
            templates=load_templates(data_folder("attestation")),
            public_url=self.settings.server.public_url,
            frame=self._frame,
            limiter=RateLimiter(self.clock, self.redis, 10),
            client=self.client,
            preservation=preservation,
            timestamping=documents.places.with_timestamps,
        )

    def _frame(self, request: web.Request) -> Frame:
        province = self.settings.province
        return Frame(
            path=own_path(request),
            agency=province.agency,
            province=province.name,
            phone=province.phone,
            hours=province.hours,
            lang=asked_language(request.query),
            simulated=self.settings.server.mode != "live",
        )

    # -------------------------------------------------------------- running

    async def start(self, *, socket: Socket | None = None, http: bool = True) -> None:
        """Open the database, start the workers, then listen.

        Raises:
            SchemaOutdated: a database this version does not fit.
            ConfigurationError: an address that cannot be listened on.
        """
        if self.database.dialect == "sqlite" and self.settings.database.migrate:
            await asyncio.to_thread(migrations.upgrade, self.database.engine)
        await asyncio.to_thread(migrations.check, self.database.engine)
        await self.certification.issuing.take_over()
        await self.transport.__aenter__()
        for capability in self.capabilities:
            for name, work in capability.tasks().items():
                self.tasks.start(name, work())
        self.tasks.start("waker.relay", self.waker.relay())
        for name, share in self.shared.tasks().items():
            self.tasks.start(name, share())
        self.tasks.start(
            "housekeeping", housekeeping(self.database, self.clock, self.keys, self.files)
        )
        if http:
            await self._listen(socket)

    async def _listen(self, socket: Socket | None) -> None:
        section = self.settings.server
        self._runner = Runner(
            self.application(),
            access_log=None,
            handle_signals=False,
            shutdown_timeout=float(section.shutdown_s),
        )
        await self._runner.setup()
        site: web.BaseSite
        if socket is not None:
            site = web.SockSite(self._runner, socket, backlog=1024)
        else:
            site = web.TCPSite(self._runner, section.host, section.port, backlog=1024)
        try:
            await site.start()
        except OSError as error:
            where = f"{section.host}:{section.port}"
            raise ConfigurationError([f"server.port: {where}: {error.strerror}"]) from error

    async def stop(self) -> None:
        """Refuse what is new, finish what is in flight, lose nothing."""
        self.payments.close()
        self.documents.close()
        if self._runner is not None:
            await self._runner.cleanup()
        await self.tasks.close()
        await self.signatures.close()
        await self.transport.__aexit__(None, None, None)
        if self.redis is not None:
            await self.redis.close()
        await self.database.close()

    def application(self) -> web.Application:
        """The aiohttp application with every route."""
        secure = self.base_url.startswith("https://")
        trouble = TroublePages(self._frame, self.payments.problem_page, secure=secure)
        app = web.Application(
            middlewares=[middleware(self.clock, self.metrics, trouble)],
            client_max_size=self.settings.server.upload_limit + 2**20,
        )
        edge = Edge(self.clock, self.database, self.keys, self.limiter)
        mount(app, edge, self.routes())
        add_asset_routes(app)
        return app

    def routes(self) -> list[Route | Page]:
        """Every route of every capability, and the system's own."""
        found = [route for capability in self.capabilities for route in capability.routes()]
        checks = {"database": system.database_check(self.database), **self.files.checks()}
        if self.redis is not None:
            checks["redis"] = self.redis.ping
        return [*found, *system.routes(self.clock, self.metrics, checks, self.contract)]

    def contract(self) -> dict[str, Any]:
        """The OpenAPI document."""
        routes = [r for c in self.capabilities for r in c.routes()]
        return contract_of(routes, self.settings.server.public_url)

    def _count_trips(self, trips: tuple[TimestampTrip, ...]) -> None:
        for trip in trips:
            self.metrics.timestamps.labels(trip.authority, trip.outcome).observe(trip.seconds)

    def _on_death(self, name: str, error: BaseException) -> None:
        _log.critical("stopping", task=name, error=type(error).__name__)
        self.died.set()


@contextlib.asynccontextmanager
async def open_keys(settings: Settings, clock: Clock) -> AsyncIterator[Keys]:
    """The API keys of a configured gateway, without starting it (for the command)."""
    database = Database(settings.database.url)
    if database.dialect == "sqlite" and settings.database.migrate:
        await asyncio.to_thread(migrations.upgrade, database.engine)
    try:
        yield Keys(database, clock, pepper(settings), (settings.server.mode,))
    finally:
        await database.close()
