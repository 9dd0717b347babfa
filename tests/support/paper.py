"""A small signing service for tests of state, and the files to sign.

``PaperSignatures`` keeps the contract's promises with an HMAC line at the end of the file: order,
tamper evidence, PINs and refusals are real, so that hundreds of signings take a second. Tests of
what signatures are worth use the product's own service with the development PKI.
"""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import io
import json
import re
from datetime import UTC, datetime

from reportlab.lib import pdfencrypt
from reportlab.pdfgen.canvas import Canvas

from signing.contract import (
    Attested,
    CredentialRefused,
    DocumentRefused,
    ExtendedPdf,
    Level,
    Placement,
    Provability,
    SignatureVerdict,
    SignedPdf,
    SignedPieces,
    SigningUnavailable,
    Validation,
    Verdict,
)
from signing.inspection import inspect_pdf

_KEY = b"paper"
_LINE = re.compile(rb"\n%paper (\{[^\n]*\}) ([0-9a-f]{64})\n%%EOF\n")


def plain_pdf(pages=1, *, script=False, password=None):
    """A PDF as an office would print it; with a script inside, or locked."""
    out = io.BytesIO()
    lock = pdfencrypt.StandardEncryption(password) if password else None
    canvas = Canvas(out, invariant=1, encrypt=lock)
    for number in range(pages):
        canvas.drawString(72, 700, f"Trang {number + 1}")
        canvas.showPage()
    if script:
        canvas._doc.Catalog.OpenAction = "<< /S /JavaScript /JS (app.alert\\(1\\)) >>"
    canvas.save()
    return out.getvalue()


