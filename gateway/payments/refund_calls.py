"""The two calls of a refund, and what they came to in our words.

Owns how the end of a call is read: a refusal is a step, silence is unknown, only what was never
sent may be sent again (payments.md §15). Leaves when to call and what follows to ``refunds``.
"""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from connectors.contract import (
    OutcomeUnknown,
    ProviderRejected,
    ProviderUnavailable,
    RefundMeaning,
    RefundOrder,
    RefundReport,
    Refunds,
    SignatureMismatch,
)
from gateway.foundation.metrics import Metrics
from gateway.payments.statuses import RefundStep

_log = structlog.get_logger(__name__)

_STEPS = {
    RefundMeaning.SUCCEEDED: RefundStep.SUCCEEDED,
    RefundMeaning.PROCESSING: RefundStep.PROCESSING,
    RefundMeaning.REJECTED: RefundStep.REJECTED,
    RefundMeaning.UNKNOWN: RefundStep.UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class Heard:
    """What is known after a call; ``answer`` is the provider's own, when it gave one."""

    step: RefundStep
    code: str = ""
    answer: bytes = b""


async def send_refund(refunder: Refunds, order: RefundOrder) -> Heard:
    """Ask for the money to be sent back, once."""
    try:
        return _read(await refunder.refund(order))
    except ProviderUnavailable:
        return Heard(RefundStep.NOT_SENT)
    except ProviderRejected as error:
        return Heard(RefundStep.REJECTED, error.code)
    except (OutcomeUnknown, SignatureMismatch):
        return Heard(RefundStep.UNKNOWN)


async def ask_about_refund(refunder: Refunds, order: RefundOrder, metrics: Metrics) -> Heard:
    """Ask what became of it; no answer leaves it unknown."""
    try:
        return _read(await refunder.query_refund(order))
    except (ProviderUnavailable, ProviderRejected, OutcomeUnknown) as error:
        _log.info("no_answer_about_refund", error=type(error).__name__)
    except SignatureMismatch:
        metrics.alerts.labels("forged_answer").inc()
    return Heard(RefundStep.UNKNOWN)


def _read(report: RefundReport) -> Heard:
    return Heard(_STEPS[report.meaning], report.code, report.answer)
