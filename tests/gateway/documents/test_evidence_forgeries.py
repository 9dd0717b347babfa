"""Records that somebody wrote into the tables with their own hashes: found and named."""

from __future__ import annotations

import json

import pytest

from gateway.documents.evidence import store as evidence_store
from gateway.documents.evidence.chain import GENESIS, link, link_sha256
from gateway.documents.evidence.store import evidence_heads as heads
from gateway.documents.evidence.store import evidence_records as records
from gateway.documents.requests import NewStep
from gateway.foundation.problems import Problem
from signing.contract import DocumentRefused, Level
from tests.gateway.documents.desk import LEADER, TENANT, on_sqlite

PIN = "246810"
KINDS = ("signature", "extension", "refusal")
FORGED = {
    "no JSON": lambda content: "không phải JSON",
    "a list": lambda content: "[]",
    "files that are none": lambda content: json.dumps(content | {"files": 3}),
    "a file without a hash": lambda content: json.dumps(content | {"files": [{"what": "crl"}]}),
    "a hash that is a path": lambda content: json.dumps(
        content | {"files": [{"what": "crl", "sha256": "../../../../etc/passwd"}]}
    ),
    "another kind": lambda content: json.dumps(content | {"kind": "khac"}),
    "another document": lambda content: json.dumps(content | {"document": "khac"}),
}


async def every_kind(desk, paper):
    """A signature, an extension and a refusal, in this order."""
    paper.reachable = Level.B_B
    document = await desk.document()
    steps = (NewStep("person", LEADER),)
    await desk.sign(await desk.open(document, steps, None, level="B-B"), LEADER, PIN)
    paper.reachable = Level.B_LTA
    extension = await desk.preservation.prepare(TENANT, document.id, Level.B_LTA)
    await desk.database.write(lambda c: desk.preservation.publish(c, extension))
    request = await desk.open(await desk.document(), steps, None)

    async def refuse(order):
        raise DocumentRefused("javascript", "Văn bản có mã lệnh.")

    paper.before_sign = refuse
    with pytest.raises(Problem):
        await desk.sign(request, LEADER, PIN)


async def rewrite(desk, number, forge):
    """Change one record and make every later link, and the head, hold again."""
    rows = await desk.database.read(lambda c: evidence_store.records_after(c, TENANT, 0, 100))
    previous = GENESIS
    for row in rows:
        content = forge(json.loads(row.content)) if row.number == number else row.content
        digest = link_sha256(link(TENANT, row.number, previous, content.encode()))
        values = {"content": content, "previous_sha256": previous, "sha256": digest}
        change = records.update().where(records.c.number == row.number).values(**values)
        await desk.database.write(lambda c, change=change: c.execute(change) and None)
        previous = digest
    await desk.database.write(lambda c: c.execute(heads.update().values(sha256=previous)) and None)


@pytest.mark.parametrize("what", FORGED)
@pytest.mark.parametrize("kind", KINDS)
@on_sqlite
async def test_a_record_that_was_written_anew_with_its_chain_is_named(desk, paper, kind, what):
    """Hashes hold, the content does not: the walk stops there, with a reason."""
    await every_kind(desk, paper)
    rows = await desk.database.read(lambda c: evidence_store.records_after(c, TENANT, 0, 100))
    assert tuple(row.kind for row in rows) == KINDS
    assert (await desk.audit()).first_break is None
    await rewrite(desk, KINDS.index(kind) + 1, FORGED[what])
    found = (await desk.audit()).first_break
    assert found is not None
    assert found.number == KINDS.index(kind) + 1
    assert found.reason
