"""The ZIP for an inspector, made by the product's own signing service, read by other programs."""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile

import aiohttp
import pypdfium2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from reportlab.pdfbase import pdfmetrics

from gateway.documents.evidence.certificates import masked, read_certificate
from gateway.documents.evidence.chain import link_sha256
from tests.gateway.documents.desk import CLERK, LEADER, Desk
from tests.signing import oracles
from tests.support.edge import make_edge, portal, serve

PIN = "phat-trien"


@pytest.fixture
async def world(sqlite, clock, tmp_path, real_signatures):
    """A desk with real keys, and a way to fetch bytes as a portal."""
    desk = Desk.make(sqlite, clock, tmp_path, real_signatures)
    edge = make_edge(sqlite, clock)
    server = await serve(edge, desk.routes())
    async with aiohttp.ClientSession() as session:
        caller = await portal(edge, server, session)

        async def fetch(path):
            headers = {"Authorization": f"Bearer {caller.secret}"}
            async with session.get(caller.base + path, headers=headers) as response:
                assert response.status == 200, await response.text()
                return await response.read()

        yield desk, fetch
    await server.close()


async def bundle_of(fetch, document):
    return zipfile.ZipFile(io.BytesIO(await fetch(f"/v1/documents/{document.id}/evidence")))


async def signed(desk):
    await desk.enter(LEADER, capacities=("KT.",), title="Chủ tịch")
    await desk.enter(CLERK, "agency")
    document = await desk.document()
    request = await desk.open(document)
    await desk.sign(request, LEADER, PIN, seen_sha256=document.sha256)
    done = await desk.sign(request, CLERK)
    return document, done


def report_text(bundle):
    pdf = pypdfium2.PdfDocument(bundle.read("report.pdf"))
    text = "\n".join(page.get_textpage().get_text_range() for page in pdf)
    pages = len(pdf)
    pdf.close()
    return " ".join(text.split()), pages


async def test_an_inspector_finds_everything_and_can_check_it(world, running_pki, tmp_path):
    """Hashes, certificates, OCSP, CRL and time-stamps as received; the records and their chain."""
    desk, fetch = world
    other = await desk.document()  # somebody else's acts stand in the same chain
    await desk.sign(await desk.open(other, number=None), LEADER, PIN)
    document, done = await signed(desk)
    bundle = await bundle_of(fetch, document)
    manifest = json.loads(bundle.read("manifest.json"))
    assert manifest["missing"] == []
    assert manifest["revisions"][0]["sha256"] == document.sha256
    assert manifest["revisions"][-1]["sha256"] == done.current_sha256
    assert json.loads(bundle.read("validation.json"))["verdict"] == "valid"

    records = json.loads(bundle.read("records.json"))
    _check_chain(bundle, records)
    assert [r["number"] for r in records["records"]] == [2, 3]
    assert [link["number"] for link in records["links"]] == [2, 3]
    assert other.id not in bundle.read("records.json").decode()

    names = bundle.namelist()
    roots = x509.load_pem_x509_certificate(running_pki.pki.root_pem)
    pems = [bundle.read(n) for n in names if n.endswith(".pem")]
    assert roots in [x509.load_pem_x509_certificate(p) for p in pems]
    for folder, ending in (("ocsp", ".der"), ("crl", ".crl"), ("timestamps", ".tst")):
        found = [n for n in names if n.startswith(f"{folder}/")]
        assert found
        for name in found:
            assert name == f"{folder}/{hashlib.sha256(bundle.read(name)).hexdigest()}{ending}"
    assert all(
        ocsp.load_der_ocsp_response(bundle.read(n)).certificate_status is ocsp.OCSPCertStatus.GOOD
        for n in names
        if n.startswith("ocsp/")
    )
    content = records["records"][0]["content"]
    assert content["confirmation"]["shown_sha256"] == document.sha256
    assert content["authority"]["decision_number"] == "12/QĐ-UBND"
    assert PIN not in bundle.read("records.json").decode()


