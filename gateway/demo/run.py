"""Runs the demo: builds the world, walks the legs, writes the results, tells what happened."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from gateway.app import Gateway
from gateway.demo import story
from gateway.demo.portal import Caller, Receiver, StepFailed
from gateway.development import CLERK, World, listen
from gateway.foundation.clock import SystemClock, iso

Leg = Callable[[story.Stage], Awaitable[dict[str, Any]]]


async def run_demo(pdf: bytes | None, out: Path) -> int:
    """Walk one dossier through every leg; 0 only if every step was verified."""
    clock = SystemClock()
    started = clock.monotonic()
    with tempfile.TemporaryDirectory(prefix="motcua-demo-") as folder:
        socket = listen()
        world = World(Path(folder), f"http://127.0.0.1:{socket.getsockname()[1]}", clock)
        await world.start()
        settings = world.settings(
            payments={"query_after_s": [1, 2, 3, 5, 8, 13]}, shipments={"poll_s": 1}
        )
        gateway = Gateway(settings, clock)
        try:
            await gateway.start(socket=socket)
            async with aiohttp.ClientSession() as session:
                stage = await _stage(gateway, world, session, out)
                status = await _walk(stage, _legs(pdf))
                await stage.receiver.close()
        finally:
            await gateway.stop()
            await world.close()
    stage.summary["seconds"] = round(clock.monotonic() - started, 2)
    stage.summary["finished_at"] = iso(clock.now())
    stage.save("summary.json", _json(stage.summary))
    _say(f"{'xong / done' if status == 0 else 'DỪNG / STOPPED'}: {out}/summary.json")
    return status


def _legs(pdf: bytes | None) -> list[tuple[str, str, Leg]]:
    async def sign(stage: story.Stage) -> dict[str, Any]:
        return await story.sign_result(stage, pdf)

    return [
        ("portal", "Cổng đăng ký nhận thông báo", story.subscribe),
        ("vietqr", "Nộp phí bằng VietQR, ngân hàng báo có", story.pay_by_vietqr),
        ("vnpay", "Nộp cước qua VNPAY, mất thông báo, tự hỏi lại", story.pay_by_vnpay),
        ("signature", "Lãnh đạo ký, văn thư cấp số và đóng dấu (B-LTA)", sign),
        ("certification", "Chứng thực bản sao điện tử, tra cứu, hủy", story.certify_copy),
        ("shipment", "Bưu điện nhận và phát kết quả", story.deliver),
        ("events", "Đối chiếu mọi thông báo đã gửi", story.reconcile_events),
    ]


async def _stage(
    gateway: Gateway, world: World, session: aiohttp.ClientSession, out: Path
) -> story.Stage:
    async def caller(official: str | None = None) -> Caller:
        scopes = ["documents:sign", "certifications:write"] if official else ["*"]
        made = await gateway.keys.create("portal", "test", scopes, official=official)
        return Caller(session, gateway.base_url, made.secret)

    officials = {name: await caller(name) for name in (story.PERSON, story.CERTIFIER)}
    officials["clerk"] = await caller(CLERK)
    clock = world.clock
    stage = story.Stage(world, clock, session, await caller(), officials, Receiver(clock), out)
    stage.summary["reference"] = story.REFERENCE
    stage.summary["legs"] = {}
    stage.save("root.pem", world.pki.pki.root_pem)
    return stage


async def _walk(stage: story.Stage, legs: list[tuple[str, str, Leg]]) -> int:
    status = 0
    for number, (name, title, leg) in enumerate(legs, 1):
        begun = stage.clock.monotonic()
        try:
            found = await leg(stage)
        except (StepFailed, aiohttp.ClientError, KeyError, TimeoutError) as error:
            _say(f"✗ {number}/{len(legs)} {title}: {type(error).__name__}: {error}")
            stage.summary["legs"][name] = {"verified": False, "error": str(error)}
            status = 1
            break
        seconds = round(stage.clock.monotonic() - begun, 2)
        stage.summary["legs"][name] = {"verified": True, "seconds": seconds, **found}
        _say(f"✓ {number}/{len(legs)} {title} ({seconds} s)")
    stage.save("events.json", _json(stage.receiver.received))
    stage.summary["verified"] = status == 0
    return status


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _json(value: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=2)
