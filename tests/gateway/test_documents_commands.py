"""``motcua authorities import`` and ``motcua audit verify``, as an operator runs them."""

from __future__ import annotations

import asyncio
from datetime import date

import pytest
import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.certification.store import certification_files, certifications
from gateway.cli import main
from gateway.distrusting import certificate_named
from gateway.documents.authority import store as authority_store
from gateway.documents.evidence import store as evidence_store
from gateway.documents.evidence.log import append
from gateway.documents.revocation import store as revocation_store
from gateway.documents_commands import wanted_authorities
from gateway.foundation.clock import FakeClock
from gateway.foundation.database import Database
from gateway.settings import Settings, load
from gateway.signing_settings import SigningKey, SigningSection
from gateway.webhooks.outbox import events

_KEYS = """
[signing.keys.a]
holder = "official:nguyen.van.a"
title = "Chủ tịch"

[signing.keys.b]
holder = "official:tran.thi.b"
title = "Công chứng viên"
certifies = ["H55.13"]

[signing.keys.dau]
holder = "agency:H55.12"
clerks = ["official:van.thu"]
"""


@pytest.fixture
def config(tmp_path, capsys):
    """A configuration with three keys and a database of its own."""
    path = tmp_path / "gateway.toml"
    place = f'[database]\nurl = "sqlite:///{tmp_path}/motcua.db"\nmigrate = false\n'
    path.write_text(f'{place}[files]\nurl = "{tmp_path}/files"\n{_KEYS}', "utf-8")
    assert main(["migrate", "--config", str(path)]) == 0
    capsys.readouterr()
    return path


def work(config, unit):
    """Run a unit on the configured database."""

    async def run():
        database = Database(load(config).database.url)
        try:
            return await database.write(unit)
        finally:
            await database.close()

    return asyncio.run(run())


IMPORT = ["authorities", "import", "--portal", "cong-dvc", "--decision", "12/QĐ-UBND",
          "--decision-date", "2025-12-30", "--from", "2026-01-01"]  # fmt: skip


def mandates(config):
    return work(config, lambda c: authority_store.mandates(c, "cong-dvc/test"))


def test_the_register_begins_with_what_the_configuration_says(config, capsys):
    """Holders and clerks get rows with the decision named; a second run enters nothing."""
    command = [*IMPORT, "--config", str(config), "--capacity", "none", "--capacity", "TM."]
    assert main(command) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3
    found = {(m.official, m.agency_code, m.role, m.capacities, m.title) for m in mandates(config)}
    assert found == {
        ("official:nguyen.van.a", "H55.12", "person", (None, "TM."), "Chủ tịch"),
        ("official:tran.thi.b", "H55.13", "person", (None, "TM."), "Công chứng viên"),
        ("official:van.thu", "H55.12", "agency", (None,), None),
    }
    assert {m.basis for m in mandates(config)} == {"12/QĐ-UBND ngày 30.12.2025"}
    assert main(command) == 0
    assert capsys.readouterr().out == ""
    assert len(mandates(config)) == 3


def test_officials_without_an_agency_get_no_row():
    """Nothing is configured to sign for, so there is nothing to enter."""
    settings = Settings(signing=SigningSection(keys={"a": SigningKey(holder="official:a")}))
    assert wanted_authorities(settings, ("1/QĐ", date(2026, 1, 1)), date(2026, 1, 1), [None]) == []


def test_an_intact_log_says_where_it_ends(config, capsys):
    """A line a tenant, in the form that ``--head`` takes back."""
    assert main(["audit", "verify", "--config", str(config)]) == 0
    assert capsys.readouterr().out == ""
    clock = FakeClock()
    for _ in range(2):
        work(config, lambda c: append(c, "cong-dvc/test", {"kind": "drill"}, clock.now()))
    assert main(["audit", "verify", "--config", str(config)]) == 0
    line = capsys.readouterr().out
    head = work(config, lambda c: evidence_store.head_of(c, "cong-dvc/test"))
    assert line == f"nguyên vẹn / intact cong-dvc/test:2:{head.sha256}\n"
    noted = line.split()[-1]
    assert main(["audit", "verify", "--config", str(config), "--head", noted]) == 0
    capsys.readouterr()


def test_a_broken_log_is_told_and_fails_the_command(config, capsys):
    """The first break with its number; a wrong ``--head`` is a wrong command."""
    clock = FakeClock()
    for _ in range(2):
        work(config, lambda c: append(c, "cong-dvc/test", {"kind": "drill"}, clock.now()))
    table = evidence_store.evidence_records
    work(
        config,
        lambda c: (
            c.execute(table.update().where(table.c.number == 2).values(content="{}")) and None
        ),
    )
    assert main(["audit", "verify", "--config", str(config)]) == 1
    said = capsys.readouterr()
    assert said.out.startswith("ĐỨT / BROKEN cong-dvc/test:1:")
    assert "cong-dvc/test số 2: nội dung đã bị sửa" in said.err
    assert main(["audit", "verify", "--config", str(config), "--head", "x"]) == 2
    noted = f"cong-dvc/test:1:{'0' * 64}"
    assert main(["audit", "verify", "--config", str(config), "--head", noted]) == 1
    assert "số 1: khác với đầu chuỗi" in capsys.readouterr().err


