"""Signing B-B: our two paths against stock pyHanko that opens the PKCS#12 file for every request.

Same document, same RSA-2048 key, invisible signature, one process, rounds in turn; the ratios are
of CPU time. Ours also checks the certificate, its chain and (from the cache) its revocation before
signing, verifies the raw signature, and proves the result afterwards; stock does none of this. Our
document was inspected before, as the gateway does when it is uploaded; the last line says what a
first inspection adds.
"""

from __future__ import annotations

import io

from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import PdfSignatureMetadata, SimpleSigner
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko.sign.signers.pdf_signer import PdfSigner

from benchmarks._ratio import Ratio
from benchmarks._signing import RSA, bench, compare, document, run
from signing.contract import Level, Role, SignOrder
from signing.devpki.authority import PASSWORD


def main() -> list[Ratio]:
    """How many times faster than stock: the ordinary path, the fast lane."""
    return run(_measure)  # type: ignore[return-value]


async def _measure() -> list[Ratio]:
    pdf = document()
    order = SignOrder(pdf, RSA, Role.INVISIBLE, Level.B_B)
    async with bench() as made:
        ordinary, lane = made.service(fast_lane=False), made.service(fast_lane=True)
        path, number = made.key_path(RSA), 0

        def fresh() -> SignOrder:
            nonlocal number
            number += 1
            return SignOrder(pdf + b"%% %d\n" % number + pdf[-40:], RSA, Role.INVISIBLE, Level.B_B)

        costs = await compare(
            {
                "stock": (lambda: stock(pdf, path), 6),
                "ordinary": (lambda: ordinary.sign(order), 20),
                "lane": (lambda: lane.sign(order), 100),
                "first inspection": (lambda: lane.inspect(fresh().pdf), 20),
            }
        )
    inspected = costs["lane"].cpu + costs["first inspection"].cpu
    print(f"lane with a first inspection: {costs['stock'].cpu / inspected:.1f} times stock")
    return [
        Ratio("signing_vs_stock", costs["stock"].cpu / costs["ordinary"].cpu, 5),
        Ratio("signing_vs_stock_lane", costs["stock"].cpu / costs["lane"].cpu, 60),
    ]


async def stock(pdf: bytes, path: str) -> bytes:
    """Sign as pyHanko's documentation shows it."""
    signer = SimpleSigner.load_pkcs12(path, passphrase=PASSWORD.encode(), prefer_pss=True)
    assert signer is not None
    meta = PdfSignatureMetadata(
        field_name="Signature1", md_algorithm="sha256", subfilter=SigSeedSubFilter.PADES
    )
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf), strict=False)
    return (await PdfSigner(meta, signer).async_sign_pdf(writer)).getvalue()
