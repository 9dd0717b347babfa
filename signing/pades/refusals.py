"""pyHanko's many errors as the few refusals that callers and people understand.

Owns the first look at the bytes (is it a PDF, is it encrypted) and the one table from library
errors to ``DocumentRefused``. The thorough look is ``signing.inspection``.
"""

from __future__ import annotations

import logging
from types import TracebackType

from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.general import SigningError as PyHankoSigningError
from pyhanko.sign.timestamps.common_utils import TimestampRequestError
from pyhanko_certvalidator.errors import PathError

from signing.contract import CredentialRefused, DocumentRefused, SigningError, SigningUnavailable
from signing.reading.opening import HEADER_WINDOW, Data

log = logging.getLogger(__name__)

_COPIED_AT_MOST = 64 * 2**20  # pyHanko holds a document several times over

# broken files raise all of these from pyHanko's parser
_BROKEN_FILE = (
    PdfError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    AssertionError,
    RuntimeError,  # RecursionError and NotImplementedError are kinds of it
    OverflowError,
    EOFError,
)


def check_readable(pdf: Data) -> None:
    """Refuse what is plainly not a PDF.

    Raises:
        DocumentRefused: code ``not_a_pdf``.
    """
    if b"%PDF-" not in pdf[:HEADER_WINDOW]:
        raise DocumentRefused("not_a_pdf", "Tệp không phải là PDF.", "the file is not a PDF")


class LargeFileNotPlain(DocumentRefused):
    """Code ``large_file_not_plain``: no key was used, and no authority was asked."""


def refuse_large(pdf: Data, why: str) -> None:
    """Keep what would not fit into memory off the ordinary path.

    Raises:
        LargeFileNotPlain: it is too large.
    """
    if len(pdf) > _COPIED_AT_MOST:
        raise LargeFileNotPlain(
            "large_file_not_plain",
            f"Văn bản lớn hơn {_COPIED_AT_MOST // 2**20} MiB chỉ ký hoặc gia hạn được khi tệp có"
            " cấu trúc đơn giản (không mã hóa, bảng tham chiếu lành lặn); hãy xuất lại tệp PDF.",
            f"larger than {_COPIED_AT_MOST} bytes and not for the fast lane: {why}",
        )


class refusing_documents:  # noqa: N801 - a context manager reads as a verb
    """Turn whatever the PDF library raises into a refusal of the document.

    Raises:
        DocumentRefused: ``encrypted``, ``docmdp_no_changes``, ``unsignable``.
    """

    __slots__ = ()

    def __enter__(self) -> None:
        """Begin to look out."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Name what was raised."""
        if isinstance(error, Exception):
            _name(error)


def _name(error: Exception) -> None:
    if isinstance(error, SigningError | TimestampRequestError):
        return
    if isinstance(error, PathError):
        raise SigningUnavailable(
            "validation_data_incomplete",
            "Chưa thu thập đủ bằng chứng về chứng thư số; văn bản chưa được ký.",
            f"the validation data is not complete: {type(error).__name__}",
        ) from error
    if isinstance(error, PyHankoSigningError):
        if isinstance(error.__cause__, PathError):
            raise CredentialRefused(
                "certificate_not_validated",
                "Chứng thư số không vượt qua bước kiểm tra.",
                "the signer's certificate could not be validated",
            ) from error
        raise _refusal(error) from error
    if isinstance(error, _BROKEN_FILE):
        raise _refusal(error) from error


def check_not_encrypted(reader: PdfFileReader) -> None:
    """Refuse encryption, also with an empty password: the result must open for everyone."""
    if reader.encrypted:
        raise _encrypted()


def _encrypted() -> DocumentRefused:
    return DocumentRefused(
        "encrypted", "Tệp PDF bị mã hóa hoặc đặt mật khẩu.", "the document is encrypted"
    )


def _refusal(error: Exception) -> DocumentRefused:
    text = str(error).lower()
    if "encrypt" in text or "decrypt" in text or "password" in text:
        return _encrypted()
    if "forbids" in text:
        return DocumentRefused(
            "docmdp_no_changes",
            "Người ký trước đã khóa văn bản, không cho phép ký thêm.",
            "an earlier signature forbids all changes",
        )
    log.warning("document cannot be signed: %s", type(error).__name__)
    return DocumentRefused(
        "unsignable",
        "Cấu trúc tệp PDF bị lỗi, không thể ký.",
        f"the document's structure does not allow signing ({type(error).__name__})",
    )
