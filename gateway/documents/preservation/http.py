"""The route that extends a document."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from gateway.documents.answers import DocumentAnswer
from gateway.documents.preservation.service import DocumentKeeping
from gateway.foundation.web import Call, Page, Reply, Route
from gateway.preservation.asked import REQUEST, Asked


class ExtendBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The level to reach; at B-LTA an archive time-stamp that is there already is renewed."""

    level: Literal["B-T", "B-LT", "B-LTA"] = "B-LTA"


def routes(keeping: DocumentKeeping) -> list[Route | Page]:
    """Routes beside those of ``http``."""
    handlers = _Handlers(keeping)
    return [
        Route("POST", "/v1/documents/{id}/extend", handlers.extend, "documents:write",
              "Raise the level of a signed document, or renew its archive time-stamp",
              body=ExtendBody, reply=DocumentAnswer, idempotent=True),
    ]  # fmt: skip


class _Handlers:
    def __init__(self, keeping: DocumentKeeping) -> None:
        self._keeping = keeping

    async def extend(self, call: Call[ExtendBody]) -> Reply:
        async def work(lease: Any) -> Reply:
            who = call.principal
            asked = Asked(REQUEST, "extend", who.key_id, who.official)
            extension = await self._keeping.prepare(
                call.tenant, call.path("id"), call.body.level, asked=asked
            )
            return await call.finish(lease, lambda c: Reply(self._keeping.publish(c, extension)))

        reply = await call.attempt(work)
        self._keeping.announce()
        return reply
