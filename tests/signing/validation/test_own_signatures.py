"""What our own signing service makes, judged by our own validation with the same roots."""

from __future__ import annotations

from datetime import UTC, datetime

from signing.attestation import attest_pdf
from signing.commands.report import validation_as_json
from signing.contract import Attestation, DocumentNumber, Level, Role, SignOrder, Verdict
from signing.validation import validate_pdf
from tests.signing.decision import decision


async def _sign(service, pdf, credential, role, **more):
    return (await service.sign(SignOrder(pdf, credential, role, Level.B_LTA, **more))).pdf


def judge(pdf, server):
    return validate_pdf(pdf, server.signer_config().roots, datetime.now(UTC))


async def test_person_then_agency_is_valid_and_told_in_order(service, server):
    number = DocumentNumber(5, "QĐ-UBND", "2026-11-21")
    signed = await _sign(service, decision(), "official-ec", Role.PERSON)
    issued = await _sign(service, signed, "agency", Role.AGENCY, document_number=number)
    validation = judge(issued, server)
    assert validation.verdict is Verdict.VALID, validation_as_json(validation)
    acts = [s for s in validation.signatures if s.level is not None]
    assert {s.level for s in acts} == {"B-LTA"}
    assert len(acts) == 5
    assert any("thêm 4 chữ ký" in told for told in acts[0].changes_after_signing)


async def test_a_certified_copy_carries_two_valid_signatures(service, server):
    copy = attest_pdf(
        decision(),
        Attestation(
            heading="CHỨNG THỰC BẢN SAO ĐÚNG VỚI BẢN CHÍNH",
            lines=("Số chứng thực: 01 Quyển số: 01/2026 - SCT/BS",),
            signer_title="Phó Chủ tịch",
            signer_name="Trần Thị Thử",
            qr_payload="https://motcua.example/v/8fK2mZ0xqT5uYb7LrW3sVe",
            agency_name="Uỷ ban nhân dân phường Mẫu",
        ),
    )
    certified = await _sign(
        service, copy.pdf, "official-ec", Role.CERTIFIER, placement=copy.certifier
    )
    sealed = await _sign(service, certified, "agency", Role.AGENCY, placement=copy.agency)
    validation = judge(sealed, server)
    assert validation.verdict is Verdict.VALID, validation_as_json(validation)
    assert sealed.startswith(decision())
