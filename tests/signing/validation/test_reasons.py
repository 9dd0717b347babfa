"""Every reason a verdict may have is in the list, with a Vietnamese sentence and a line in docs."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import get_args

import pytest

from signing.commands.check import _UNDECIDED
from signing.processes.unfinished import _REASONS, unfinished_validation
from signing.validation import reasons
from signing.validation.reasons import MEANINGS, listed
from signing.validation.sentences import SENTENCES, say, say_of
from tests.signing.validation.signing_kit import NOW, make_pdf, sign
from tests.signing.validation.test_verdicts import judge

ROOT = Path(__file__).resolve().parents[3]
DETAILS = {
    "names": "1", "name": "RSA", "size": 1, "limit": 1, "count": 1, "kind": "KeyError",
}  # fmt: skip
SPOKEN_OF_SIGNERS = sorted(code for code in MEANINGS if "người ký" in SENTENCES[code])


@pytest.fixture(scope="module")
def archived():
    return sign(make_pdf(), archive=True)


def test_the_list_of_types_is_the_list_of_meanings():
    """What type-checks as a reason is explained, and nothing else is."""
    assert listed(reasons.FileReason) == set(MEANINGS)
    assert listed(reasons.SignatureReason) < set(MEANINGS)


@pytest.mark.parametrize("code", MEANINGS)
def test_every_reason_has_a_vietnamese_sentence_and_a_line_in_docs(code):
    """A whole sentence with its marks; what it names is filled in."""
    sentence = say(code, **DETAILS)
    assert any(unicodedata.combining(c) for c in unicodedata.normalize("NFD", sentence))
    assert sentence[0].isupper()
    assert sentence.endswith((".", ")."))
    assert "{" not in sentence
    page = (ROOT / "docs" / "validation-reasons.md").read_text("utf-8")
    assert f"| `{code}` | {MEANINGS[code]} |" in page


@pytest.mark.parametrize("code", [*SPOKEN_OF_SIGNERS, "revocation_unknown", "good"])
def test_what_is_said_of_a_signer_is_said_otherwise_of_a_timestamp(code):
    """Nobody reads of a signer's certificate where the time-stamping service's is meant."""
    told = say_of(code, timestamp=True)
    assert told != say_of(code, timestamp=False)
    assert "người ký" not in told
    assert "dấu" in told


def test_what_is_said_of_a_child_that_was_lost_is_listed():
    """There ``reason`` is a plain string, said without the library that judges."""
    said = {unfinished_validation(b"%PDF", code, NOW).reason for code in _REASONS}
    assert said | set(_UNDECIDED.values()) <= set(MEANINGS)


def test_certificate_states_that_refuse_have_a_reason():
    """Each but those of certificates that are good, or of which nobody knows."""
    states = set(get_args(reasons.CertificateStatus)) - {"good", "unknown"}
    assert states == set(get_args(reasons.TrustReason)) - {"revocation_unknown"}


def test_an_archive_timestamp_of_an_unknown_root_is_told_in_its_own_words(archived):
    """The signature and the time-stamp fail for one reason, said of each."""
    signature, stamp = judge(archived, roots=()).signatures
    assert (signature.reason, stamp.reason) == ("untrusted", "untrusted")
    assert signature.messages[0] == SENTENCES["untrusted"]
    assert stamp.messages[0] == SENTENCES["timestamp_untrusted"]
    assert not any("người ký" in message for message in stamp.messages)


def test_an_archive_timestamp_over_changed_bytes_is_told_in_its_own_words(archived):
    """A byte of the first revision differs."""
    at = re.search(rb"/MediaBox ?\[", archived).end()
    changed = archived[:at] + b" " + archived[at + 1 :]
    _, stamp = judge(changed).signatures
    assert stamp.reason == "hash_mismatch"
    assert stamp.messages[0] == SENTENCES["timestamp_hash_mismatch"]
