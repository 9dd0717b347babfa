"""The problem codes of documents and signature requests."""

from __future__ import annotations

from gateway.foundation.problems import Kind, register

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
        "not_your_step": Kind(403, "Bước này do người khác ký", "This step is somebody else's"),
        "authority_already_ended": Kind(
            409, "Thẩm quyền này đã kết thúc", "This mandate has already ended"
        ),
        "person_without_authority": Kind(
            409,
            "Người đã ký không có thẩm quyền của cơ quan đóng dấu",
            "Who signed had no authority for the sealing agency",
        ),
        "request_closed": Kind(409, "Yêu cầu ký đã kết thúc", "The signature request has ended"),
        "request_expired": Kind(409, "Yêu cầu ký đã quá hạn", "The signature request has expired"),
        "nothing_to_cancel": Kind(
            409, "Không có xác nhận nào đang chờ", "No confirmation is being waited for"
        ),
        "nothing_to_decide": Kind(
            409,
            "Không có lần ký nào cần người ký xác định kết quả",
            "No outcome is left for the official to decide",
        ),
        "act_of_batch": Kind(
            409, "Văn bản đang ký theo lô; hãy hủy cả lô", "Part of a batch; cancel the batch"
        ),
        "batch_duplicate": Kind(409, "Văn bản đã có trong lô", "Already in this batch"),
        "mixed_credentials": Kind(
            409, "Lô này ký bằng khóa khác", "The batch is signed with another key"
        ),
        "hand_off_alone": Kind(
            409,
            "Khóa ký trên máy của người ký chỉ ký từng văn bản",
            "A key at the signer's desk signs one document at a time",
        ),
        "batch_closed": Kind(409, "Lô ký đã kết thúc", "The batch has ended"),
        "batch_running": Kind(409, "Lô ký đang được ký", "The batch is being signed"),
        "callback_refused": Kind(
            401, "Thông báo không xác thực được", "The callback could not be verified"
        ),
        "hand_off_gone": Kind(
            410, "Địa chỉ này không còn dùng được", "This address can no longer be used"
        ),
        "placement_not_supported": Kind(
            409,
            "Khóa ký trên máy của người ký không nhận chỗ ký",
            "A key at the signer's desk takes no placement",
        ),
        "person_signature_invalid": Kind(
            409,
            "Chưa có chữ ký hợp lệ của người có thẩm quyền",
            "No valid signature of a person yet",
        ),
        "level_pending": Kind(
            503,
            "Chữ ký trước đó đang chờ bổ sung bằng chứng",
            "An earlier signature is still to be raised to its level",
        ),
        "person_signature_unproven": Kind(
            503,
            "Chưa kiểm tra được chữ ký của người có thẩm quyền",
            "The person's signature could not be checked",
        ),
    }
)
