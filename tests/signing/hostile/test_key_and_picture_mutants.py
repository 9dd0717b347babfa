"""Bent key files and pictures of seals: used as they are, or refused by name."""

from __future__ import annotations

import io
import random
import struct
import warnings
import zlib

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)
from PIL import Image, ImageDraw

from signing.appearance.pictures import MAX_SIDE, Picture, load_picture
from signing.contract import CredentialRefused, KeyConfig
from signing.keys import source_for
from tests.signing.hostile import der

PASSWORD = "mat-khau"
FEW, MANY = 100, 600
PNG = b"\x89PNG\r\n\x1a\n"


# ------------------------------------------------------------------ pictures


def seal(mode="RGBA", **options):
    image = Image.new("RGBA", (60, 60), (0, 0, 0, 0))
    ImageDraw.Draw(image).ellipse((5, 5, 55, 55), outline=(200, 0, 0, 255), width=4)
    out = io.BytesIO()
    image.convert(mode).save(out, "PNG", **options)
    return out.getvalue()


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def chunks(png):
    found, at = [], len(PNG)
    while at < len(png):
        size, kind = struct.unpack(">I4s", png[at : at + 8])
        found.append((kind, png[at + 8 : at + 8 + size]))
        at += 12 + size
    return found


def header(width=60, height=60, depth=8, colour=6, interlaced=0):
    return struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)


def with_header(**changes):
    (_, _), *rest = chunks(seal())
    return PNG + b"".join(chunk(*one) for one in [(b"IHDR", header(**changes)), *rest])


def with_more(kind, data, place=1):
    parts = chunks(seal())
    parts.insert(place, (kind, data))
    return PNG + b"".join(chunk(*one) for one in parts)


