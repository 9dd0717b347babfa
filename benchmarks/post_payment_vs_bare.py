"""Opening payments over HTTP: the whole gateway against a bare aiohttp handler.

``motcua serve`` with its workers, keys, idempotency keys and a migrated database (SQLite with
``synchronous=FULL``; PostgreSQL with ``--postgresql URL|auto``), beside a handler that only reads
JSON and answers JSON. Both are driven in turn by the same client, 32 connections over loopback;
the ratio is between the medians of the rounds.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

from benchmarks import _servers
from benchmarks._load import Sample, drive

TARGET = 0.35
ROUNDS = 5
A_ROUND = 3_000
ROUND_S = 4.0
CONCURRENCY = 32


def main(arguments: Sequence[str] = ()) -> tuple[float, float]:
    """Give (gateway's answers a second by the bare handler's, target)."""
    parser = argparse.ArgumentParser(prog="post_payment_vs_bare")
    parser.add_argument("--postgresql", metavar="URL", help="or “auto”: start one for this run")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (
            _servers.store(folder, given.postgresql) as database,
            _servers.gateway(folder, database) as real,
            _servers.bare(folder) as bare,
        ):
            return _compare(real, bare), TARGET


def _compare(real: _servers.Served, bare: _servers.Served) -> float:
    sides = {"bare": bare, "gateway": real}
    for server in sides.values():  # warm up
        _round(server, 500)
    taken: dict[str, list[Sample]] = {name: [] for name in sides}
    for number in range(1, ROUNDS + 1):
        for name, server in sides.items():
            taken[name].append(_round(server, A_ROUND))
            print(f"round {number}: {taken[name][-1].line(name)}", flush=True)
    return statistics.median(s.rps for s in taken["gateway"]) / statistics.median(
        s.rps for s in taken["bare"]
    )


def _round(server: _servers.Served, count: int) -> Sample:
    requests = [_request(server.key) for _ in range(count)]
    return drive(
        server.port,
        requests,
        concurrency=CONCURRENCY,
        seconds=ROUND_S,
        pid=server.pid,
        expect=b"201",
    )


def _request(key: str) -> bytes:
    """One payment as a portal sends it, with its own key."""
    number = uuid4().int % 10**6
    body = {
        "reference": f"000.00.12.H55-261102-{number:06}",
        "procedure_code": "2.000815",
        "agency_code": "H55.12",
        "items": [
            {
                "code": "CTBS",
                "name": "Phí chứng thực bản sao từ bản chính",
                "kind": "fee",
                "quantity": 3,
                "unit_amount": 2000,
            },
            {"code": "CUOC", "name": "Cước chuyển trả kết quả", "kind": "shipping",
             "unit_amount": 26000},
        ],
        "payer": {"name": "Nguyễn Văn Mẫu", "phone": "0912000000"},
        "description": "Phí và cước hồ sơ chứng thực",
        "channel": "online",
        "return_url": f"https://dichvucong.example/ho-so/{number}",
        "metadata": {"source": "benchmark"},
    }  # fmt: skip
    headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": str(uuid4())}
    return _servers.post("/v1/payments", body, headers)