class PaperSignatures:
    """The contract's ``Signatures``; ``before_sign`` and ``after_sign`` are for faults."""

    def __init__(self, pins=None):
        self.pins = pins or {}
        self.verdicts = {}  # credential → Verdict, instead of valid
        self.signed = []  # every order carried out
        self.available = True
        self.leaves = lambda order: None  # the evidence of an order that was carried out
        self.reachable = Level.B_LTA  # what time-stamps and revocation services allow now
        self.until = datetime(2031, 11, 2, tzinfo=UTC)  # when the newest time-stamp ends
        self.extended = []  # every level that was extended to

    async def before_sign(self, order):
        """Faults go here."""

    async def after_sign(self, order):
        """And here, when the key has already signed."""

    async def credentials(self):
        return ()

    async def inspect(self, pdf):
        return inspect_pdf(pdf)

    async def try_key(self, order):
        pass

    async def sign(self, order):
        await self.before_sign(order)
        if self.pins.get(order.credential, order.pin) != order.pin:
            raise CredentialRefused("wrong_pin", "Mã PIN không đúng.", "wrong PIN")
        level, shortfall = self._reached(order)
        names = tuple(
            f"{order.role}{len(self._found(order.pdf)) + n + 1}"
            for n in range(4 if order.document_number else 1)
        )
        pdf = order.pdf
        for name in names:
            pdf = _append(pdf, {"field": name, "key": order.credential, "level": level})
        self.signed.append(dataclasses.replace(order, pin=None))
        await self.after_sign(order)
        moment = datetime(2026, 11, 2, 2, tzinfo=UTC)
        digest = hashlib.sha256(pdf).hexdigest()
        certificate, left = order.credential.encode(), self.leaves(order)
        return SignedPdf(
            pdf, digest, level, names, certificate, moment, evidence=left, shortfall=shortfall
        )

    @staticmethod
    def certificate_sha256(credential):
        """Of what stands for that key's certificate in a result."""
        return hashlib.sha256(credential.encode()).hexdigest()

    def _reached(self, order):
        if order.level.rank <= self.reachable.rank:
            return order.level, ""
        if not order.accept_lower:
            raise SigningUnavailable("timestamp_unavailable", "Không có dấu thời gian.", "down")
        return self.reachable, "timestamp_unavailable"

    async def extend(self, pdf, level, void=()):
        before = await self.provability(pdf)
        if before.level is None:
            raise DocumentRefused("unsigned", "Tệp không có chữ ký số.", "no signature")
        reached = min(level, self.reachable, key=lambda one: one.rank)
        renews = reached is Level.B_LTA
        if reached.rank <= before.level.rank and not renews:
            if level.rank > before.level.rank:
                raise SigningUnavailable("timestamp_unavailable", "Không có dấu thời gian.", "down")
            return self._extended(pdf, before.level, level)
        self.extended.append(reached)
        return self._extended(_append(pdf, {"level": reached}), reached, level)

    def _extended(self, pdf, reached, asked):
        return ExtendedPdf(
            pdf=pdf,
            sha256=hashlib.sha256(pdf).hexdigest(),
            level=reached,
            timestamp_fields=("ArchiveTime1",),
            extended_at=datetime(2026, 11, 2, 2, tzinfo=UTC),
            provability=Provability(self.until, "timestamp_certificate", "…", reached),
            shortfall="timestamp_unavailable" if reached.rank < asked.rank else "",
        )

    async def provability(self, pdf, void=()):
        levels = [facts["level"] for facts, _, _ in self._found(pdf) if "level" in facts]
        if not levels:
            return Provability(None, "unsigned", "Tệp không có chữ ký số.", None)
        level = Level(levels[-1])
        reason = "timestamp_certificate" if level.rank > 1 else "signer_certificate"
        return Provability(self.until, reason, "…", level)

    async def take_apart(self, pdf):
        return SignedPieces()

    async def check_number_file(self, path, number, placement=None):
        await self.check_number(path.read_bytes(), number, placement)

    async def check_number(self, pdf, number, placement=None):
        await self.before_number(number)

    async def before_number(self, number):
        """A page that contradicts the number goes here."""

    async def validate(self, pdf):
        if not self.available:
            raise SigningUnavailable("signer_lost", "Tiến trình ký không trả lời.", "gone")
        found = [s for s in self._found(pdf) if "field" in s[0]]
        intact = bool(found) and self._found(pdf)[-1][2] == len(pdf)
        verdicts = tuple(
            _verdict(facts, self._judge(facts["key"], intact and good)) for facts, good, _ in found
        )
        worst = max((s.verdict for s in verdicts), key=_ORDER.index, default=Verdict.INDETERMINATE)
        digest = hashlib.sha256(pdf).hexdigest()
        return Validation(worst, f"Kết luận: {worst}.", digest, len(pdf), verdicts)

    async def attest(self, pdf, attestation):
        pages = inspect_pdf(pdf).pages + 1
        facts = {"lines": attestation.lines, "qr": attestation.qr_payload}
        made = _append(pdf, facts)
        return Attested(made, pages, Placement(page=pages), Placement(page=pages))

    def _judge(self, key, intact):
        return self.verdicts.get(key, Verdict.VALID) if intact else Verdict.INVALID

    @staticmethod
    def _found(pdf):
        """Facts, whether the line proves what precedes it, and where the line ends."""
        return [
            (
                json.loads(m[1]),
                hmac.compare_digest(_mac(pdf[: m.start()], m[1]), m[2].decode()),
                m.end(),
            )
            for m in _LINE.finditer(pdf)
        ]


def attested_lines(pdf):
    """What the attestation in a paper-signed file says."""
    facts = [facts for facts, _, _ in PaperSignatures._found(pdf) if "lines" in facts]
    return facts[0]["lines"]


def with_archive_stamp(pdf):
    """The file a renewal makes: the same, with long-term data appended."""
    return _append(pdf, {"archive": True})


def with_another_signature(pdf):
    """The file after somebody else signed it too."""
    return _append(pdf, {"field": "stranger1", "key": "stranger"})


_ORDER = [Verdict.VALID, Verdict.INDETERMINATE, Verdict.INVALID]


def _append(pdf, facts):
    text = json.dumps(facts).encode()
    return pdf + b"\n%paper " + text + b" " + _mac(pdf, text).encode() + b"\n%%EOF\n"


def _mac(before, text):
    return hmac.new(_KEY, before + text, "sha256").hexdigest()


def _verdict(facts, verdict):
    moment = datetime(2026, 11, 2, 2, tzinfo=UTC)
    return SignatureVerdict(
        facts["field"], verdict, facts["key"], "Paper CA", None, moment, moment, "B-LTA",
        verdict is not Verdict.INVALID, "good", None, None, "hmac", "TOTAL-PASSED", None,
    )  # fmt: skip
