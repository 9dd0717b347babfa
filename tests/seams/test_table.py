"""The table of docs/signing-keys.md that tells portals what each kind of key can do is true."""

from __future__ import annotations

import re

import pytest

from gateway.key_uses import use_of
from gateway.signing_settings import KeyService, SigningKey
from signing.contract import Confirmation
from signing.key_config import KINDS, KeyConfig
from tests.support.process import ROOT

HEAD = "| `kind` | `…/sign` answers |"
CSC_DIALECT = '`mysign`, `api = "csc"`'


def rows():
    """Kind (and whether in MySign's CSC dialect) → the other cells."""
    page = (ROOT / "docs/signing-keys.md").read_text("utf-8")
    lines = page.partition(HEAD)[2].splitlines()[2:]
    table = lines[: lines.index("")]
    found = {}
    for line in table:
        first, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        if first == CSC_DIALECT:
            found["mysign", True] = cells
        else:
            found |= {(kind, False): cells for kind in re.findall(r"`(\w+)`", first)}
    return found


ROWS = rows()


def test_every_kind_has_its_row():
    assert {kind for kind, _ in ROWS} == set(KINDS)
    assert len(ROWS) == len(KINDS) + 1


@pytest.mark.parametrize(("kind", "dialect"), ROWS)
def test_the_row_says_what_the_product_does(kind, dialect):
    """Answers, confirmations, batches, copies and digests follow from how the key is used."""
    answers, four, batch, copies, digests, takes = ROWS[kind, dialect]
    remote = KeyService(api="csc" if dialect else "")
    use = use_of(SigningKey(kind=kind, remote=remote))
    here = use.confirmation is Confirmation.HERE
    assert answers[:3] == ("200" if here else "202")
    assert four == ("4 times" if use.confirmations(4) == 4 else "once")
    assert copies == ("yes" if here else "`confirmed_elsewhere`")
    assert (
        batch
        == {
            Confirmation.HERE: "each document" if use.asks_each else "PIN once",
            Confirmation.ELSEWHERE: "one confirmation for all",
            Confirmation.HAND_OFF: "`hand_off_alone`",
        }[use.confirmation]
    )
    given = {"`pin`": use.takes_pin, "`otp`": use.takes_pin and use.takes_otp,
             "`placement`": use.takes_place}  # fmt: skip
    assert takes == (", ".join(name for name, taken in given.items() if taken) or "–")
    longer = KeyConfig("k", kind, path="x", digest="sha384")
    refused = any(fault.startswith("digest") for fault in longer.faults())
    assert digests == ("no" if refused else "yes")