def test_a_renewed_copy_without_a_record_is_told(config, capsys):
    """Also where the portal's whole chain is gone; what was issued needs no extension's record."""
    at = FakeClock().now()

    def unit(connection):
        filled = {column.name: 1 for column in certifications.columns if not column.nullable}
        own = {"id": "cer_1", "tenant": "so-tp/test", "status": "issued", "created_at": at}
        texts = {"original": {}, "kind": "k", "token": "t"}
        connection.execute(certifications.insert().values(**filled | texts | own))
        for size in (100, 200):
            file = {"certification_id": "cer_1", "sha256": f"{size:064d}", "size": size}
            more = {"signature_fields": [], "created_at": at}
            connection.execute(certification_files.insert().values(**file | more))

    work(config, unit)
    assert main(["audit", "verify", "--config", str(config)]) == 1
    assert "lần gia hạn thứ 1 của bản sao chứng thực cer_1" in capsys.readouterr().err
    record = {
        "kind": "extension",
        "document": {"id": "cer_1"},
        "extension": {"result_sha256": f"{200:064d}"},
    }
    work(config, lambda c: append(c, "so-tp/test", record, at))
    assert main(["audit", "verify", "--config", str(config)]) == 0
    capsys.readouterr()


def test_a_database_of_another_schema_is_refused_in_words(tmp_path, capsys):
    """Not a traceback: what is there and what to do."""
    path = tmp_path / "gateway.toml"
    path.write_text(f'[database]\nurl = "sqlite:///{tmp_path}/x.db"\nmigrate = false\n', "utf-8")
    for command in (["audit", "verify"], IMPORT):
        assert main([*command, "--config", str(path)]) == 2
        assert "motcua migrate" in capsys.readouterr().err


# ------------------------------------------------------------------ motcua distrust

TSA = "ab" * 32


def stamped(config, *tenants):
    """These portals keep something with a time-stamp of the authority."""

    def unit(connection):
        for tenant in tenants:
            record = {
                "kind": "extension",
                "document": {"id": f"doc_{tenant[:3]}"},
                "extension": {"extended_at": "2026-11-02T02:00:00Z", "result_sha256": "0" * 64},
                "files": [{"what": "authority_certificate", "sha256": TSA}],
            }
            append(connection, tenant, record, FakeClock().now())

    work(config, unit)


def said(config, tenant):
    rows = work(config, lambda c: revocation_store.decisions(c, tenant, TSA))
    return [(row.source, row.revoked_at is not None, row.cause, row.reason) for row in rows]


DISTRUST = ["distrust", TSA, "--reason", "Công văn 9 của nơi cấp"]


def test_a_certificate_is_distrusted_in_every_portal_at_once(config, capsys):
    """A word, a record and an event in each; again it is no news; taken back in each."""
    stamped(config, "cong-dvc/test", "khac/test")
    command = [*DISTRUST, "--config", str(config)]
    when = ["--revoked-at", "2026-11-02T10:00:00+07:00", "--cause", "keyCompromise"]
    assert main([*command, *when]) == 0
    assert capsys.readouterr().out.count("đã ghi") == 2
    word = ("gateway", True, "keyCompromise", "Công văn 9 của nơi cấp")
    assert [said(config, t) for t in ("cong-dvc/test", "khac/test")] == [[word]] * 2
    told = work(config, lambda c: c.execute(sa.select(events.c.tenant, events.c.type)).all())
    assert sorted(told) == [(t, "certificate.revoked") for t in ("cong-dvc/test", "khac/test")]
    assert main([*command, *when]) == 0
    assert capsys.readouterr().out.count("đã có từ trước") == 2
    assert main([*command, "--withdraw"]) == 0
    assert [row[:2] for row in said(config, "khac/test")] == [("gateway", True), ("gateway", False)]


def test_a_certificate_nobody_knows_is_distrusted_nowhere(config, capsys):
    """And what is no certificate, no moment or no reason is said."""
    assert main([*DISTRUST, "--config", str(config)]) == 1
    assert "no portal is concerned" in capsys.readouterr().err
    assert main(["distrust", "missing.pem", *DISTRUST[2:], "--config", str(config)]) == 2
    stamped(config, "cong-dvc/test")
    later = ["--revoked-at", "2999-01-01T00:00:00Z"]
    assert main([*DISTRUST, *later, "--config", str(config)]) == 1
    assert "tương lai" in capsys.readouterr().err
    for wrong in (["--revoked-at", "2026-11-02"], ["--reason", "ngắn"]):
        with pytest.raises(SystemExit):
            main([*DISTRUST, *wrong, "--config", str(config)])
    assert said(config, "cong-dvc/test") == []


def test_a_certificate_is_named_by_its_file(config, tmp_path):
    """PEM or DER, as its issuer publishes it."""
    from tests.gateway.documents.test_revoked_authorities import FIRST  # noqa: PLC0415 - makes keys

    certificate = x509.load_der_x509_certificate(FIRST)
    digest = certificate.fingerprint(hashes.SHA256()).hex()
    for name, encoding in (("tsa.cer", Encoding.DER), ("tsa.pem", Encoding.PEM)):
        file = tmp_path / name
        file.write_bytes(certificate.public_bytes(encoding))
        assert certificate_named(str(file)) == digest
    assert certificate_named(digest.upper()) == digest
