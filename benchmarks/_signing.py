"""What the signing benchmarks share: a PKI, services on either path, a document, fair rounds.

Sides of a comparison take turns within a round, so that a busy machine hurts them alike; what
counts is the median of the rounds' medians. CPU time is this process's own.
"""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import io
import itertools
import statistics
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen import canvas

from benchmarks._timestub import stub_authority
from signing.appearance.surveying import survey_ends
from signing.clock import SystemClock
from signing.contract import DocumentSurvey, Role, SignerConfig, SignOrder
from signing.devpki import DevPki, DevPkiServer
from signing.fonts import REGULAR
from signing.keys import source_for
from signing.keys.contract import OpenedKey
from signing.service import SigningService

RSA, EC, CLERK = "official-rsa", "official-ec", "agency"
Work = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Cost:
    """Milliseconds of one piece of work."""

    wall: float
    cpu: float

    def __str__(self) -> str:
        return f"{self.wall:.2f} ms wall, {self.cpu:.2f} ms CPU"


class Bench:
    """One PKI, an authority in a process of its own, services that are closed at the end."""

    def __init__(self, config: SignerConfig, folder: Path, base_url: str) -> None:
        self.config = config
        self.base_url = base_url  # of OCSP and CRLs
        self.folder = folder
        self.services: list[SigningService] = []

    def service(self, *, fast_lane: bool, timestamps_of_an_act: str = "each") -> SigningService:
        """A signing service of its own."""
        config = dataclasses.replace(
            self.config, fast_lane=fast_lane, timestamps_of_an_act=timestamps_of_an_act
        )
        self.services.append(SigningService(config, SystemClock()))
        return self.services[-1]

    async def key(self, name: str) -> OpenedKey:
        """An opened key, for raw signatures."""
        found = next(k for k in self.config.keys if k.name == name)
        return await source_for(found, SystemClock()).open()

    def key_path(self, name: str) -> str:
        """The key's PKCS#12 file."""
        return next(k.path for k in self.config.keys if k.name == name)


@asynccontextmanager
async def bench(*, fastest_authority: bool = True) -> AsyncIterator[Bench]:
    """Everything ready to sign; the authority as fast as can be, or one built on a library."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pki = DevPki.create(folder / "pki", SystemClock())
        async with DevPkiServer(pki) as server:
            with stub_authority(folder / "pki", prepared=fastest_authority) as url:
                config = dataclasses.replace(server.signer_config(), timestamp_urls=(url,))
                made = Bench(config, folder, server.base_url)
                try:
                    yield made
                finally:
                    for service in made.services:
                        await service.close()


async def compare(sides: Mapping[str, tuple[Work, int]], rounds: int = 5) -> dict[str, Cost]:
    """Let sides take turns: name → (one piece of work, how many a round)."""
    for work, _ in sides.values():
        await work()
    seen: dict[str, list[Cost]] = {name: [] for name in sides}
    for number in range(1, rounds + 1):
        for name, (work, times) in sides.items():
            seen[name].append(await _median(work, times))
        told = "; ".join(f"{name} {costs[-1]}" for name, costs in seen.items())
        print(f"round {number}: {told}")
    return {
        name: Cost(
            statistics.median(c.wall for c in costs), statistics.median(c.cpu for c in costs)
        )
        for name, costs in seen.items()
    }


async def _median(work: Work, times: int) -> Cost:
    walls, cpus = [], []
    for _ in range(times):
        cpu, wall = process_time(), perf_counter()
        await work()
        walls.append((perf_counter() - wall) * 1000)
        cpus.append((process_time() - cpu) * 1000)
    return Cost(statistics.median(walls), statistics.median(cpus))


def document(dossier: int = 0) -> bytes:
    """One page of real Vietnamese text with an embedded font, places for number, date and hand.

    ``dossier`` makes documents differ from each other, in text and length.
    """
    if "NotoVN" not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(TTFont("NotoVN", str(REGULAR)))
    out = io.BytesIO()
    page = canvas.Canvas(out, invariant=1)
    page.setFont("NotoVN", 12)
    page.drawString(80, 790, "Số:       /QĐ-UBND")
    page.drawString(300, 790, "Phường Mẫu, ngày      tháng      năm 2026")
    if dossier:
        page.drawString(80, 60, f"Hồ sơ {dossier}" + "," * (dossier % 7))
    for line in range(34):
        page.drawString(80, 760 - 16 * line, f"Điều {line + 1}. Cấp giấy phép cho ông Ví Dụ.")
    page.drawCentredString(440, 200, "CHỦ TỊCH")
    page.drawCentredString(440, 110, "Nguyễn Văn Mẫu")
    page.save()
    return out.getvalue()


def inspected_documents(count: int = 150) -> list[tuple[bytes, DocumentSurvey]]:
    """Documents that differ, each with what its reader says of its pages.

    A reader without keys inspects and surveys a document when it comes in; a signer is given both.
    """
    made = []
    for dossier in range(1, count + 1):
        pdf = document(dossier)
        survey = survey_ends(pdf, hashlib.sha256(pdf).hexdigest())
        assert survey is not None
        made.append((pdf, survey))
    return made


def signing_next(
    service: SigningService, order: SignOrder, documents: list[tuple[bytes, DocumentSurvey]]
) -> Work:
    """Sign the next document as an order says; an invisible signature asks for no survey."""
    hidden = order.role is Role.INVISIBLE
    orders = itertools.cycle(
        [
            (dataclasses.replace(order, pdf=pdf), None if hidden else known)
            for pdf, known in documents
        ]
    )

    def sign() -> Awaitable[object]:
        asked, survey = next(orders)
        return service.sign(asked, inspected=True, survey=survey)

    return sign


def run(measure: Callable[[], Awaitable[object]]) -> object:
    """Run a benchmark's coroutine."""

    async def body() -> object:
        return await measure()

    return asyncio.run(body())
