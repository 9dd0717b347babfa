"""Builders and a scripted transport for the tests of carriers."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from connectors.contract import (
    Account,
    Address,
    HttpReply,
    HttpRequest,
    ParcelOrder,
    Party,
)

VECTORS: dict[str, Any] = json.loads((Path(__file__).parent / "vectors.json").read_text("utf-8"))
START = datetime(2026, 9, 1, 1, 0, tzinfo=UTC)
SECRET = "s3cret-of-the-consumer"
TOKEN = "00000000-0000-0000-0000-000000000000"

Answer = HttpReply | Exception | Callable[[HttpRequest], HttpReply]


class SteppedClock:
    """A clock that tests move."""

    def __init__(self, now: datetime = START) -> None:
        self.time = now

    def now(self) -> datetime:
        return self.time

    def advance(self, **delta: float) -> None:
        self.time += timedelta(**delta)


class ScriptedTransport:
    """Answers one after another and keeps what was sent."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.sent: list[HttpRequest] = []

    async def send(self, request: HttpRequest) -> HttpReply:
        self.sent.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, HttpReply) else answer(request)


def reply(body: Any, status: int = 200) -> HttpReply:
    raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    return HttpReply(status, {"content-type": "application/json"}, raw)


def token_reply(expires_in: int = 3600, token: str = TOKEN) -> HttpReply:
    return reply({"access_token": token, "token_type": "Bearer", "expires_in": expires_in})


def make_account(*, secret: tuple[str, ...] = (SECRET,), **options: Any) -> Account:
    """An NGSP account; an option set to None is left out."""
    settings: dict[str, Any] = {
        "base_url": "https://ngsp.example/apiVNPostNGSP/p1.0",
        "token_url": "https://ngsp.example/token",
        "consumer_key": "consumer",
        "customer_code": "cthh",
        "province_codes": {"01": 10, "30": 16},
        **options,
    }
    kept = {key: value for key, value in settings.items() if value is not None}
    return Account("vnpost-hcc", "vnpost_hcc", kept, {"secret_key": secret})


def make_order(**changes: Any) -> ParcelOrder:
    """The order of the published sample, with the persons replaced."""
    values: dict[str, Any] = {
        "client_ref": "H38.17-260901-0001",
        "dossier": "H38.17-260901-0001",
        "kind": "result_delivery",
        "sender": Party("Trung tâm PVHCC", "0900000000", Address("11 Duy Tân", "00167", "01")),
        "recipient": Party("Nguyễn Văn B", "0900000001", Address("Số 1", "10507", "30")),
        "contents": ("Giấy chứng nhận (bản chính) x1",),
        "weight_g": 50,
        "collect_vnd": 50_000,
        "postage_payer": "applicant",
        "requested_at": START,
        **changes,
    }
    return ParcelOrder(**values)
