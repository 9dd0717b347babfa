"""The pure tables behind validation, branch by branch."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest
from pyhanko.sign.ades.report import AdESStatus

from signing.commands.report import vietnam_time
from signing.contract import Severity, Verdict
from signing.inspection.findings import FINDINGS, finding
from signing.reading.signature_fields import Layout, byte_range_layout
from signing.validation.changes import Changes, ChangeVerdict, _fits
from signing.validation.sentences import SENTENCES
from signing.validation.trust import AlgorithmJudgement, certificate_status, judge_algorithm_names
from signing.validation.validation_data import ValidationData
from signing.validation.verdicts import decide
from tests.signing.validation.signing_kit import NOW, pki

FILE = b"AAAA<ab00>BBBB"


@pytest.mark.parametrize(
    ("spans", "contents", "layout"),
    [
        ([0, 4, 10, 4], b"\xab\x00", Layout.WHOLE_FILE),
        ([0, 4, 10], b"\xab\x00", Layout.ODD),
        ([1, 3, 10, 4], b"\xab\x00", Layout.ODD),
        ([0, 4, -1, 4], b"\xab\x00", Layout.ODD),
        ([0, 4, 2, 4], b"\xab\x00", Layout.ODD),
        ([0, 3, 11, 3], b"\xab\x00", Layout.ODD),  # a gap wider than the value
        ([0, 4, 10, 5], b"\xab\x00", Layout.RESAVED),  # beyond the end
        ([0, 4, 10, 4], b"\xcd\x00", Layout.RESAVED),  # another value in the gap
        ([0, 4, 10, 4], b"", Layout.RESAVED),
    ],
)
def test_byte_ranges_are_laid_on_the_file(spans, contents, layout):
    assert byte_range_layout(FILE, spans, contents) is layout


@pytest.mark.parametrize(
    ("tail", "layout"),
    [
        (b"\x00\n", Layout.PREFIX),
        (b"update startxref 14 %%EOF\n\x00", Layout.PREFIX),
        (b"update startxref 14 %%EOF more", Layout.LOOSE_END),
        (b"update startxref 13 %%EOF", Layout.LOOSE_END),
        (b"update startxref 14 %%EOF more startxref 14 %%EOF", Layout.LOOSE_END),
        (b"update startxref here %%EOF", Layout.LOOSE_END),
        (b"update %%EOF", Layout.LOOSE_END),
    ],
)
def test_what_follows_a_signed_revision_must_end_with_an_end_marker(tail, layout):
    assert byte_range_layout(FILE + tail, [0, 4, 10, 4], b"\xab\x00") is layout


@pytest.mark.parametrize(
    ("scheme", "digest", "key", "bits", "acceptable", "remarks"),
    [
        ("rsassa_pss", "sha256", "rsa", 2048, True, ()),
        ("rsassa_pss", "sha512", "rsassa_pss", 4096, True, ()),
        ("rsassa_pkcs1v15", "sha256", "rsa", 3072, True, ("pkcs1v15",)),
        ("rsassa_pkcs1v15", "sha1", "rsa", 2048, False, ("weak_algorithm",)),
        ("rsassa_pss", "md5", "rsa", 2048, False, ("weak_algorithm",)),
        ("rsassa_pss", "sha256", "rsa", 1024, False, ("weak_algorithm",)),
        ("ecdsa", "sha256", "ec", 256, True, ()),
        ("ecdsa", "sha3_256", "ec", 384, True, ()),
        ("ecdsa", "sha256", "ec", 192, False, ("unlisted_algorithm",)),
        ("ed25519", "sha512", "ed25519", 0, False, ("unlisted_algorithm",)),
        ("dsa", "sha256", "dsa", 2048, False, ("unlisted_algorithm",)),
    ],
)
def test_algorithms_follow_the_circulars_list(scheme, digest, key, bits, acceptable, remarks):
    judged = judge_algorithm_names(scheme, digest, key, bits)
    assert (judged.acceptable, judged.remarks) == (acceptable, remarks)
    assert digest.upper() in judged.name


@pytest.mark.parametrize(
    ("sub_indication", "shift_days", "trusted", "status"),
    [
        ("OK", 0, True, "good"),
        ("REVOKED", 0, True, "revoked"),
        ("REVOKED_NO_POE", 0, True, "revoked"),
        ("REVOKED_CA_NO_POE", 0, True, "revoked"),
        ("EXPIRED", 0, True, "expired"),
        ("NOT_YET_VALID", 0, True, "not_yet_valid"),
        ("NO_CERTIFICATE_CHAIN_FOUND", 0, True, "untrusted"),
        ("TRY_LATER", 0, True, "unknown"),
        ("TRY_LATER", 0, False, "untrusted"),
        ("OUT_OF_BOUNDS_NO_POE", 1000, True, "expired"),
        ("OUT_OF_BOUNDS_NO_POE", -1000, True, "not_yet_valid"),
        ("A_NAME_OF_THE_FUTURE", 0, True, "unknown"),
    ],
)
def test_the_engines_answers_become_certificate_states(sub_indication, shift_days, trusted, status):
    at = NOW + timedelta(days=shift_days)
    certificate = pki().signer.certificate
    assert certificate_status(sub_indication, certificate, at, trusted=trusted) == status


def learned(**changes):
    """A signature about which everything is known to be good, but for ``changes``."""
    values = {
        "integrity_failure": "",
        "changes": Changes(ChangeVerdict.ACCEPTED),
        "engine": AdESStatus.PASSED,
        "sub_indication": "OK",
        "algorithm": AlgorithmJudgement("RSASSA-PSS 2048/SHA256", acceptable=True),
        "signed_attributes": True,
        "from_future": False,
        "wrong_usage": False,
        "padding_used": False,
    }
    return SimpleNamespace(**(values | changes))


REFUSED = Changes(ChangeVerdict.REFUSED, "modified")
UNDECIDED = Changes(ChangeVerdict.UNDECIDED, "form_changed")
WEAK = AlgorithmJudgement("x", acceptable=False, remarks=("weak_algorithm",))
DOUBT = {"engine": AdESStatus.INDETERMINATE}


@pytest.mark.parametrize(
    ("changes", "status", "verdict", "sub_indication", "reason"),
    [
        ({}, "good", Verdict.VALID, None, "intact"),
        (
            {"integrity_failure": "hash_mismatch"},
            "good",
            Verdict.INVALID,
            "HASH_FAILURE",
            "hash_mismatch",
        ),
        (
            {"integrity_failure": "bad_signature_value"},
            "good",
            Verdict.INVALID,
            "SIG_CRYPTO_FAILURE",
            "bad_signature_value",
        ),
        (
            {"integrity_failure": "broken_cms"},
            "good",
            Verdict.INVALID,
            "FORMAT_FAILURE",
            "broken_cms",
        ),
        ({"changes": REFUSED}, "good", Verdict.INVALID, "FORMAT_FAILURE", "modified"),
        (
            {"engine": AdESStatus.FAILED, "sub_indication": "REVOKED"},
            "revoked",
            Verdict.INVALID,
            "REVOKED",
            "revoked",
        ),
        (
            {"engine": AdESStatus.FAILED, "sub_indication": "HASH_FAILURE"},
            "unknown",
            Verdict.INVALID,
            "HASH_FAILURE",
            "bad_signature_value",
        ),
        (
            {"changes": UNDECIDED},
            "good",
            Verdict.INDETERMINATE,
            "SIG_CONSTRAINTS_FAILURE",
            "form_changed",
        ),
        (
            {"algorithm": WEAK},
            "good",
            Verdict.INDETERMINATE,
            "CRYPTO_CONSTRAINTS_FAILURE_NO_POE",
            "weak_algorithm",
        ),
        (
            {"signed_attributes": False},
            "good",
            Verdict.INDETERMINATE,
            "SIG_CONSTRAINTS_FAILURE",
            "no_signed_attributes",
        ),
        (
            {**DOUBT, "sub_indication": "TRY_LATER"},
            "unknown",
            Verdict.INDETERMINATE,
            "TRY_LATER",
            "revocation_unknown",
        ),
        (
            {**DOUBT, "sub_indication": "NO_CERTIFICATE_CHAIN_FOUND"},
            "untrusted",
            Verdict.INDETERMINATE,
            "NO_CERTIFICATE_CHAIN_FOUND",
            "untrusted",
        ),
    ],
)
def test_the_strictest_answer_wins(changes, status, verdict, sub_indication, reason):
    outcome = decide(learned(**changes), status)
    assert (outcome.verdict, outcome.sub_indication, outcome.reason) == (
        verdict,
        sub_indication,
        reason,
    )


def test_an_invalid_reason_outweighs_every_doubt():
    outcome = decide(learned(integrity_failure="hash_mismatch", changes=UNDECIDED, **DOUBT), "good")
    assert outcome.verdict is Verdict.INVALID


def test_levels_are_named_by_what_the_file_holds():
    certificate = pki().signer.certificate

    def level(data, *, timestamped, subfilter="/ETSI.CAdES.detached"):
        return data.level_of(
            subfilter=subfilter, revision=1, timestamped=timestamped, certificate=certificate
        )

    assert level(ValidationData(), timestamped=False) == "B-B"
    assert level(ValidationData(), timestamped=True) == "B-T"
    assert level(ValidationData(archives=(3,)), timestamped=False) == "B-T"
    assert level(ValidationData(archives=(0,)), timestamped=False) == "B-B"
    assert level(ValidationData(), timestamped=True, subfilter="/adbe.pkcs7.detached") == "PKCS7-T"


def test_every_sentence_can_be_said():
    known = "size limit count reason kind names box angle level original shown name numbers what"
    details = dict.fromkeys(known.split(), "x")
    for code, (severity, _) in FINDINGS.items():
        said = finding(code, "trang 1", **details)
        assert (said.severity, said.where) == (severity, "trang 1")
        assert "{" not in said.detail
    more = details | dict.fromkeys(["moment", "fields", "words", "delta", "anchor", "pages"], "x")
    assert all("{" not in sentence.format(**more) for sentence in SENTENCES.values())
    assert {severity for severity, _ in FINDINGS.values()} == set(Severity)


@pytest.mark.parametrize(
    ("name", "pattern", "fits"),
    [
        ("SoTien", "SoTien", True),
        ("SoTien2", "SoTien", False),
        ("TraKetQua.Ngay", "TraKetQua.*", True),
        ("TraKetQua", "TraKetQua.*", False),
        ("a.Ngay.b", "*.Ngay.*", True),
        ("a.Ngay", "*.Ngay.*", False),
        ("aa", "a*a", True),
        ("a", "a*a", False),
        ("form[0].So", "form[0].*", True),
        ("form0.So", "form[0].*", False),
        ("anything", "*", True),
        ("abcabc", "*abc*abc*", True),
        ("ababc", "*abc*abc*", False),
    ],
)
def test_a_star_in_a_listed_field_stands_for_anything(name, pattern, fits):
    assert _fits(name, pattern) is fits


def test_times_are_written_in_vietnam_time():
    assert vietnam_time(None) is None
    assert vietnam_time(NOW).endswith("+07:00")
