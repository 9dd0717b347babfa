"""Paper signatures whose owners confirm elsewhere, and the provider they confirm at.

``PaperProvider`` outlives a gateway as a real one does: it counts what it was sent and tells each
ticket's state. Raw signatures are real (Ed25519) and verified before a line is appended, so a
wrong or mixed-up one shows.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import hmac
import json
from datetime import UTC, datetime
from types import SimpleNamespace

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from signing.contract import (
    OUTCOME_UNKNOWN,
    CredentialRefused,
    DocumentRefused,
    Level,
    Prepared,
    RemoteState,
    SignedPdf,
    SigningUnavailable,
    Ticket,
    Told,
)
from tests.support.paper import PaperSignatures, _append

MOMENT = datetime(2026, 11, 2, 2, tzinfo=UTC)
_CALLBACK_KEY = b"callbacks"


def key_of(credential):
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(credential.encode()).digest())


class PaperProvider:
    """A remote signing service: what it was sent, and what its users did about it."""

    def __init__(self):
        self.sendings = []  # (reference, number of items), each time something arrives
        self.items = {}  # reference → (credential, items)
        self.states = {}
        self.asks = []
        self.cancels = []
        self.on_start = None  # "away": nothing arrives · "time_out": it arrives, nobody says so
        self.answers = True
        self.forgets = False  # it knows its own transactions only, and this one's name was lost

    def take(self, credential, reference, items):
        self.sendings.append((reference, len(items)))
        self.items[reference] = (credential, items)
        self.states.setdefault(reference, RemoteState.WAITING_USER)

    @property
    def references(self):
        return list(self.items)

    def confirm(self, reference=None):
        """The user agrees: everything under the ticket is signed."""
        self.states[reference or self.references[-1]] = RemoteState.DONE

    def end(self, state, reference=None):
        self.states[reference or self.references[-1]] = state

    def signatures(self, reference):
        if self.states[reference] is not RemoteState.DONE:
            return {}
        credential, items = self.items[reference]
        return {i.item: key_of(credential).sign(i.to_be_signed) for i in items}

    def callback(self, reference, state=None, signatures=None):
        """A pushed message: headers and body, signed as only the provider can."""
        found = self.signatures(reference) if signatures is None else signatures
        coded = {item: base64.b64encode(raw).decode() for item, raw in found.items()}
        message = {"reference": reference, "state": state or self.states[reference]}
        body = json.dumps(message | {"signatures": coded}).encode()
        return {"x-sign": hmac.digest(_CALLBACK_KEY, body, "sha256").hex()}, body


class RemotePaper(PaperSignatures):
    """``Signatures``, ``RemoteSignatures`` and ``HandOffs`` on paper."""

    def __init__(self, provider=None, **more):
        super().__init__(**more)
        self.provider = provider or PaperProvider()
        self.prepared = []
        self.finish_fails = []  # errors for the next calls of finish

    async def prepare(self, order):
        await self.before_sign(order)
        parts = 4 if order.document_number else 1
        self.prepared.append(dataclasses.replace(order, pin=None))
        asked = {"level": order.level, "accept_lower": order.accept_lower}
        asked |= {"key": order.credential, "role": order.role}
        return self._prepare(order.pdf, asked, 1, parts)

    @staticmethod
    def _prepare(base, asked, part, parts):
        facts = {**asked, "base": len(base)}
        pdf = base + b"\n%waiting for a signature\n"
        attributes = b"signed attributes " + hashlib.sha256(pdf).digest()
        return Prepared(pdf, json.dumps(facts).encode(), attributes, part, parts)

    async def start(self, credential, reference, items):
        if self.provider.on_start == "away":
            raise SigningUnavailable("provider_away", "Nhà cung cấp không trả lời.", "away")
        self.provider.take(credential, reference, items)
        if self.provider.on_start == "died":
            raise SigningUnavailable("signer_died", "Tiến trình ký dừng.", "died")
        if self.provider.on_start == "time_out":
            return Ticket(credential, reference, RemoteState.UNKNOWN)
        return self._ticket(credential, reference)

    async def ask(self, ticket):
        self.provider.asks.append(ticket.reference)
        if ticket.reference in self.provider.items:  # some providers answer by position alone
            asked = tuple(i.item for i in self.provider.items[ticket.reference][1])
            assert ticket.items == asked, (ticket.items, asked)
        if self.provider.forgets and not ticket.provider_reference:
            return dataclasses.replace(ticket, state=RemoteState.ERROR, code=OUTCOME_UNKNOWN)
        if not self.provider.answers or ticket.reference not in self.provider.states:
            return ticket
        return self._ticket(ticket.credential, ticket.reference)

    async def cancel(self, ticket):
        self.provider.cancels.append(ticket.reference)
        return self._ticket(ticket.credential, ticket.reference)

    def _ticket(self, credential, reference):
        state = self.provider.states[reference]
        theirs = f"P-{reference}"
        signatures = self.provider.signatures(reference)
        return Ticket(credential, reference, state, theirs, signatures=signatures)

    async def read_callback(self, credential, headers, body):
        mac = hmac.digest(_CALLBACK_KEY, body, "sha256").hex()
        if not hmac.compare_digest(headers.get("x-sign", ""), mac):
            raise CredentialRefused("callback_refused", "Thông báo không đúng chữ ký.", "forged")
        said = json.loads(body)
        raw = {item: base64.b64decode(text) for item, text in said["signatures"].items()}
        return Told(
            said["reference"], f"P-{said['reference']}", RemoteState(said["state"]),
            signatures=raw, reply=b'{"status_code":"00"}',
        )  # fmt: skip

    async def finish(self, prepared, signature):
        if self.finish_fails:
            raise self.finish_fails.pop(0)
        facts = json.loads(prepared.state)
        try:
            key_of(facts["key"]).public_key().verify(signature, prepared.to_be_signed)
        except InvalidSignature:
            raise CredentialRefused("bad_signature", "Chữ ký không đúng.", "wrong") from None
        base = prepared.pdf[: facts["base"]]
        names = [f["field"] for f, _, _ in self._found(base) if "field" in f]
        name = f"{facts['role']}{len(names) + 1}"
        asked = SimpleNamespace(level=Level(facts["level"]), accept_lower=facts["accept_lower"])
        level, shortfall = self._reached(asked)
        pdf = _append(base, {"field": name, "key": facts["key"], "level": level})
        if prepared.part < prepared.parts:
            return self._prepare(pdf, facts, prepared.part + 1, prepared.parts)
        earlier = names[-(prepared.parts - 1) :] if prepared.parts > 1 else []
        fields = (*earlier, name)
        return self._signed(pdf, level, fields, facts["key"], shortfall)

    async def accept_hand_off(self, order, signed):
        if not signed.startswith(order.pdf) or len(signed) == len(order.pdf):
            raise DocumentRefused("not_incremental", "Tệp không phải văn bản đã giao.", "other")
        before = len(self._found(order.pdf))
        added = self._found(signed)[before:]
        if not added or not all(good for _, good, _ in added):
            raise CredentialRefused("unsigned", "Tệp chưa được ký.", "unsigned")
        if any(facts.get("key") != order.credential for facts, _, _ in added):
            raise CredentialRefused("wrong_signer", "Tệp do người khác ký.", "wrong signer")
        names = tuple(facts["field"] for facts, _, _ in added)
        level = Level(added[-1][0].get("level", order.level))
        shortfall = "hand_off_level" if level.rank < order.level.rank else ""
        return self._signed(signed, level, names, order.credential, shortfall)

    @staticmethod
    def _signed(pdf, level, names, credential, shortfall):
        digest, key = hashlib.sha256(pdf).hexdigest(), credential.encode()
        return SignedPdf(pdf, digest, Level(level), tuple(names), key, MOMENT, shortfall=shortfall)


def desktop_signed(pdf, credential, field="desk1", level=Level.B_B):
    """What the official's desktop program makes of a file."""
    return _append(pdf, {"field": field, "key": credential, "level": level})