def deep(levels=65535):
    """Sixteen bits a sample, with transparency."""
    pixel = struct.pack(">HHHH", levels, 0, 0, levels)
    rows = (b"\0" + bytes(8) + pixel * 59) + (b"\0" + bytes(480)) * 59
    parts = [(b"IHDR", header(depth=16)), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return PNG + b"".join(chunk(*one) for one in parts)


def other_format(kind, mode):
    out = io.BytesIO()
    Image.new(mode, (60, 60)).save(out, kind)
    return out.getvalue()


PICTURES = {
    "a seal": (seal(), None),
    "a palette": (seal("P", transparency=0), None),
    "grey": (seal("LA"), None),
    "sixteen bits": (deep(), None),
    "interlaced promise": (with_header(interlaced=1), "image_unreadable"),
    "a bomb": (with_header(width=2**31 - 1, height=2**31 - 1), "image_too_large"),
    "a wide line": (with_header(width=2**30, height=1), "image_too_large"),
    "no width": (with_header(width=0), "image_unreadable"),
    "odd depth": (with_header(depth=3), "image_unreadable"),
    "a text bomb": (with_more(b"zTXt", b"a\0\0" + zlib.compress(bytes(90_000_000))), None),
    "a profile bomb": (with_more(b"iCCP", b"a\0\0" + zlib.compress(bytes(90_000_000))), None),
    "a wrong profile": (with_more(b"iCCP", b"a\0\0nothing"), None),
    "moving": (with_more(b"acTL", struct.pack(">II", 2**31, 0)), None),
    "no end": (seal()[:-12], None),
    "cut": (seal()[:-40], "image_unreadable"),
    "a wrong sum": (seal()[:40] + b"x" + seal()[41:], "image_unreadable"),
    "a CMYK JPEG": (other_format("JPEG", "CMYK"), "image_unreadable"),
    "a GIF": (other_format("GIF", "P"), "image_unreadable"),
    "a TIFF": (other_format("TIFF", "RGBA"), "image_unreadable"),
    "nothing": (b"", "image_unreadable"),
    "a script": (b"%!PS-Adobe-3.0 EPSF-3.0\n", "image_unreadable"),
}


def look(folder, data):
    """The refusal's code, None for a picture that can be used."""
    path = folder / "seal.png"
    path.write_bytes(data)
    load_picture.cache_clear()
    try:
        picture = load_picture(str(path))
    except CredentialRefused as refused:
        return refused.code
    assert isinstance(picture, Picture)
    assert 0 < max(picture.width, picture.height) <= MAX_SIDE
    size = picture.width * picture.height
    colours, alpha = picture.planes
    assert len(zlib.decompress(alpha.data)) == size
    assert len(zlib.decompress(colours.data)) == (1 if colours.palette else 3) * size
    return None


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_of_every_kind_are_used_or_refused_by_name(tmp_path, name):
    data, expected = PICTURES[name]
    code = look(tmp_path, data)
    assert code == expected or (expected is None and code in {"image_unreadable", "image_opaque"})


def test_bent_pictures_are_used_or_refused_by_name(tmp_path):
    parts = chunks(seal())
    for number in range(FEW):
        rng = random.Random(number)
        bent = [list(one) for one in parts]
        for _ in range(rng.choice([1, 2])):
            one = rng.choice(bent)
            body = bytearray(one[1] or b"\0")
            body[rng.randrange(len(body))] = rng.randrange(256)
            one[1] = bytes(body) * rng.choice([1, 1, 1, 3])
            if rng.random() < 0.2:
                one[0] = rng.choice([b"PLTE", b"tRNS", b"IDAT", b"fcTL", b"eXIf", b"gAMA", b"iTXt"])
        if rng.random() < 0.3:
            rng.shuffle(bent)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            look(tmp_path, PNG + b"".join(chunk(*one) for one in bent))


# ------------------------------------------------------------------ key files


@pytest.fixture(scope="module")
def stores(running_pki):
    """PKCS#12 files as several programs write them, and one PEM file."""
    pki = running_pki.pki
    key = load_pem_private_key((pki.directory / "official-ec.key.pem").read_bytes(), None)
    certificate, chain = pki.certificate("official-ec"), [pki.issuing.certificate]
    old = (
        PrivateFormat.PKCS12.encryption_builder()
        .kdf_rounds(50)
        .key_cert_algorithm(pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC)
        .hmac_hash(hashes.SHA1())
        .build(PASSWORD.encode())
    )
    new = BestAvailableEncryption(PASSWORD.encode())
    made = {
        name: pkcs12.serialize_key_and_certificates(b"k", key, certificate, chain, way)
        for name, way in {"old": old, "new": new, "open": NoEncryption()}.items()
    }
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return made, pem + certificate.public_bytes(Encoding.PEM)


async def opens(folder, data, kind="pkcs12", pin=PASSWORD):
    """The refusal's code, None for a key that can be used."""
    path = folder / "key.p12"
    path.write_bytes(data)
    try:
        await source_for(KeyConfig("k", kind, str(path))).open(pin)
    except CredentialRefused as refused:
        return refused.code
    return None


async def test_stores_of_every_age_open_with_their_password_only(tmp_path, stores):
    for name in ("old", "new"):
        assert await opens(tmp_path, stores[0][name]) is None
        for pin in ("sai", "", "mat-khau\0", "m\u1ead t", "x" * 100_000, "\ud800"):
            assert await opens(tmp_path, stores[0][name], pin=pin) == "wrong_pin", (name, pin[:9])


async def bent_stores(folder, stores, count):
    for number in range(count):
        rng = random.Random(number)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made, _ = der.mutated(rng.choice([*stores[0].values()]), rng)
            await opens(folder, made)
            body = bytearray(stores[1])
            for _ in range(3):
                body[rng.randrange(len(body))] = rng.randrange(256)
            await opens(folder, bytes(body), "pem", rng.choice(["", PASSWORD]))


async def test_a_few_bent_key_files_are_refused_by_name(tmp_path, stores):
    await bent_stores(tmp_path, stores, FEW)


@pytest.mark.long
async def test_many_bent_key_files_are_refused_by_name(tmp_path, stores):
    await bent_stores(tmp_path, stores, MANY)
