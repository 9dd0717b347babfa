"""What inspection can find: each code's severity and Vietnamese sentence, in one table.

Owns words and severities; leaves to ``document`` and ``active_content`` when a code is deserved.
Codes are part of the contract (portals switch on them); sentences may be polished freely.
"""

from __future__ import annotations

from typing import Final

from signing.contract import Finding, Severity
from signing.processes.unfinished import UNFINISHED

BLOCK, WARN, INFO = Severity.BLOCK, Severity.WARN, Severity.INFO

# code → (severity, sentence); named fields are filled in by ``finding``
FINDINGS: Final[dict[str, tuple[Severity, str]]] = {
    "empty_file": (BLOCK, "Tệp rỗng (0 byte)."),
    "too_large": (BLOCK, "Tệp lớn {size} byte, vượt giới hạn {limit} byte."),
    "not_a_pdf": (BLOCK, "Tệp không phải là PDF: không có tiêu đề %PDF-."),
    "garbage_before_header": (WARN, "Có {count} byte lạ đứng trước tiêu đề %PDF-."),
    "truncated": (WARN, "Tệp không kết thúc bằng %%EOF, có thể đã bị cắt cụt."),
    "lax_reading": (
        WARN,
        "Cấu trúc tệp sai chuẩn ({reason}); chỉ đọc được ở chế độ nới lỏng.",
    ),
    "repaired": (
        WARN,
        "Tệp hỏng cấu trúc ({reason}) đã được ghi lại; bản gốc SHA-256 {original}; {shown}.",
    ),
    "repair_changes_pages": (
        BLOCK,
        "Sau khi sửa cấu trúc, hình trang khác bản gốc; hãy xuất lại tệp từ phần mềm soạn thảo.",
    ),
    "unreadable": (BLOCK, "Không đọc được cấu trúc PDF: {reason}."),
    "broken_page_tree": (BLOCK, "Cây trang bị hỏng: {reason}."),
    "no_pages": (BLOCK, "Tệp không có trang nào."),
    "too_many_pages": (BLOCK, "Tệp có {count} trang, vượt giới hạn {limit} trang."),
    "decode_limit": (BLOCK, "Dữ liệu nén phình quá giới hạn an toàn (bom giải nén)."),
    "broken_content": (WARN, "Không giải nén được nội dung: {reason}."),
    "walk_limit": (BLOCK, "Tệp có quá nhiều đối tượng hoặc mất quá nhiều thời gian để kiểm tra."),
    "broken_object": (WARN, "Đối tượng bị hỏng, không đọc được."),
    **{code: (BLOCK, sentence) for code, sentence in UNFINISHED.items()},
    "inspection_error": (BLOCK, "Lỗi của phần mềm khi kiểm tra tệp; không thể ký an toàn."),
    "broken_structure": (
        BLOCK,
        "Không kiểm tra hết được tệp vì cấu trúc bị hỏng ({reason}); không thể ký an toàn.",
    ),
    "encrypted": (BLOCK, "Tệp bị mã hoá hoặc đặt mật khẩu."),
    "xfa": (BLOCK, "Tệp chứa biểu mẫu động XFA."),
    "javascript": (BLOCK, "Tệp chứa mã JavaScript."),
    "launch_action": (BLOCK, "Tệp chứa lệnh mở chương trình hoặc tệp khác (Launch)."),
    "submit_form": (BLOCK, "Tệp chứa lệnh gửi dữ liệu biểu mẫu ra ngoài (SubmitForm)."),
    "import_data": (BLOCK, "Tệp chứa lệnh nạp dữ liệu từ ngoài (ImportData)."),
    "remote_goto": (BLOCK, "Tệp chứa liên kết tới tệp khác (GoToR hoặc GoToE)."),
    "open_action": (BLOCK, "Tệp tự thực hiện một hành động khi mở ({kind})."),
    "open_destination": (INFO, "Tệp mở sẵn ở một vị trí định trước (vô hại)."),
    "additional_actions": (BLOCK, "Tệp có hành động tự động gắn với sự kiện (AA)."),
    "rich_media": (BLOCK, "Tệp chứa nội dung đa phương tiện hoặc 3D ({kind})."),
    "uri_action": (INFO, "Tệp chứa liên kết ra Internet."),
    "embedded_files": (WARN, "Tệp có tệp đính kèm bên trong."),
    "external_stream": (BLOCK, "Nội dung được lấy từ tệp bên ngoài (luồng có /F)."),
    "hidden_layers": (WARN, "Tệp có lớp nội dung đang bị ẩn (OCG)."),
    "annotation_over_content": (WARN, "Có chú thích {kind} nằm đè lên nội dung trang."),
    "hidden_annotation": (WARN, "Có chú thích hoặc trường bị ẩn ({kind})."),
    "print_only": (
        WARN,
        "Có nội dung {kind} chỉ hiện ra khi in, không thấy trên màn hình.",
    ),
    "screen_only": (INFO, "Có nội dung {kind} chỉ thấy trên màn hình, không được in ra."),
    "layer_prints_differently": (WARN, "Có lớp nội dung khi in khác với khi xem trên màn hình."),
    "field_value_mismatch": (
        WARN,
        "Trường biểu mẫu hiển thị khác với giá trị lưu bên trong (hoặc không hiển thị).",
    ),
    "widgets_without_form": (
        WARN,
        (
            "Trang có ô biểu mẫu nhưng tệp không khai báo biểu mẫu (AcroForm): có nơi chỉ hiện "
            "nội dung các ô này sau khi tệp được ký."
        ),
    ),
    "need_appearances": (
        WARN,
        "Biểu mẫu yêu cầu phần mềm xem tự vẽ lại (NeedAppearances): mỗi nơi có thể thấy một khác.",
    ),
    "fonts_not_embedded": (WARN, "Phông chữ không nhúng: {names}; nơi khác có thể hiện sai chữ."),
    "missing_glyphs": (WARN, "Phông {name} thiếu nét chữ mà trang dùng: có chữ không hiện được."),
    "invisible_text": (WARN, "Trang có chữ vô hình (chế độ vẽ 3) nằm trong nội dung."),
    "ocr_text": (INFO, "Trang quét có lớp chữ nhận dạng (OCR) vô hình nằm dưới ảnh."),
    "doubled_object": (
        WARN,
        "Đối tượng {numbers} được định nghĩa nhiều lần: mỗi phần mềm có thể đọc một nội dung khác.",
    ),
    "check_incomplete": (WARN, "Chưa kiểm tra được {what} ({reason})."),
    "hybrid_xref": (INFO, "Tệp dùng bảng tham chiếu lai (Word thường xuất như vậy)."),
    "incremental_updates": (INFO, "Tệp có {count} lần cập nhật nối thêm."),
    "odd_box": (INFO, "Khung trang khác thường: {box}."),
    "rotated_page": (INFO, "Trang xoay {angle}°."),
    "existing_signature": (INFO, "Tệp đã có chữ ký số."),
    "broken_signature": (BLOCK, "Chữ ký có sẵn bị hỏng: {reason}."),
    "resaved_after_signing": (
        BLOCK,
        "Tệp đã bị lưu lại sau khi ký: chữ ký có sẵn không còn giá trị; hãy dùng tệp gốc.",
    ),
    "removed_signature": (
        BLOCK,
        "Chữ ký của {name} còn trong tệp nhưng đã bị gỡ khỏi bản hiện tại; hãy dùng tệp gốc.",
    ),
    "replaced_signature": (
        WARN,
        "Chữ ký trước đó của {name} đã được gỡ; chính người đó đã ký lại trên toàn bộ tệp.",
    ),
    "removals_unknown": (
        BLOCK,
        "Có quá nhiều vết chữ ký không thuộc ô chữ ký nào; không kiểm tra hết được.",
    ),
    "docmdp_no_changes": (BLOCK, "Chữ ký chứng nhận của tác giả cấm mọi thay đổi (DocMDP P=1)."),
    "docmdp": (INFO, "Tệp có chữ ký chứng nhận, cho phép thay đổi mức P={level}."),
}


def finding(code: str, where: str = "tệp", **details: object) -> Finding:
    """Build a finding from its code; ``where`` names a page or object in Vietnamese."""
    severity, sentence = FINDINGS[code]
    return Finding(code=code, severity=severity, where=where, detail=sentence.format(**details))
