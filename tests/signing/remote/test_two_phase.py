"""An act in two halves: the official confirms days and restarts later, in another process."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import pickle
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from signing.contract import (
    CertificateBinding,
    CredentialRefused,
    DocumentNumber,
    DocumentRefused,
    Level,
    Prepared,
    RemoteSignatures,
    RemoteState,
    Role,
    SignedPdf,
    SigningUnavailable,
    Told,
)
from signing.devpki.authority import SEAL_MM
from tests.signing import oracles
from tests.signing.remote.conftest import item_of, order


async def confirmed(simulator, service, prepared, reference="ref-1"):
    """Send, let the official confirm, fetch the signature."""
    ticket = await service.start("smartca", reference, (item_of(prepared),))
    assert ticket.state is RemoteState.WAITING_USER
    simulator.confirm("official-rsa")
    ticket = await service.ask(ticket)
    assert ticket.state is RemoteState.DONE
    return ticket.signatures["doc-1"]


@pytest.mark.oracle
async def test_three_days_and_two_restarts_later(
    fresh_service, later, server, smartca, decision_pdf, tmp_path
):
    """Everything that is kept is bytes; each step is made by a service that knows nothing."""
    key = smartca.key_config()
    started = order(decision_pdf, level=Level.B_LTA, role=Role.PERSON)
    kept = pickle.dumps(await fresh_service(key).prepare(started))
    prepared = pickle.loads(kept)
    assert prepared.pdf.startswith(decision_pdf)
    assert server.calls.tsa == 0
    ticket = await fresh_service(key).start("smartca", "ref-1", (item_of(prepared),))
    kept_ticket = pickle.dumps(ticket)
    smartca.confirm("official-rsa")
    later.later = timedelta(days=3)
    server.pki.clock = later
    ticket = await fresh_service(key).ask(pickle.loads(kept_ticket))
    signed = await fresh_service(key).finish(pickle.loads(kept), ticket.signatures["doc-1"])
    assert isinstance(signed, SignedPdf)
    assert signed.level is Level.B_LTA
    assert later.now() - signed.signed_at > timedelta(days=2, hours=23)
    path = tmp_path / "signed.pdf"
    path.write_bytes(signed.pdf)
    assert (signed.field_names[0], "Signature is Valid.") in oracles.pdfsig_verdicts(path)[0]
    assert oracles.qpdf_accepts(path)


@pytest.mark.oracle
@pytest.mark.parametrize("level", list(Level))
async def test_every_level_is_finished(
    fresh_service, server, smartca, decision_pdf, tmp_path, level
):
    """As strong as a signature made in one call; programs that are not ours agree."""
    service = fresh_service(smartca.key_config())
    assert isinstance(service, RemoteSignatures)
    prepared = await service.prepare(order(decision_pdf, level=level))
    signed = await service.finish(prepared, await confirmed(smartca, service, prepared))
    assert signed.level is level
    assert oracles.openssl_accepts(signed.pdf, server.pki.root_pem, tmp_path)
    if level is Level.B_LTA:
        root = server.pki.root_pem
        verdicts = await asyncio.to_thread(oracles.lta_verdicts, signed.pdf, root)
        assert verdicts == [oracles.AdESPassed.OK]


@pytest.mark.oracle
async def test_the_clerks_four_signatures_come_one_after_the_other(
    fresh_service, server, smartca, decision_pdf, tmp_path
):
    """Each part signs over the one before it; the last gives the file, proven as asked."""
    key = dataclasses.replace(
        smartca.key_config(),
        image_path=str(server.pki.directory / "agency.png"),
        image_width_mm=SEAL_MM,
        image_height_mm=SEAL_MM,
    )
    act = order(
        decision_pdf,
        level=Level.B_LTA,
        role=Role.AGENCY,
        document_number=DocumentNumber(12, "QĐ-UBND", "2026-11-25"),
    )
    step = await fresh_service(key).prepare(act)
    for part in range(1, 5):
        assert isinstance(step, Prepared)
        assert (step.part, step.parts) == (part, 4)
        service = fresh_service(key)
        signature = await confirmed(smartca, service, step, f"ref-{part}")
        step = await service.finish(step, signature)
    assert isinstance(step, SignedPdf)
    assert [name.rstrip("1") for name in step.field_names] == ["Number", "Day", "Month", "Seal"]
    path = tmp_path / "signed.pdf"
    path.write_bytes(step.pdf)
    verdicts = [text for name, text in oracles.pdfsig_verdicts(path)[0] if "Archive" not in name]
    assert verdicts == ["Signature is Valid."] * 4
    assert oracles.openssl_accepts(step.pdf, server.pki.root_pem, tmp_path)
    assert smartca.calls.start == 4


async def test_a_wrong_signature_is_never_embedded(fresh_service, smartca, decision_pdf):
    """It does not verify with the certificate over our own digest."""
    service = fresh_service(smartca.key_config())
    prepared = await service.prepare(order(decision_pdf))
    smartca.faults.wrong_signature = True
    signature = await confirmed(smartca, service, prepared)
    for bad in (signature, b"", signature[:-1], bytes(256)):
        with pytest.raises(CredentialRefused) as refused:
            await service.finish(prepared, bad)
        assert refused.value.code == "bad_signature"


async def test_another_documents_signature_is_refused(fresh_service, smartca, decision_pdf):
    """Two acts that wait at the same time cannot be mixed up."""
    service = fresh_service(smartca.key_config())
    one = await service.prepare(order(decision_pdf))
    other = await service.prepare(order(decision_pdf, reason="Khác"))
    signature = await confirmed(smartca, service, one)
    with pytest.raises(CredentialRefused) as refused:
        await service.finish(other, signature)
    assert refused.value.code == "bad_signature"


async def test_revoked_in_between_is_refused(fresh_service, server, smartca, decision_pdf, later):
    """The official confirmed in time, the certificate did not last."""
    key = smartca.key_config()
    service = fresh_service(key)
    prepared = await service.prepare(order(decision_pdf, level=Level.B_LT))
    signature = await confirmed(smartca, service, prepared)
    server.revoke(server.pki.certificate("official-rsa").serial_number)
    with pytest.raises(CredentialRefused) as refused:
        await fresh_service(key).finish(prepared, signature)
    assert refused.value.code == "certificate_revoked"
    assert "thu hồi" in refused.value.message_vi


async def test_expired_in_between_is_refused(fresh_service, smartca, decision_pdf, later):
    """Years later the certificate is no longer valid."""
    key = smartca.key_config()
    service = fresh_service(key)
    prepared = await service.prepare(order(decision_pdf))
    signature = await confirmed(smartca, service, prepared)
    later.later = timedelta(days=4 * 365)
    with pytest.raises(CredentialRefused) as refused:
        await fresh_service(key).finish(prepared, signature)
    assert refused.value.code == "certificate_expired"


async def test_what_was_proven_is_left_as_evidence(fresh_service, smartca, decision_pdf):
    """Chain, revocation answers, time-stamps and checks, as of an act made in one call."""
    service = fresh_service(smartca.key_config())
    prepared = await service.prepare(order(decision_pdf, level=Level.B_LTA))
    signed = await service.finish(prepared, await confirmed(smartca, service, prepared))
    left = signed.evidence
    assert left.chain[0] == signed.certificate
    assert (len(left.chain), len(left.timestamps)) == (3, 2)
    assert left.ocsps or left.crls
    assert left.algorithm == "RSASSA-PKCS1-v1_5 SHA-256"
    assert not left.warnings
    assert {"revocation", "self_check", "archive_timestamp"} <= {one.code for one in left.checks}


async def test_an_unknown_revocation_status_follows_the_policy(
    fresh_service, server, smartca, decision_pdf
):
    """Refused, or lower with a warning; what counts is the answer when the signature is there."""
    key = smartca.key_config()
    lenient = fresh_service(key, revocation_unknown="warn")
    prepared = await lenient.prepare(order(decision_pdf, level=Level.B_LTA))
    signature = await confirmed(smartca, lenient, prepared)
    server.faults.ocsp_down = server.faults.crl_down = True
    strict = fresh_service(key)
    for work in (strict.prepare(order(decision_pdf, level=Level.B_LTA)),
                 strict.finish(prepared, signature)):  # fmt: skip
        with pytest.raises(SigningUnavailable) as refused:
            await work
        assert refused.value.code == "revocation_unavailable"
    lenient = fresh_service(key, revocation_unknown="warn")
    signed = await lenient.finish(prepared, signature)
    assert signed.level is Level.B_T
    assert signed.evidence.warnings
    server.faults.ocsp_down = server.faults.crl_down = False
    whole = await fresh_service(key).finish(prepared, signature)
    assert whole.level is Level.B_LTA


async def test_an_authority_that_names_a_certificate_holds(
    fresh_service, server, smartca, decision_pdf
):
    """Checked before anything is sent, with the certificate the provider says."""
    service = fresh_service(smartca.key_config())
    own = server.pki.certificate("official-rsa").public_bytes(Encoding.DER)
    right = CertificateBinding(sha256=hashlib.sha256(own).hexdigest())
    prepared = await service.prepare(order(decision_pdf, bindings=(right,)))
    assert await service.finish(prepared, await confirmed(smartca, service, prepared))
    with pytest.raises(CredentialRefused) as refused:
        await service.prepare(order(decision_pdf, bindings=(CertificateBinding(sha256="0" * 64),)))
    assert refused.value.code == "certificate_not_authorised"


async def test_time_stamps_that_fail_cost_no_second_confirmation(
    fresh_service, server, smartca, decision_pdf
):
    """The same signature is finished when the authority is back."""
    service = fresh_service(smartca.key_config())
    prepared = await service.prepare(order(decision_pdf, level=Level.B_T))
    signature = await confirmed(smartca, service, prepared)
    server.faults.tsa_down = True
    with pytest.raises(SigningUnavailable):
        await service.finish(prepared, signature)
    server.faults.tsa_down = False
    assert (await service.finish(prepared, signature)).level is Level.B_T
    assert smartca.calls.start == 1


def changes(prepared):
    """Everything that could be changed while it lies in a database."""
    state, pdf = bytearray(prepared.state), bytearray(prepared.pdf)
    for place in (0, 5, 40, len(state) - 1):
        spoilt = bytearray(state)
        spoilt[place] ^= 1
        yield dataclasses.replace(prepared, state=bytes(spoilt))
    yield dataclasses.replace(prepared, state=prepared.state[:-1])
    yield dataclasses.replace(prepared, state=b"")
    pdf[100] ^= 1
    yield dataclasses.replace(prepared, pdf=bytes(pdf))
    yield dataclasses.replace(prepared, pdf=prepared.pdf + b" ")
    yield dataclasses.replace(prepared, to_be_signed=prepared.to_be_signed + b"\0")


async def test_what_was_changed_in_between_is_refused(fresh_service, smartca, decision_pdf):
    """File, state and what was signed belong together, under a seal."""
    service = fresh_service(smartca.key_config())
    prepared = await service.prepare(order(decision_pdf))
    signature = await confirmed(smartca, service, prepared)
    for spoilt in changes(prepared):
        with pytest.raises(DocumentRefused) as refused:
            await service.finish(spoilt, signature)
        assert refused.value.code == "prepared_changed"
    foreign = dataclasses.replace(prepared, state=prepared.state)
    other_house = fresh_service(smartca.key_config())
    other_house._config = dataclasses.replace(other_house._config, state_secrets=(b"x" * 32,))
    with pytest.raises(DocumentRefused):
        await other_house.finish(foreign, signature)
    assert await service.finish(prepared, signature)


async def test_a_new_sealing_secret_opens_what_the_old_one_sealed(
    fresh_service, smartca, decision_pdf
):
    """The operator changes the master key while an official thinks it over."""
    service = fresh_service(smartca.key_config())
    prepared = await service.prepare(order(decision_pdf))
    signature = await confirmed(smartca, service, prepared)
    service._config = dataclasses.replace(
        service._config, state_secrets=(b"new" * 11, *service._config.state_secrets)
    )
    assert await service.finish(prepared, signature)


@pytest.mark.parametrize(
    ("pdf", "code"), [(b"not a pdf", "not_a_pdf"), (b"%PDF-1.7 nothing", "unreadable")]
)
async def test_documents_are_refused_before_anything_is_sent(fresh_service, smartca, pdf, code):
    """The same checks as for a signature in one call."""
    with pytest.raises(DocumentRefused) as refused:
        await fresh_service(smartca.key_config()).prepare(order(pdf))
    assert refused.value.code == code
    assert smartca.calls.start == 0


async def test_signers_are_refused_before_anything_is_sent(
    fresh_service, server, smartca, decision_pdf
):
    """Revoked, untrusted, PKCS#1 v1.5 without the exception, and keys that sign here."""
    serial = server.pki.certificate("official-rsa").serial_number

    async def code(*keys, name="smartca", **changes):
        with pytest.raises(CredentialRefused) as refused:
            await fresh_service(*keys, **changes).prepare(order(decision_pdf, name))
        return refused.value.code

    key = smartca.key_config()
    assert await code(key, name="nobody") == "unknown_credential"
    assert await code(key, roots=()) == "untrusted_certificate"
    assert await code(smartca.key_config(allow_pkcs1v15=False)) == "pkcs1v15_not_allowed"
    (file_key, *_) = server.signer_config().keys
    assert await code(file_key, name=file_key.name) == "not_confirmed_elsewhere"
    server.revoke(serial)
    assert await code(key) == "certificate_revoked"
    assert smartca.calls.start == 0


async def test_a_key_confirmed_elsewhere_does_not_sign_here(fresh_service, smartca, decision_pdf):
    """One call cannot sign; the key is listed as what it is."""
    service = fresh_service(smartca.key_config())
    with pytest.raises(CredentialRefused) as refused:
        await service.sign(order(decision_pdf))
    assert refused.value.code == "confirmed_elsewhere"
    (listed,) = await service.credentials()
    assert listed.confirmation.value == "elsewhere"


async def test_a_callback_is_a_hint(fresh_service, smartca, decision_pdf):
    """SmartCA's webhook proves nothing: it says that it is time to ask."""
    service = fresh_service(smartca.key_config())
    prepared = await service.prepare(order(decision_pdf))
    await confirmed(smartca, service, prepared)
    told = await service.read_callback("smartca", {}, smartca.webhook("ref-1"))
    assert isinstance(told, Told)
    assert (told.reference, told.state, told.signatures) == ("ref-1", RemoteState.UNKNOWN, {})
    with pytest.raises(CredentialRefused) as refused:
        await service.read_callback("smartca", {}, b"{}")
    assert refused.value.code == "callback_refused"
