"""Signing B-B: our path against stock pyHanko that opens the PKCS#12 file for every request.

Same document, same RSA-2048 key, invisible signature, one process, rounds interleaved so that a
busy machine hurts both alike. Ours also checks the certificate, its chain and (from the cache) its
revocation before signing, and proves the result afterwards; stock does neither. Medians of medians.
"""

from __future__ import annotations

import asyncio
import io
import statistics
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from time import perf_counter

from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import PdfSignatureMetadata, SimpleSigner
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko.sign.signers.pdf_signer import PdfSigner
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen import canvas

from signing.clock import SystemClock
from signing.contract import Level, Role, SignOrder
from signing.devpki import DevPki, DevPkiServer
from signing.devpki.authority import PASSWORD
from signing.fonts import REGULAR
from signing.service import SigningService

TARGET = 5.0
ROUNDS = 5
STOCK_A_ROUND = 6
OURS_A_ROUND = 30
KEY = "official-rsa"


def main() -> tuple[float, float]:
    """Give (how many times faster, target)."""
    return asyncio.run(_measure()), TARGET


async def _measure() -> float:
    with tempfile.TemporaryDirectory() as folder:
        pki = DevPki.create(Path(folder), SystemClock())
        async with DevPkiServer(pki) as server:
            config = server.signer_config()
            service = SigningService(config, SystemClock())
            path = next(key.path for key in config.keys if key.name == KEY)
            pdf = _document()

            async def ours() -> None:
                await service.sign(SignOrder(pdf, KEY, Role.INVISIBLE, Level.B_B))

            async def stock() -> None:
                await _stock(pdf, path)

            try:
                return await _compare(stock, ours)
            finally:
                await service.close()


async def _compare(
    stock: Callable[[], Awaitable[None]], ours: Callable[[], Awaitable[None]]
) -> float:
    await stock()
    await ours()
    slow, fast = [], []
    for number in range(1, ROUNDS + 1):
        slow.append(await _median(stock, STOCK_A_ROUND))
        fast.append(await _median(ours, OURS_A_ROUND))
        print(f"round {number}: stock {slow[-1]:.1f} ms, ours {fast[-1]:.1f} ms a document")
    return statistics.median(slow) / statistics.median(fast)


async def _median(sign: Callable[[], Awaitable[None]], times: int) -> float:
    taken = []
    for _ in range(times):
        start = perf_counter()
        await sign()
        taken.append((perf_counter() - start) * 1000)
    return statistics.median(taken)


async def _stock(pdf: bytes, path: str) -> None:
    signer = SimpleSigner.load_pkcs12(path, passphrase=PASSWORD.encode(), prefer_pss=True)
    assert signer is not None
    meta = PdfSignatureMetadata(
        field_name="Signature1", md_algorithm="sha256", subfilter=SigSeedSubFilter.PADES
    )
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf), strict=False)
    await PdfSigner(meta, signer).async_sign_pdf(writer)


def _document() -> bytes:
    """One page with an embedded font, as a decision has."""
    pdfmetrics.registerFont(TTFont("NotoVN", str(REGULAR)))
    out = io.BytesIO()
    page = canvas.Canvas(out, invariant=1)
    page.setFont("NotoVN", 12)
    for line in range(40):
        page.drawString(80, 780 - 16 * line, f"Điều {line + 1}. Cấp giấy phép cho ông Ví Dụ.")
    page.save()
    return out.getvalue()
