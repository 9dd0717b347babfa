"""The problem codes of certification."""

from __future__ import annotations

from gateway.foundation.problems import Kind, register

register(
    {
        "certification_closed": Kind(
            409, "Trạng thái của bản chứng thực không cho phép", "Its state does not allow this"
        ),
        "not_your_certification": Kind(
            403, "Bản sao này do người khác chứng thực", "Another certifier must sign this copy"
        ),
        "source_blocked": Kind(
            409, "Tệp nguồn không được phép chứng thực", "The source file must not be certified"
        ),
        "source_signed": Kind(
            409,
            "Tệp nguồn đã có chữ ký số; hãy chứng thực từ bản quét của bản chính",
            "The source file is already signed; certify a scan of the original",
        ),
        "attestation_missing": Kind(
            409,
            "Chưa có mẫu lời chứng có hiệu lực cho ngày này",
            "No attestation template is in force on this day",
        ),
        "register_busy": Kind(
            409, "Sổ chứng thực đang bận", "Somebody else is taking a number in this register"
        ),
        "day_changed": Kind(
            409, "Đã sang ngày mới trong khi ký, hãy ký lại", "The day changed; sign again"
        ),
        "certified_copy_not_valid": Kind(
            503,
            "Chữ ký trên bản sao chưa được xác nhận hợp lệ",
            "The signatures of the copy could not be confirmed",
        ),
    }
)
