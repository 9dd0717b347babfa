"""The problem codes of documents and signing, and how a signing error becomes one."""

from __future__ import annotations

from gateway.foundation.problems import Kind, Problem, register
from signing.contract import CredentialRefused, DocumentRefused, SigningError

register(
    {
        "file_empty": Kind(422, "Tệp rỗng", "The file is empty"),
        "file_not_pdf": Kind(422, "Tệp không phải là PDF", "The file is not a PDF"),
        "file_encrypted": Kind(
            422, "Tệp bị khóa bằng mật khẩu hoặc mã hóa", "The file is encrypted"
        ),
        "file_truncated": Kind(422, "Tệp bị cắt cụt", "The file is truncated"),
        "file_unreadable": Kind(422, "Không đọc được tệp PDF", "The PDF cannot be read"),
        "document_blocked": Kind(
            409, "Văn bản có nội dung không được phép ký", "The document must not be signed"
        ),
        "document_in_signing": Kind(
            409,
            "Văn bản đang chờ ký theo yêu cầu khác",
            "Another request is open for this document",
        ),
        "document_changed": Kind(
            409, "Văn bản không còn như khi xem", "The document is not the one that was seen"
        ),
        "official_required": Kind(
            403, "Cần khóa cá nhân của người ký", "A personal token of the signer is required"
        ),
        "not_your_step": Kind(403, "Bước này do người khác ký", "This step is somebody else's"),
        "signing_in_progress": Kind(
            409, "Bước này đang được ký", "This step is being signed right now"
        ),
        "signing_interrupted": Kind(
            409, "Việc ký bị gián đoạn, hãy ký lại", "The signing was interrupted; sign again"
        ),
        "request_closed": Kind(409, "Yêu cầu ký đã kết thúc", "The signature request has ended"),
        "request_expired": Kind(409, "Yêu cầu ký đã quá hạn", "The signature request has expired"),
        "person_signature_invalid": Kind(
            409,
            "Chưa có chữ ký hợp lệ của người có thẩm quyền",
            "No valid signature of a person yet",
        ),
        "person_signature_unproven": Kind(
            503,
            "Chưa kiểm tra được chữ ký của người có thẩm quyền",
            "The person's signature could not be checked",
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


def problem_of(error: SigningError) -> Problem:
    """A refusal of the signing service, with its own sentence and code for machines."""
    code, retryable = "signing_unavailable", True
    if isinstance(error, CredentialRefused):
        code, retryable = "credential_refused", False
    elif isinstance(error, DocumentRefused):
        code, retryable = "document_refused", False
    extra = {"reason": error.code, "retryable": retryable}
    headers = {"Retry-After": "5"} if retryable else {}
    return Problem(code, error.message_vi, error.message_en, extra=extra, headers=headers)
