"""What a refusal means to a batch: try the document again, or say why it is refused."""

from __future__ import annotations

from gateway.foundation.problems import CATALOGUE, Problem

# Codes that only say who refused; what exactly, is their ``reason``.
_GENERAL = ("document_refused", "credential_refused", "authority_refused", "signing_unavailable")
_PASSING = (
    "signing_unavailable",
    "signing_in_progress",
    "signing_interrupted",
    "service_unavailable",
)


def is_passing(problem: Problem) -> bool:
    """Whether trying again may help; what may be signed after all is a person's to repeat."""
    return problem.code in _PASSING and problem.extra.get("retryable", True) is True


def reason_of(problem: Problem) -> dict[str, str]:
    """The code and the Vietnamese sentence that an item or a batch keeps."""
    general = problem.code in _GENERAL
    code = str(problem.extra.get("reason", problem.code)) if general else problem.code
    return {"code": code, "detail": problem.detail_vi or CATALOGUE[problem.code].vi}
