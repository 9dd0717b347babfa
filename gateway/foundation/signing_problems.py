"""What a refusal of the signing service is called at the edge, for all who have things signed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from gateway.foundation.problems import Kind, Problem, register
from signing.contract import CredentialRefused, DocumentRefused, SigningError, SigningUnavailable

OUTCOME_UNKNOWN = "outcome_unknown"  # reason: a remote key's service may have signed
# The register binds a mandate to one certificate: a key that has another is not at fault itself.
_UNBOUND, _UNBOUND_REASON = "certificate_not_authorised", "authority_certificate"
_LOST = ("signer_died", "signer_timeout")  # a signer process ended in the middle of its work

register(
    {
        "official_required": Kind(
            403, "Cần khóa cá nhân của người ký", "A personal token of the signer is required"
        ),
        "authority_refused": Kind(
            403, "Không có thẩm quyền ký", "The authority register does not allow it"
        ),
        "signing_in_progress": Kind(409, "Đang được ký", "It is being signed right now"),
        "signing_interrupted": Kind(
            409, "Việc ký bị gián đoạn, hãy ký lại", "The signing was interrupted; sign again"
        ),
        "credential_refused": Kind(
            422, "Chứng thư số hoặc mã PIN không dùng được", "The key or PIN was refused"
        ),
        "document_refused": Kind(422, "Văn bản không ký được", "The document cannot be signed"),
        "signing_unavailable": Kind(
            503, "Dịch vụ ký số chưa sẵn sàng", "The signing service is not available"
        ),
    }
)


@contextlib.contextmanager
def refusing() -> Iterator[None]:
    """Make a problem of every refusal of the signing service.

    Raises:
        Problem: see ``problem_of``.
    """
    try:
        yield
    except SigningError as error:
        raise problem_of(error) from error


def may_have_signed() -> SigningUnavailable:
    """What is known of a call to a service that cannot be asked, when we died over it."""
    return SigningUnavailable(
        OUTCOME_UNKNOWN,
        "Lần gửi trước bị ngắt giữa chừng nên không rõ dịch vụ ký số đã ký hay chưa. Không có chữ"
        " ký nào được đưa vào văn bản; hãy kiểm tra trên dịch vụ trước khi ký lại.",
        "an earlier try was broken off while the service may have been signing; nothing was"
        " embedded and nothing was sent again",
    )


@contextlib.contextmanager
def doubting(*, at_service: bool) -> Iterator[None]:
    """Calls of a key: where a service holds it, a signer process that is lost may have sent.

    Raises:
        SigningUnavailable: ``may_have_signed`` instead of a loss that could be tried again.
    """
    try:
        yield
    except SigningUnavailable as error:
        if at_service and error.code in _LOST:
            raise may_have_signed() from error
        raise


def problem_of(error: SigningError) -> Problem:
    """A refusal of the signing service, with its own sentence and its code as ``reason``."""
    # what a remote service may have signed after all is a person's to repeat, not a program's
    code, retryable = "signing_unavailable", error.code != OUTCOME_UNKNOWN
    if error.code == _UNBOUND:
        code, retryable = "authority_refused", False
    elif isinstance(error, CredentialRefused):
        code, retryable = "credential_refused", False
    elif isinstance(error, DocumentRefused):
        code, retryable = "document_refused", False
    reason = _UNBOUND_REASON if error.code == _UNBOUND else error.code
    extra = {"reason": reason, "retryable": retryable}
    headers = {"Retry-After": "5"} if retryable else {}
    return Problem(code, error.message_vi, error.message_en, extra=extra, headers=headers)
