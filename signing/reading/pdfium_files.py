"""A file's pages by pdfium, which keeps every stream that it has read until it is closed.

Owns opening the file, and opening a mapped one anew once pdfium has read a good deal of it: a page
of scans costs its own pictures, not those of all pages before it. Leaves what is looked at to the
callers.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pypdfium2 as pdfium

from signing.reading.mapped_stream import MappedStream
from signing.reading.opening import Data
from signing.reading.stretches import let_go

_KEPT_AT_MOST = 32 * 1024 * 1024  # bytes that one opened document has read


class PdfiumFile:
    """An open file; close it when done.

    Args:
        pdf: its bytes, or a mapping of it, to be kept until it is closed.
        end: how many of these bytes are the file; None for all. Nothing is copied.
        forms: whether pages are to be drawn with their form fields.

    Raises:
        pypdfium2.PdfiumError: it cannot be opened.
    """

    def __init__(self, pdf: Data, end: int | None = None, *, forms: bool = False) -> None:
        self._pdf = pdf
        self._end = end
        self._forms = forms
        self._stream: MappedStream | None = None
        self._document = self._open()
        self._lent = 0

    def _open(self) -> Any:
        source: Any = self._pdf
        if not isinstance(self._pdf, bytes):
            source = self._stream = MappedStream(self._pdf, self._end)
        elif self._end is not None:
            kind = ctypes.POINTER(ctypes.c_char * self._end)
            source = ctypes.cast(ctypes.c_char_p(self._pdf), kind).contents
        document = pdfium.PdfDocument(source)
        if self._forms:
            document.init_forms()
        return document

    def __len__(self) -> int:
        return len(self._document)

    @contextmanager
    def page(self, index: int) -> Iterator[Any]:
        """A page, for as long as the context lasts; pages may be open together.

        Raises:
            pypdfium2.PdfiumError: there is no such page, or it cannot be read.
        """
        if not self._lent:
            self._forget()
        page = self._document[index]
        self._lent += 1
        try:
            yield page
        finally:
            self._lent -= 1
            page.close()

    def _forget(self) -> None:
        if self._stream is not None and self._stream.handed_out > _KEPT_AT_MOST:
            self._document.close()
            let_go(self._pdf)
            self._document = self._open()

    def close(self) -> None:
        """Free pdfium's memory."""
        self._document.close()

    def __enter__(self) -> PdfiumFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
