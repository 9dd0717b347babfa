"""The other side of ``validation_vs_online``: stock pyHanko in a process of its own.

Imports nothing of ours: what we change inside the libraries must not make the peer faster.
"""

from __future__ import annotations

import asyncio
import io
import statistics
from multiprocessing.connection import Connection
from time import perf_counter

from asn1crypto import x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.ades.report import AdESPassed
from pyhanko.sign.validation import async_validate_pdf_signature, async_validate_pdf_timestamp
from pyhanko.sign.validation.ades import ades_lta_validation
from pyhanko.sign.validation.policy_decl import (
    PdfSignatureValidationSpec,
    RevinfoOnlineFetchingRule,
    RevocationInfoGatheringSpec,
    SignatureValidationSpec,
)
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.fetchers.aiohttp_fetchers import AIOHttpFetcherBackend
from pyhanko_certvalidator.policy_decl import REQUIRE_REVINFO, CertRevTrustPolicy
from pyhanko_certvalidator.registry import SimpleTrustManager


def serve(channel: Connection, pdf: bytes, root: bytes) -> None:
    """The child's main: a name of a way to validate and a count in, the median in ms out."""
    ways = {"long-term": _long_term, "plain": _plain}
    trusted = x509.Certificate.load(root)
    while True:
        try:
            way, times = channel.recv()
        except EOFError:
            return
        channel.send(statistics.median(_timed(ways[way], pdf, trusted) for _ in range(times)))


def _timed(validate, pdf, root):
    start = perf_counter()
    asyncio.run(validate(pdf, root))
    return (perf_counter() - start) * 1000


async def _long_term(pdf, root):
    """EN 319 102-1 for long-term signatures, revocation fetched anew: answers what ours answers."""
    backend = AIOHttpFetcherBackend(per_request_timeout=10)
    policy = CertValidationPolicySpec(
        trust_manager=SimpleTrustManager.build([root]),
        revinfo_policy=CertRevTrustPolicy(REQUIRE_REVINFO),
    )
    spec = PdfSignatureValidationSpec(
        SignatureValidationSpec(
            cert_validation_policy=policy,
            revinfo_gathering_policy=RevocationInfoGatheringSpec(
                online_fetching_rule=RevinfoOnlineFetchingRule.ALWAYS_FETCH, fetcher_backend=backend
            ),
        )
    )
    try:
        for signature in PdfFileReader(io.BytesIO(pdf)).embedded_regular_signatures:
            result = await ades_lta_validation(signature, spec)
            assert result.ades_subindic == AdESPassed.OK, result.ades_subindic
    finally:
        await backend.close()


async def _plain(pdf, root):
    """PyHanko's ordinary check of each signature at the present moment: no past, no indication."""
    backend = AIOHttpFetcherBackend(per_request_timeout=10)
    context = ValidationContext(
        trust_roots=[root], allow_fetching=True, revocation_mode="require", fetcher_backend=backend
    )
    try:
        for signature in PdfFileReader(io.BytesIO(pdf)).embedded_signatures:
            if signature.sig_object_type == "/DocTimeStamp":
                status = await async_validate_pdf_timestamp(signature, context)
            else:
                status = await async_validate_pdf_signature(
                    signature, signer_validation_context=context, ts_validation_context=context
                )
            assert (status.intact, status.valid, status.trusted) == (True, True, True)
    finally:
        await backend.close()
