"""``kill -9`` while officials are waited for on every path: sent once, signed once, told once."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest

from tests.seams.acts import (
    PATHS,
    begin,
    confirm,
    document,
    events_of,
    fetch,
    hand_over,
    judge,
    opened,
    seen,
)
from tests.seams.town import LARGE_FROM, until
from tests.support.town import Client, living
from tests.support.town import Town as Lives

pytestmark = [pytest.mark.long, pytest.mark.timeout(240)]

WAYS = ("smartca", "mysign-callback", "hook", "vgca", "batch elsewhere", "large elsewhere",
        "large by hand-off")  # fmt: skip


@dataclass
class KilledTown:
    """A town of real processes with the ways of the one that lives in this process."""

    lives: Lives
    clients: dict[str | None, Client] = field(default_factory=dict)

    @property
    def world(self) -> Any:
        return self.lives.world

    @property
    def session(self) -> aiohttp.ClientSession:
        return self.lives.session

    async def client(self, official: str | None = None) -> Client:
        if official not in self.clients:
            self.clients[official] = await self.lives.key(official=official)
        return self.clients[official]

    def later(self, seconds: float = 0.0) -> None:
        """Real processes have their own clock."""


async def test_what_waits_outlives_the_process(tmp_path):
    """One kill while all of them wait: each is asked once and published once, and is valid."""
    sections = {"files": {"large_from": LARGE_FROM}, "server": {"requests_per_second": 0}}
    async with living(tmp_path, remote_keys=True, **sections) as lives:
        town = KilledTown(lives)
        await lives.start()
        asked, answers = {}, {}
        for name in WAYS:
            asked[name] = await opened(town, PATHS[name], level="B-T")
            answers[name] = await begin(town, PATHS[name], asked[name])
        for name in WAYS:
            await until(lambda name=name: waits(town, asked[name]))
        services = lives.world.services
        sent = [s.desk.calls.start for s in (services.smartca, services.mysign, services.hook)]
        await lives.crash()
        for name in WAYS:
            shown = await seen(town, asked[name])
            assert (shown["status"], shown["confirmation"]["state"]) == ("signing", "waiting_user")
            if PATHS[name].service == "vgca":
                said = await hand_over(town, answers[name].json)
                assert said["Status"] == 0, said
        for name in ("smartca", "mysign", "hook"):
            await confirm(town, PATHS[name])
        for name in WAYS:
            await until(lambda name=name: is_signed(town, asked[name]))
        await check(town, asked)
        assert sent == [
            s.desk.calls.start for s in (services.smartca, services.mysign, services.hook)
        ]
        assert await lives.gateway.stop() == 0


async def waits(town, asked):
    held = (await seen(town, asked))["confirmation"] or {}
    return held.get("state") == "waiting_user"


async def is_signed(town, asked):
    return (await seen(town, asked))["status"] == "signed"


async def check(town, asked):
    """Published once, the signature whole, told once."""
    for name, one in asked.items():
        shown = await document(town, one)
        signed = [r for r in shown["signatures"] if "Archive" not in r["field_name"]]
        assert len(signed) == 1, name
        verdict = await judge(town, await fetch(town, shown["content_path"]))
        assert all(s["integrity"] for s in verdict["signatures"]), (name, verdict["summary"])

        async def told(one=one):
            return Counter(type_ for _, type_ in await events_of(town, one))

        found = await until(told)
        assert found["document.signed"] == 1, (name, found)