def _check_chain(bundle, records):
    """What the bundle's own text tells an inspector to do."""
    previous = None
    for link in records["links"]:
        own = {k: link[k] for k in ("tenant", "number", "previous_sha256", "content_sha256")}
        assert link_sha256(own) == link["sha256"]
        text = json.dumps(own, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert hashlib.sha256(text.encode()).hexdigest() == link["sha256"]
        assert previous in (None, link["previous_sha256"])
        previous = link["sha256"]
    assert records["head"] == {
        "number": records["links"][-1]["number"], "sha256": previous,
    }  # fmt: skip
    sums = {link["number"]: link["content_sha256"] for link in records["links"]}
    for record in records["records"]:
        raw = bundle.read(record["file"])
        assert hashlib.sha256(raw).hexdigest() == sums[record["number"]]
        assert json.loads(raw) == record["content"]


@pytest.mark.oracle
async def test_openssl_reads_what_the_report_says_it_reads(world, running_pki, tmp_path):
    """The commands printed in the report work on the files in the bundle."""
    oracles.need("openssl")
    desk, fetch = world
    document, _ = await signed(desk)
    bundle = await bundle_of(fetch, document)
    bundle.extractall(tmp_path)
    text, _ = report_text(bundle)
    commands = dict(re.findall(r"openssl (x509|ocsp|crl|ts) ([^.;]*?…\.\w+[^.;]*)\.", text))
    assert set(commands) == {"x509", "ocsp", "crl", "ts"}
    for tool, options in commands.items():
        folder, ending = re.search(r"(\w+)/….(\w+)", options).groups()
        for path in sorted((tmp_path / folder).glob(f"*.{ending}")):
            words = [path if "…" in word else word for word in options.split()]
            assert oracles.run("openssl", tool, *map(str, words))
    root = tmp_path / "root.pem"
    root.write_bytes(running_pki.pki.root_pem)
    chain = [str(p) for p in (tmp_path / "certificates").glob("*.pem")]
    for path in (tmp_path / "certificates").glob("*.cer"):
        pem = tmp_path / "one.pem"
        pem.write_bytes(
            x509.load_der_x509_certificate(path.read_bytes()).public_bytes(Encoding.PEM)
        )
        untrusted = [word for name in chain for word in ("-untrusted", name)]
        shown = oracles.run("openssl", "verify", "-CAfile", str(root), *untrusted, str(pem))
        assert "OK" in shown


async def test_the_report_tells_it_in_vietnamese(world):
    """Verdict, persons, decision, hashes, checks, chain; no glyph is missing."""
    desk, fetch = world
    document, done = await signed(desk)
    bundle = await bundle_of(fetch, document)
    text, pages = report_text(bundle)
    assert pages >= 2
    solid = text.replace(" ", "")
    for words in (
        "BÁO CÁO BẰNG CHỨNG KÝ SỐ", "HỢP LỆ", "Nguyễn Văn Mẫu", LEADER, CLERK, "KT. Chủ tịch",
        "12/QĐ-UBND ngày 30.12.2025", document.sha256, done.current_sha256,
        "Chứng thư số và chứng thư của nơi cấp chưa bị thu hồi", "Đầu chuỗi khi lập",
        "openssl ts -reply",
    ):  # fmt: skip
        assert words.replace(" ", "") in solid, words
    assert PIN not in text
    known = pdfmetrics.getFont("MotcuaEvidence").face.charToGlyph
    assert {c for c in text if c.isprintable() and c != " " and ord(c) not in known} == set()


async def test_the_bundle_shows_what_the_store_has_lost(world, tmp_path):
    """A changed file is named; its true bytes are given only as the document itself holds them."""
    desk, fetch = world
    document, _ = await signed(desk)
    before = await bundle_of(fetch, document)
    name = next(n for n in before.namelist() if n.startswith("ocsp/"))
    digest = name.removeprefix("ocsp/").removesuffix(".der")
    path = tmp_path / "files" / digest[:2] / digest[2:4] / digest
    path.write_bytes(b"changed")
    after = await bundle_of(fetch, document)
    assert hashlib.sha256(after.read(name)).hexdigest() == digest
    missing = json.loads(after.read("manifest.json"))["missing"]
    assert {(m["what"], m["sha256"]) for m in missing} == {("ocsp", digest)}


async def test_an_unsigned_document_has_a_bundle_too(world):
    """Nothing was recorded, and the report says so."""
    desk, fetch = world
    document = await desk.document()
    bundle = await bundle_of(fetch, document)
    text, _ = report_text(bundle)
    assert "không có bản ghi nào" in text
    assert json.loads(bundle.read("records.json"))["records"] == []


# ------------------------------------------------------------------ numbers are nobody's business


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("CCCD:001088012345", "CCCD:•••••••••345"),
        ("MST:0101234567-001", "MST:••••••••••001"),
        ("MST:0101234567", "MST:•••••••567"),
        ("CMND 012 345 678", "CMND ••••••678"),
        ("Phòng 12, quyết định 2026", "Phòng 12, quyết định 2026"),
    ],
)
def test_identity_and_tax_numbers_show_three_digits(text, shown):
    """However they are grouped; years and room numbers stay readable."""
    assert masked(text) == shown


def test_a_certificates_own_numbers_are_masked(running_pki):
    """Vietnamese certificates carry CCCD and MST in serialNumber and UID."""
    names = [
        x509.NameAttribute(x509.NameOID.COMMON_NAME, "Nguyễn Văn Mẫu"),
        x509.NameAttribute(x509.NameOID.SERIAL_NUMBER, "CCCD:001088012345"),
        x509.NameAttribute(x509.NameOID.USER_ID, "MST:0101234567"),
    ]
    issuer = running_pki.pki.issuing
    template = running_pki.pki.certificate("official-ec")
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name(names))
        .issuer_name(issuer.certificate.subject)
        .public_key(template.public_key())
        .serial_number(0x5A0B)
        .not_valid_before(template.not_valid_before_utc)
        .not_valid_after(template.not_valid_after_utc)
        .sign(issuer.key, template.signature_hash_algorithm)
    )
    facts = read_certificate(certificate.public_bytes(Encoding.DER))
    assert facts.subject == "Nguyễn Văn Mẫu, số CCCD:•••••••••345, mã MST:•••••••567"
    assert facts.serial == "5a0b"
    assert read_certificate(b"no certificate") is None
