"""What the operating system says of a file, in Vietnamese; rarer words stay as they are."""

from __future__ import annotations

import errno
from typing import Final

_SAID: Final = {
    errno.ENOENT: "không có tệp hoặc thư mục này",
    errno.EACCES: "không có quyền",
    errno.EPERM: "không được phép",
    errno.EISDIR: "đây là một thư mục",
    errno.ENOTDIR: "một phần của đường dẫn không phải là thư mục",
    errno.EEXIST: "đã có tệp này",
    errno.ENOSPC: "hết chỗ trên đĩa",
    errno.EIO: "thiết bị lưu trữ báo lỗi",
    errno.EROFS: "hệ thống tệp chỉ cho đọc",
    errno.ENAMETOOLONG: "tên quá dài",
    errno.EMFILE: "mở quá nhiều tệp",
    errno.EADDRINUSE: "cổng đang có chương trình khác dùng",
    errno.ECONNREFUSED: "không có gì nhận kết nối ở đó",
}


def reason_of(error: OSError) -> str:
    """Why: the Vietnamese words of a common error, else the system's, else its class."""
    return _SAID.get(error.errno or 0) or error.strerror or type(error).__name__
