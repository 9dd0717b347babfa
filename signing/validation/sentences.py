"""Every Vietnamese sentence of validation, in one table keyed by stable codes.

Owns the words; leaves to the other modules of this room when a code is deserved.
"""

from __future__ import annotations

from typing import Final

SENTENCES: Final[dict[str, str]] = {
    "no_signature": "Tệp không có chữ ký số.",
    "not_a_pdf": "Tệp không phải là PDF; không kiểm tra được chữ ký.",
    "too_large": "Tệp lớn {size} byte, vượt giới hạn {limit} byte; không kiểm tra.",
    "unreadable": "Tệp PDF bị hỏng hoặc bị cắt cụt, không đọc được; không kiểm tra được chữ ký.",
    "decode_limit": (
        "Dữ liệu nén trong tệp phình quá giới hạn an toàn (bom giải nén); không kiểm tra."
    ),
    "traces": (
        "Trong tệp có vết chữ ký số: tệp có thể đã hỏng khi gửi hoặc khi lưu; hãy yêu cầu tệp gốc."
    ),
    "only_pictures": (
        "Hình con dấu, hình chữ ký nhìn thấy trên trang (nếu có) chỉ là hình ảnh, không phải là "
        "chữ ký số."
    ),
    "empty_fields": "Tệp có ô chữ ký nhưng ô đó không chứa chữ ký số: {names}.",
    "resaved": (
        "Tệp đã bị lưu lại sau khi ký: chữ ký vẫn còn dấu vết nhưng không còn chứng minh được gì; "
        "hãy yêu cầu tệp gốc."
    ),
    "signature_removed": (
        "Trong tệp còn nguyên {names} nhưng bản hiện tại không thể hiện: đã bị gỡ bỏ hoặc bị bỏ "
        "qua khi cập nhật tệp; hãy yêu cầu tệp gốc."
    ),
    "removed_one": "chữ ký của {name}",
    "removed_stamp": "dấu thời gian lưu trữ của {name}",
    "signature_replaced": (
        "Trước đó {names} đã được gỡ khỏi tệp; chính người ký đó đã ký lại trên toàn bộ tệp."
    ),
    "removals_unknown": (
        "Không kiểm tra hết được các vết chữ ký không thuộc ô chữ ký nào trong tệp."
    ),
    "valid": "Chữ ký hợp lệ: {count} chữ ký, nội dung không thay đổi sau khi ký.",
    "invalid": "Chữ ký không hợp lệ: {reason}",
    "indeterminate": "Chưa đủ căn cứ kết luận chữ ký hợp lệ: {reason}",
    "indeterminate_intact": (
        "Nội dung còn nguyên vẹn từ khi ký, nhưng chưa đủ căn cứ kết luận chữ ký hợp lệ: {reason}"
    ),
    "intact": "Nội dung được ký còn nguyên vẹn.",
    "hash_mismatch": "Nội dung đã bị thay đổi sau khi ký (giá trị băm không khớp).",
    "bad_signature_value": "Giá trị chữ ký không đúng với chứng thư số của người ký.",
    "broken_cms": "Dữ liệu chữ ký bị hỏng, không đọc được.",
    "odd_byte_range": "Vùng dữ liệu được ký (ByteRange) không đúng chuẩn hoặc không phủ hết tệp.",
    "loose_end": (
        "Sau phần được ký có dữ liệu nối thêm không thuộc lần cập nhật nào của tệp; "
        "hãy yêu cầu tệp gốc."
    ),
    "padding_used": "Vùng dành cho chữ ký, vốn không được ký, có chứa thêm dữ liệu lạ.",
    "ambiguous_update": (
        "Phần nối thêm vào tệp sau khi ký được viết theo cách mà mỗi phần mềm có thể đọc ra một "
        "nội dung khác."
    ),
    "reserve_added": (
        "Sau khi ký, tệp được nối thêm nội dung để dành (trang, hình, chú thích) mà chưa nơi nào "
        "dùng đến."
    ),
    "foreign_data": (
        "Phần dữ liệu kiểm tra dài hạn thêm sau khi ký chứa thứ không phải chứng thư số, CRL, OCSP."
    ),
    "ber": "Chữ ký mã hóa BER (độ dài không xác định), kiểu cũ; nội dung vẫn đọc được.",
    "econtent": "Chữ ký mang nội dung riêng bên trong, không phải chữ ký tách rời trên tệp này.",
    "modified": "Sau khi ký, tệp đã bị thay đổi theo cách không được phép.",
    "modified_unknown": "Không phân tích được những thay đổi sau khi ký.",
    "form_changed": "Sau khi ký, trường biểu mẫu đã bị thay đổi: {names}.",
    "field_mismatch": (
        "Trường biểu mẫu được điền sau khi ký hiển thị khác với giá trị lưu bên trong: {names}."
    ),
    "docmdp_violated": "Thay đổi sau khi ký vượt quá mức mà chữ ký chứng nhận cho phép.",
    "large_overlay": "Chữ ký thêm sau có hình che phần lớn trang giấy; không thể coi là vô hại.",
    "redraw_asked": (
        "Sau khi ký, biểu mẫu bị yêu cầu vẽ lại (NeedAppearances): mỗi nơi có thể thấy một khác."
    ),
    "unsigned_field_added": "Sau khi ký có thêm ô chữ ký có hình nhưng không có chữ ký số.",
    "no_signed_attributes": (
        "Chữ ký không có thuộc tính ký kèm (signed attributes), không gắn chặt với chứng thư số."
    ),
    "weak_algorithm": (
        "Thuật toán {name} ngày nay không còn được chấp nhận: chỉ riêng nó không đủ chứng minh "
        "chữ ký, kể cả khi lúc ký còn được dùng."
    ),
    "unlisted_algorithm": "Thuật toán {name} không nằm trong danh mục của TT 15/2025/TT-BKHCN.",
    "pkcs1v15": "Chữ ký dùng RSA PKCS#1 v1.5; TT 15/2025/TT-BKHCN yêu cầu RSASSA-PSS.",
    "trusted": "Chứng thư số của người ký thuộc một gốc tin cậy.",
    "anchor_government": "Gốc tin cậy: {anchor} (chuyên dùng Chính phủ).",
    "anchor_public": "Gốc tin cậy: {anchor} (chứng thực điện tử quốc gia, dịch vụ công cộng).",
    "anchor_own": "Gốc tin cậy: {anchor} (do đơn vị vận hành cấu hình).",
    "untrusted": "Chứng thư số của người ký không thuộc gốc tin cậy nào đã cấu hình.",
    "revoked": "Chứng thư số của người ký đã bị thu hồi.",
    "expired": "Chứng thư số của người ký đã hết hạn và không có bằng chứng đã ký khi còn hạn.",
    "not_yet_valid": "Chứng thư số của người ký chưa có hiệu lực tại thời điểm ký.",
    "revocation_unknown": (
        "Chưa xác định được tình trạng thu hồi của chứng thư số (tệp không kèm đủ dữ liệu, "
        "không hỏi trực tuyến)."
    ),
    "revocation_unknown_online": (
        "Chưa xác định được tình trạng thu hồi của chứng thư số: dịch vụ OCSP, CRL của nơi cấp "
        "không trả lời hoặc không được phép hỏi."
    ),
    "good": "Chứng thư số có hiệu lực tại thời điểm ký, chưa bị thu hồi.",
    "time_proven": ("Dấu thời gian chứng minh chữ ký đã có vào lúc {moment} (giờ Việt Nam)."),
    "time_proven_by_document": (
        "Dấu thời gian chung của cả tệp, cấp sau chữ ký này, chứng minh chữ ký đã có vào lúc "
        "{moment} (giờ Việt Nam)."
    ),
    "time_claimed": (
        "Thời điểm ký {moment} (giờ Việt Nam) do người ký tự khai, không có dấu thời gian chứng "
        "minh."
    ),
    "time_unproven": "Có dấu thời gian nhưng chưa kiểm chứng được.",
    "time_before_claim": "Dấu thời gian sớm hơn thời điểm tự khai {delta}: đồng hồ máy ký lệch.",
    "time_after_claim": "Dấu thời gian được cấp sau thời điểm tự khai {delta}.",
    "time_future": (
        "Dấu thời gian ghi thời điểm ở tương lai: đồng hồ máy chủ sai, không chứng minh được gì."
    ),
    "time_none": "Chữ ký không nêu thời điểm ký và không có dấu thời gian.",
    "archive_timestamp": "Dấu thời gian chung của cả tệp.",
    "timestamp_revocation_offline": (
        "Tình trạng thu hồi của máy chủ dấu thời gian chỉ xét theo dữ liệu kèm trong tệp."
    ),
    "later_signature": "Sau đó: thêm chữ ký của {name} (ô {fields}).",
    "later_signatures": "Sau đó: thêm {count} chữ ký của {name} (các ô {fields}).",
    "later_timestamp": "Sau đó: thêm dấu thời gian chung của cả tệp.",
    "later_dss": "Sau đó: bổ sung dữ liệu kiểm tra dài hạn (chứng thư, CRL, OCSP).",
    "later_description": "Sau đó: ghi lại phần mô tả của tệp (tên, tác giả, trích yếu).",
    "later_form": "Sau đó: điền trường biểu mẫu {names}.",
    "later_freed": "Sau đó: giải phóng đối tượng không dùng đến.",
    "later_unreadable": "Sau đó: có phần cập nhật không đọc được.",
    "later_suspicious": "Sau đó: có thay đổi nội dung không được phép.",
    "later_picture": "Sau đó: hình ảnh trang {pages} không còn như khi ký.",
    "later_covered": "Sau đó: hình của chữ ký thêm sau che mất chữ “{words}”.",
    "picture_changed": "Hình ảnh trang {names} đã khác so với khi ký, ngoài vùng được phép.",
    "text_covered": "Hình của chữ ký thêm sau che mất chữ đã có khi ký, ở trang {names}.",
    "picture_unknown": (
        "Không vẽ được các trang để so hình ảnh khi ký với hình ảnh hiện tại ({names})."
    ),
    "too_many_pages": "tệp có quá nhiều trang hoặc đối tượng",
    "undrawable": "phần mềm vẽ trang không đọc được tệp",
    "drawing_memory": "vẽ trang cần quá nhiều bộ nhớ",
    "too_many": "Tệp có {count} chữ ký, vượt giới hạn {limit}; phần còn lại không được kiểm tra.",
    "time_limit": "Hết thời gian cho phép; chưa kiểm tra xong chữ ký này.",
    "intact_so_far": (
        "Phần được ký còn nguyên vẹn; những thay đổi sau đó và chứng thư số chưa kiểm tra xong."
    ),
    "memory_limit": "Kiểm tra tệp cần quá nhiều bộ nhớ; chưa kiểm tra xong chữ ký.",
    "checker_lost": "Tiến trình kiểm tra bị dừng đột ngột khi đọc tệp; chưa kết luận được.",
    "internal": "Lỗi của phần mềm khi kiểm tra; chưa kết luận được.",
    "weak_chain": ("Chuỗi chứng thư số dùng thuật toán hoặc độ dài khoá không còn được chấp nhận."),
    "wrong_usage": (
        "Chứng thư số dùng để ký được cấp cho mục đích khác, không phải để ký văn bản."
    ),
    "unsupported_algorithm": (
        "Chữ ký dùng thuật toán không hỗ trợ ({name}); không kiểm tra được, chưa kết luận được."
    ),
    # The same codes of a time-stamp, where the sentence would speak of a signer.
    "timestamp_hash_mismatch": (
        "Nội dung đã bị thay đổi sau khi đóng dấu thời gian (giá trị băm không khớp)."
    ),
    "timestamp_bad_signature_value": (
        "Giá trị chữ ký của dấu thời gian không đúng với chứng thư số của dịch vụ cấp dấu."
    ),
    "timestamp_broken_cms": "Dữ liệu dấu thời gian bị hỏng, không đọc được.",
    "timestamp_untrusted": (
        "Chứng thư số của dịch vụ cấp dấu thời gian không thuộc gốc tin cậy nào đã cấu hình."
    ),
    "timestamp_revoked": "Chứng thư số của dịch vụ cấp dấu thời gian đã bị thu hồi.",
    "timestamp_expired": (
        "Chứng thư số của dịch vụ cấp dấu thời gian đã hết hạn, và không có dấu thời gian nào mới "
        "hơn chứng minh dấu này có từ trước."
    ),
    "timestamp_not_yet_valid": (
        "Chứng thư số của dịch vụ cấp dấu thời gian chưa có hiệu lực vào lúc ghi trong dấu."
    ),
    "timestamp_revocation_unknown": (
        "Chưa xác định được tình trạng thu hồi của chứng thư số dịch vụ cấp dấu thời gian (tệp "
        "không kèm đủ dữ liệu, không hỏi trực tuyến)."
    ),
    "timestamp_revocation_unknown_online": (
        "Chưa xác định được tình trạng thu hồi của chứng thư số dịch vụ cấp dấu thời gian: dịch vụ "
        "OCSP, CRL của nơi cấp không trả lời hoặc không được phép hỏi."
    ),
    "timestamp_good": "Chứng thư số của dịch vụ cấp dấu thời gian có hiệu lực, chưa bị thu hồi.",
    "detached_part": "Có vết chữ ký không gắn với trường biểu mẫu nào của tệp.",
}


def say(code: str, **details: object) -> str:
    """The Vietnamese sentence of a validation code."""
    return SENTENCES[code].format(**details)


def say_of(code: str, *, timestamp: bool, **details: object) -> str:
    """The sentence of a code about a signature or, in words of its own, about a time-stamp."""
    own = f"timestamp_{code}"
    return say(own if timestamp and own in SENTENCES else code, **details)
