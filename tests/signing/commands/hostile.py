"""Files as attackers and broken tools make them, for the tests of ``motcua inspect``."""

from __future__ import annotations

import functools
import io
import zlib

from asn1crypto import cms
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.writer import PdfFileWriter

from tests.signing.validation.signing_kit import make_pdf, sign, update


def stream(data, filters=("/FlateDecode",), **entries):
    """A stream whose data are already encoded."""
    dictionary = {pdf_name(f"/{key}"): value for key, value in entries.items()}
    names = [pdf_name(name) for name in filters]
    dictionary[pdf_name("/Filter")] = generic.ArrayObject(names)
    return generic.StreamObject(dict_data=dictionary, encoded_data=data)


def with_contents(data, filters=("/FlateDecode",)):
    def plant(writer):
        page = writer.root["/Pages"]["/Kids"][0]
        page[pdf_name("/Contents")] = writer.add_object(stream(data, filters))
        writer.update_container(page)

    return update(make_pdf(), plant)


@functools.cache
def zeros(megabytes):
    packer = zlib.compressobj(1)
    part = bytes(1024 * 1024)
    return b"".join([*(packer.compress(part) for _ in range(megabytes)), packer.flush()])


def bomb():
    """One page that inflates to 300 MB."""
    return with_contents(zeros(300))


def bomb_in_a_bomb():
    """Deflated twice: half a megabyte of zeros on the disk would be gigabytes in memory."""
    return with_contents(zlib.compress(zeros(300), 9), ("/FlateDecode", "/FlateDecode"))


def bomb_of_objects():
    """The catalog lies in an object stream that inflates to 100 MB."""
    packer = zlib.compressobj(1)
    head = b"1 0 << /Type /Catalog /Pages 2 0 R >>"
    parts = [packer.compress(head), *(packer.compress(b" " * 1024 * 1024) for _ in range(100))]
    packed = b"".join([*parts, packer.flush()])
    out, offsets = b"%PDF-1.7\n", []
    for number, body in (
        (2, b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"),
        (3, b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << >> >>"),
        (4, _raw_stream(packed, b"/Type /ObjStm /N 1 /First 4 /Filter /FlateDecode")),
    ):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    rows = [b"\0" * 6, b"\2" + (4).to_bytes(4) + b"\0"]
    rows += [b"\1" + offset.to_bytes(4) + b"\0" for offset in (*offsets, len(out))]
    index = _raw_stream(b"".join(rows), b"/Type /XRef /Size 6 /W [1 4 1] /Root 1 0 R")
    return out + b"5 0 obj\n%s\nendobj\nstartxref\n%d\n%%%%EOF\n" % (index, len(out))


def _raw_stream(data, entries):
    return b"<< %s /Length %d >>\nstream\n%s\nendstream" % (entries, len(data), data)


def run_length_bomb():
    """Another filter, another ratio."""
    return with_contents(
        zlib.compress(b"\x81\x00" * 4_000_000, 9), ("/FlateDecode", "/RunLengthDecode")
    )


def nested(depth=20_000):
    """Arrays within arrays."""
    return make_pdf(catalog="/Deep " + "[" * depth + "]" * depth)


def nested_pages(depth=3_000):
    """A page tree as a chain of single kids."""
    extra = [
        f"{number} 0 obj\n<< /Type /Pages /Kids [{number + 1} 0 R] /Count 1 >>\nendobj\n"
        for number in range(6, 6 + depth)
    ]
    extra.append(f"{6 + depth} 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n")
    pdf = make_pdf(extra="%%next".join(extra))
    return pdf.replace(b"/Kids [3 0 R] /Count 1", b"/Kids [6 0 R] /Count 1", 1)


def wrong_startxref():
    """The cross-reference table is somewhere else."""
    pdf = make_pdf()
    return pdf.replace(b"startxref\n", b"startxref\n9", 1)


def far_offsets():
    """Offsets of ten digits that point far behind the file's end."""
    pdf = make_pdf()
    start = pdf.index(b"xref\n0 ")
    return pdf[:start] + pdf[start:].replace(b"0000000", b"9999999")


def objects_in_streams():
    """A modern file with object streams, updated with object streams."""
    return update(rewritten(), lambda writer: writer.update_root())


def rewritten():
    writer = PdfFileWriter(stream_xrefs=True)
    packed = writer.prepare_object_stream()
    page = generic.DictionaryObject(
        {
            pdf_name("/Type"): pdf_name("/Page"),
            pdf_name("/MediaBox"): generic.ArrayObject(
                [generic.NumberObject(side) for side in (0, 0, 595, 842)]
            ),
            pdf_name("/Resources"): generic.DictionaryObject(),
        }
    )
    packed.add_object(writer.allocate_placeholder().idnum, generic.NumberObject(7))
    writer.insert_page(page)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def signed(change):
    """A signed file whose CMS message was changed in place."""
    pdf = sign(make_pdf())
    start = pdf.index(b"/Contents <") + len(b"/Contents <")
    end = pdf.index(b">", start)
    message = cms.ContentInfo.load(bytes.fromhex(pdf[start:end].decode()))
    made = change(message).hex().encode()
    return pdf[:start] + made.ljust(end - start, b"0")[: end - start] + pdf[end:]


def two_signer_infos():
    def change(message):
        (info,) = message["content"]["signer_infos"]
        message["content"]["signer_infos"] = cms.SignerInfos([info, info.copy()])
        return message.dump(force=True)

    return signed(change)


def empty_contents():
    return signed(lambda _message: b"")


def many_signatures(count=25):
    pdf = make_pdf()
    for number in range(count):
        pdf = sign(pdf, field=f"ChuKy{number}")
    return pdf


def write_large(path, megabytes):
    """A sparse file whose one picture is that large."""
    size = megabytes * 1024 * 1024
    page = b"/MediaBox [0 0 595 842] /Resources << /XObject << /I 5 0 R >> >>"
    picture = b"/Width %d /Height 1024 /ColorSpace /DeviceGray /BitsPerComponent 8" % (size // 1024)
    bodies = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /Contents 4 0 R %s >>" % page,
        b"<< /Length 6 >>\nstream\n/I Do \nendstream",
        b"<< /Type /XObject /Subtype /Image %s /Length %d >>\nstream\n" % (picture, size),
    )
    with path.open("wb") as file:
        file.write(b"%PDF-1.7\n")
        offsets = []
        for number, body in enumerate(bodies, 1):
            offsets.append(file.tell())
            file.write(b"%d 0 obj\n%s" % (number, body))
            if number == 5:
                file.seek(size, 1)
                file.write(b"\nendstream")
            file.write(b"\nendobj\n")
        rows = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
        table = file.tell()
        file.write(b"xref\n0 6\n0000000000 65535 f \n" + rows)
        file.write(b"trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % table)
