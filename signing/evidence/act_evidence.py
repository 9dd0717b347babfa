"""What one act of signing leaves to be judged by: gathered after the signed file was proved.

Owns the list of checks with their outcomes, in words. Everything listed as passed would have
stopped the act otherwise; only the revocation status may be unknown, where the operator's policy
lets it (``signing.trust``).
Leaves keeping it, and who confirmed what, to the caller. Follows TT 15/2025/TT-BKHCN art. 5.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

import msgspec
from cryptography import x509

from signing.contract import (
    ActCheck,
    ActEvidence,
    CheckOutcome,
    CredentialRefused,
    Level,
    SignOrder,
)
from signing.evidence.eligibility import TrustedChain, encoded, local_day
from signing.evidence.messages import read_message
from signing.evidence.revocation import Evidence, Status
from signing.evidence.tokens import Tokens


class Facts(msgspec.Struct, frozen=True):
    """What the signing service knows about an act that it has carried out."""

    chain: TrustedChain
    evidence: tuple[Evidence, ...]  # the signer's first, then the time-stamping authority's
    algorithm: str
    checked_at: datetime
    proved_at: datetime


def act_evidence(order: SignOrder, tokens: Tokens, facts: Facts) -> ActEvidence:
    """Gather what an act leaves.

    Args:
        order: what was done, at the level reached.
        tokens: the time-stamps in what was added; at B-B none of them is claimed to hold.
        facts: who signed, with which revocation answers, checked when.
    """
    if order.level is Level.B_B:
        tokens = Tokens((), ())
    authority = [one for token in tokens.all() for one in read_message(token).certificates]
    return ActEvidence(
        chain=facts.chain.encoded,
        authority_certificates=tuple(dict.fromkeys(authority)),
        ocsps=tuple(dict.fromkeys([o for one in facts.evidence for o in one.ocsps])),
        crls=tuple(dict.fromkeys([c for one in facts.evidence for c in one.crls])),
        timestamps=tokens.all(),
        checks=_checks(order, facts, tokens),
        algorithm=facts.algorithm,
        proven_time=tokens.proven_time(),
        time_source=tokens.time_source(),
    )


def check_binding(certificate: x509.Certificate, order: SignOrder) -> None:
    """Refuse a certificate other than those that the order names, if it names any.

    Raises:
        CredentialRefused: ``certificate_not_authorised``.
    """
    if order.bindings and not any(binding.fits(encoded(certificate)) for binding in order.bindings):
        raise CredentialRefused(
            "certificate_not_authorised",
            "Chứng thư số của khóa ký không phải chứng thư ghi trong sổ thẩm quyền.",
            "the certificate is not the one that the authority to sign names",
        )


# ------------------------------------------------------------------ checks


def _checks(order: SignOrder, facts: Facts, tokens: Tokens) -> tuple[ActCheck, ...]:
    """Every check in the order it was made."""
    mine = facts.evidence[0]
    return _listed(
        facts.chain,
        facts.checked_at.replace(microsecond=0),
        facts.proved_at.replace(microsecond=0),
        bound=bool(order.bindings),
        answers=(len(mine.ocsps), len(mine.crls)) if mine.status is Status.GOOD else None,
        stamped=len(tokens.of_signatures) - tokens.bare(),
        covered=tokens.bare() if tokens.over_all else 0,
        sealed=bool(tokens.archives) and order.level is Level.B_LTA,
    )


@lru_cache(maxsize=64)
def _listed(
    chain: TrustedChain,
    checked_at: datetime,
    proved_at: datetime,
    *,
    bound: bool,
    answers: tuple[int, int] | None,
    stamped: int,
    covered: int,
    sealed: bool,
) -> tuple[ActCheck, ...]:
    """The checks to the second; a chain's acts within one second share them."""
    passed = CheckOutcome.PASSED
    before = _before_signing(chain, bound=bound)
    after = _after_signing(stamped, covered, sealed=sealed)
    return (
        *[ActCheck(code, passed, checked_at, said) for code, said in before],
        _revocation(answers, checked_at),
        *[ActCheck(code, passed, proved_at, said) for code, said in after],
    )


def _before_signing(chain: TrustedChain, *, bound: bool) -> list[tuple[str, str]]:
    """What was checked before the key was used, in words."""
    signer, root = chain.certificates[0], _name(chain.certificates[-1])
    start, end = local_day(signer.not_valid_before_utc), local_day(signer.not_valid_after_utc)
    rows = [
        ("document_inspection", "Văn bản không có nội dung bị cấm ký."),
        ("certificate_dates", f"Chứng thư số trong thời hạn, từ {start} đến {end}."),
        ("key_usage", "Chứng thư số được cấp để ký số hoặc chống chối bỏ."),
        ("key_strength", "Khóa và thuật toán băm của chứng thư số đủ mạnh."),
        ("chain", f"Chứng thư số dẫn về chứng thư gốc tin cậy “{root}”."),
    ]
    if bound:
        rows.append(("certificate_binding", "Đúng chứng thư số ghi trong sổ thẩm quyền."))
    return rows


def _after_signing(stamped: int, covered: int, *, sealed: bool) -> list[tuple[str, str]]:
    """What was checked about the result, in words.

    Args:
        stamped: signatures with a time-stamp of their own.
        covered: signatures without one, under a later time-stamp of the document.
        sealed: whether a time-stamp of the document protects the proof.
    """
    rows = [("signature_value", "Chữ ký khớp với khóa công khai trong chứng thư số.")]
    if stamped:
        detail = f"Có dấu thời gian hợp lệ cho {stamped} chữ ký."
        rows.append(("signature_timestamp", detail))
    if covered:
        detail = f"Có dấu thời gian chung của cả tệp, hợp lệ, bao trùm {covered} chữ ký."
        rows.append(("document_timestamp", detail))
    if sealed:
        rows.append(("archive_timestamp", "Có dấu thời gian lưu trữ bao trùm toàn bộ tệp."))
    detail = "Tệp đã ký giữ nguyên văn bản đầu vào và qua bước tự kiểm tra độc lập."
    rows.append(("self_check", detail))
    return rows


def _revocation(answers: tuple[int, int] | None, at: datetime) -> ActCheck:
    """``answers``: how many OCSP answers and CRLs say good; None when the status is unknown."""
    if answers is None:
        detail = (
            "Chưa xác định được tình trạng thu hồi của chứng thư số (OCSP, CRL đều không trả lời)."
        )
        return ActCheck("revocation", CheckOutcome.WARNED, at, detail)
    ocsps, crls = answers
    detail = (
        "Chứng thư số và chứng thư của nơi cấp chưa bị thu hồi"
        f" ({ocsps} câu trả lời OCSP, {crls} CRL)."
    )
    return ActCheck("revocation", CheckOutcome.PASSED, at, detail)


def _name(certificate: x509.Certificate) -> str:
    names = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(names[0].value) if names else certificate.subject.rfc4514_string()
