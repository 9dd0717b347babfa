"""The gateway's OpenAPI document: every operation named in Vietnamese first, as people read it.

Owns the Vietnamese names; the English ones stand beside the routes, whose types
``foundation.openapi`` turns into the document.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from gateway import __version__
from gateway.foundation import openapi
from gateway.foundation.web import Page, Route

_NAMES: Final = {
    "GET /v1/authorities": "Sổ thẩm quyền ký",
    "POST /v1/authorities": "Ghi vào sổ ai được ký gì",
    "GET /v1/authorities/{id}": "Một dòng của sổ thẩm quyền",
    "POST /v1/authorities/{id}/end": "Kết thúc một thẩm quyền, hoặc đưa ngày kết thúc lên sớm hơn",
    "GET /v1/certificates/{sha256}/documents": "Văn bản đã ký bằng một chứng thư số",
    "GET /v1/certificates/{sha256}/revocation": "Tình trạng thu hồi của một chứng thư số",
    "POST /v1/certificates/{sha256}/revocation": "Ghi thời điểm thu hồi khác với nơi cấp",
    "GET /v1/certifications": "Danh sách bản sao chứng thực",
    "POST /v1/certifications": "Lập dự thảo bản sao chứng thực",
    "GET /v1/certifications/{id}": "Một bản sao chứng thực",
    "GET /v1/certifications/{id}/content": "Tệp bản sao chứng thực (PDF)",
    "POST /v1/certifications/{id}/revoke": "Hủy bản sao đã cấp theo quyết định",
    "POST /v1/certifications/{id}/sign": "Lấy số, ghi lời chứng, ký và đóng dấu",
    "GET /v1/document-templates": "Mẫu văn bản đang dùng và các ô được điền sau khi ký",
    "GET /v1/documents": "Danh sách văn bản",
    "POST /v1/documents": "Tải lên văn bản kết quả",
    "GET /v1/documents/expiring": "Văn bản sắp mất giá trị chứng minh, gần nhất trước",
    "GET /v1/documents/{id}": "Một văn bản",
    "GET /v1/documents/{id}/content": "Tệp PDF của văn bản",
    "GET /v1/documents/{id}/evidence": "Bằng chứng ký số trong một tệp ZIP",
    "POST /v1/documents/{id}/extend": "Nâng mức chữ ký, hoặc gia hạn dấu thời gian lưu trữ",
    "GET /v1/events": "Các sự kiện kể từ một sự kiện, không hổng",
    "GET /v1/events/{id}": "Một sự kiện",
    "POST /v1/events/{id}/resend": "Gửi lại một sự kiện",
    "GET /v1/registers/{agency}/{book}/{year}": "Sổ chứng thực của một năm",
    "GET /v1/shipments": "Danh sách bưu gửi",
    "POST /v1/shipments": "Đặt chuyển phát",
    "GET /v1/shipments/{id}": "Một bưu gửi",
    "POST /v1/shipments/{id}/cancel": "Yêu cầu gọi lại bưu gửi; bưu chính quyết định",
    "POST /v1/shipments/{id}/events": "Nhập tay tin của bưu chính",
    "GET /v1/shipments/{id}/label": "Nhãn địa chỉ, PDF",
    "GET /v1/signature-requests": "Danh sách yêu cầu ký",
    "POST /v1/signature-requests": "Yêu cầu ký",
    "GET /v1/signature-requests/{id}": "Một yêu cầu ký",
    "POST /v1/signature-requests/{id}/cancel-signing": "Rút lại lần ký đang chờ xác nhận",
    "POST /v1/signature-requests/{id}/decide-signing": "Cho biết lần ký chưa rõ kết quả ra sao",
    "POST /v1/signature-requests/{id}/reject": "Trả lại văn bản",
    "POST /v1/signature-requests/{id}/sign": "Ký bước hiện tại bằng khóa của chính mình",
    "GET /v1/signing-batches": "Danh sách lô ký",
    "POST /v1/signing-batches": "Ký nhiều văn bản với một lần xác nhận",
    "GET /v1/signing-batches/{id}": "Một lô ký",
    "POST /v1/signing-batches/{id}/cancel": "Dừng một lô ký",
    "POST /v1/signing-batches/{id}/confirm": "Xác nhận lại để lô ký đi tiếp",
    "GET /v1/signing-batches/{id}/events": "Tiến độ của lô ký (server-sent events)",
    "POST /v1/validations": "Kiểm tra chữ ký của một tệp; không lưu gì",
    "GET /v1/webhook-endpoints": "Danh sách nơi nhận thông báo",
    "POST /v1/webhook-endpoints": "Đăng ký nơi nhận thông báo",
    "DELETE /v1/webhook-endpoints/{id}": "Xóa một nơi nhận",
    "GET /v1/webhook-endpoints/{id}": "Một nơi nhận thông báo",
    "PATCH /v1/webhook-endpoints/{id}": "Sửa một nơi nhận",
    "GET /v1/webhook-endpoints/{id}/deliveries": "Nhật ký gửi",
    "POST /v1/webhook-endpoints/{id}/disable": "Tắt một nơi nhận",
    "POST /v1/webhook-endpoints/{id}/enable": "Bật lại một nơi nhận",
    "POST /v1/webhook-endpoints/{id}/recover": "Gửi lại mọi sự kiện từ một thời điểm",
    "POST /v1/webhook-endpoints/{id}/rotate-secret": "Đổi khóa bí mật",
    "POST /v1/webhook-endpoints/{id}/test": "Gửi thử một sự kiện",
}


def contract_of(routes: Iterable[Route | Page], public_url: str) -> dict[str, Any]:
    """The whole document (OpenAPI 3.1); names that are here stand before the routes' own."""
    made = openapi.document(routes, __version__, public_url)
    for path, operations in made["paths"].items():
        for method, operation in operations.items():
            name = _NAMES.get(f"{method.upper()} {path}")
            if name is not None:
                operation["summary"] = f"{name} / {operation['summary']}"
    return made
