"""A large PDF as a scanner makes it: many pages, one uncompressed picture each; a sparse file."""

from __future__ import annotations

_SIDE = 1024


def write_scans(path, megabytes):
    """One page a megabyte."""
    kids = b" ".join(b"%d 0 R" % (3 + 3 * n) for n in range(megabytes))
    bodies = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Count %d /Kids [%s] >>" % (megabytes, kids),
    ]
    for n in range(megabytes):
        contents, picture = 4 + 3 * n, 5 + 3 * n
        used = b"/MediaBox [0 0 595 842] /Resources << /XObject << /I %d 0 R >> >>" % picture
        drawn = b"q 500 0 0 700 40 70 cm /I Do Q"
        bodies += [
            b"<< /Type /Page /Parent 2 0 R /Contents %d 0 R %s >>" % (contents, used),
            b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawn), drawn),
            None,
        ]
    with path.open("wb") as file:
        file.write(b"%PDF-1.7\n")
        offsets = []
        for number, body in enumerate(bodies, 1):
            offsets.append(file.tell())
            file.write(b"%d 0 obj\n" % number)
            if body is None:
                _write_picture(file)
            else:
                file.write(body)
            file.write(b"\nendobj\n")
        table = file.tell()
        rows = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
        size = len(bodies) + 1
        file.write(b"xref\n0 %d\n0000000000 65535 f \n" % size + rows)
        file.write(b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n" % (size, table))
        file.write(b"%%EOF\n")


def _write_picture(file):
    shape = b"/Width %d /Height %d /ColorSpace /DeviceGray /BitsPerComponent 8" % (_SIDE, _SIDE)
    kind = b"<< /Type /XObject /Subtype /Image"
    file.write(b"%s %s /Length %d >>\nstream\n" % (kind, shape, _SIDE * _SIDE))
    file.seek(_SIDE * _SIDE, 1)
    file.write(b"\nendstream")
