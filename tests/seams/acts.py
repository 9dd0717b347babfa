"""What a portal and its officials do, by every path on which a document can be signed.

A *path* says whose key signs and what its owner has to do outside of the gateway; ``sign`` carries
a person's step out on it, over HTTP, as the portal and the official would.
"""

from __future__ import annotations

import asyncio
import io
from dataclasses import dataclass
from typing import Any

import aiohttp

from gateway.demo.decision import typeset
from signing.devpki.csc_simulator import PIN as CSC_PIN
from tests.scenarios.business import AGENCY, PERSON, REFERENCE, upload_form
from tests.seams.town import LARGE_FROM, PASSWORD_AS_PIN, Town, until
from tests.support.softhsm import PIN as TOKEN_PIN

NUMBER = {"number": 5, "symbol": "QĐ-UBND", "date": "2026-11-21"}
REASON = "Sai tên người nhận kết quả"


@dataclass(frozen=True)
class Path:
    """One way to a person's signature.

    ``service``: whose application the owner confirms in; ``pin``: what the key wants.
    """

    name: str
    official: str
    pin: str | None = None
    service: str | None = None
    batch: bool = False
    heavy: bool = False
    top: str = "B-LTA"  # the level at which its signature is published

    @property
    def waits(self) -> bool:
        """Whether the owner is waited for outside of the gateway."""
        return self.service is not None

    def __str__(self) -> str:
        return self.name


def _at(name: str, **more: Any) -> Path:
    return Path(name, f"official:thu.{name}", **more)


PATHS = {
    path.name: path
    for path in (
        Path("lane", PERSON),
        Path("pin", "official:seams.pin", pin=PASSWORD_AS_PIN),
        Path("ordinary", "official:seams.sha384"),
        Path("token", "official:seams.token", pin=TOKEN_PIN),
        Path("large", PERSON, heavy=True),
        Path("batch", PERSON, batch=True),
        _at("csc-v1", pin=CSC_PIN),
        _at("csc-v2", pin=CSC_PIN),
        _at("smartca", service="smartca"),
        _at("mysign", service="mysign"),
        _at("mysign-callback", service="mysign"),
        _at("mysign-csc", service="mysign-csc"),
        _at("hook", service="hook"),
        _at("vgca", service="vgca", top="B-B"),
        Path("batch elsewhere", "official:thu.smartca", service="smartca", batch=True),
        Path("large elsewhere", "official:thu.hook", service="hook", heavy=True),
        Path("large by hand-off", "official:thu.vgca", service="vgca", heavy=True, top="B-B"),
        Path("large at CSC", "official:thu.csc-v1", pin=CSC_PIN, heavy=True),
    )
}


def decision(*, heavy: bool = False) -> bytes:
    """A decision as offices write it; the heavy one is beyond ``files.large_from``."""
    pdf = typeset(REFERENCE, "Chủ tịch", "Nguyễn Văn Mẫu")
    return pdf if not heavy else with_weight(pdf, LARGE_FROM + 1_000)


def with_weight(pdf: bytes, size: int) -> bytes:
    """The same document with bytes between its header and its objects that nobody reads."""
    from pikepdf import Pdf, Stream  # noqa: PLC0415 - costs a tenth of a second

    with Pdf.open(io.BytesIO(pdf)) as document:
        ballast = Stream(document, bytes(range(256)) * (size // 256))
        document.Root.MotcuaBallast = document.make_indirect(ballast)
        out = io.BytesIO()
        document.save(out, compress_streams=False, static_id=True)
    return out.getvalue()


async def upload(town: Town, content: bytes, **fields: str) -> Any:
    """The document, as the portal hands it in."""
    portal = await town.client()
    answer = await portal.call("POST", "/v1/documents", data=upload_form(content, **fields))
    assert answer.status == 201, answer.raw[:800]
    return answer.json


async def request(town: Town, document: Any, *steps: Any, **more: Any) -> Any:
    """A signature request over steps, at B-LTA unless told otherwise."""
    body = {"document_id": document["id"], "reference": REFERENCE, "steps": list(steps), **more}
    return await (await town.client()).post("/v1/signature-requests", body)


def person(path: Path, **more: Any) -> dict[str, Any]:
    """That path's official signs."""
    return {"role": "person", "signer": path.official, "capacity": "TM.", "title": "Chủ tịch",
            **more}  # fmt: skip


def seal(signer: str = AGENCY, **more: Any) -> dict[str, Any]:
    """The clerk's act."""
    return {"role": "agency", "signer": signer, **more}


async def opened(town: Town, path: Path, *more: Any, **settings: Any) -> Any:
    """A document of that path's, and its request."""
    document = await upload(town, decision(heavy=path.heavy))
    return await request(town, document, person(path), *more, **settings)


async def begin(town: Town, path: Path, asked: Any, *, official: str | None = None) -> Any:
    """The official's call, or a batch over the one request; the answer as it came."""
    who = await town.client(official or path.official)
    pin = {"pin": path.pin} if path.pin else {}
    if path.batch:
        return await who.call("POST", "/v1/signing-batches", {"requests": [asked["id"]], **pin})
    return await who.call("POST", f"/v1/signature-requests/{asked['id']}/sign", pin)


async def sign(town: Town, path: Path, asked: Any, *, official: str | None = None) -> Any:
    """Carry the present step out; the request as it stands afterwards."""
    position = (await seen(town, asked))["current_step"]

    async def is_signed() -> Any:
        shown = await seen(town, asked)
        assert shown["status"] != "failed", shown
        return shown if shown["steps"][position]["status"] == "signed" else None

    if path.service == "mysign-csc":  # the call itself waits for the application
        task = asyncio.ensure_future(begin(town, path, asked, official=official))
        await _confirmed(town, path, is_signed, task)
        answer = await task
    else:
        answer = await begin(town, path, asked, official=official)
    late = path.waits and path.service != "mysign-csc"
    assert answer.status == (201 if path.batch else 202 if late else 200), answer.raw[:800]
    if path.service == "vgca":
        said = await hand_over(town, answer.json)
        assert said["Status"] == 0, said
    elif late:
        await _confirmed(town, path, is_signed)
    return await until(is_signed, town if path.waits else None)


async def _confirmed(town: Town, path: Path, ready: Any, task: Any = None) -> None:
    """The owner confirms whatever the application shows, until the step is signed."""
    for _ in range(2_000):
        await confirm(town, path)
        if task.done() if task is not None else await ready():
            return
        town.later()
        await asyncio.sleep(0.03)
    raise AssertionError(await ready())


async def confirm(town: Town, path: Path, decision: str = "confirmed") -> int:
    """The owner decides about everything that waits in the application; how much that was."""
    name = "mysign" if path.service == "mysign-csc" else path.service
    url = f"{town.world.simulators.base_url}/sim/{name}/app"
    async with town.session.post(url, json={"decision": decision}) as answer:
        assert answer.status == 200, await answer.text()
        return len((await answer.json())["decided"])


async def hand_over(town: Town, shown: Any) -> Any:
    """The official's desktop program fetches, signs and brings back."""
    given = shown["confirmation"]["hand_off"]
    url = f"{town.world.simulators.base_url}/sim/vgca/sign"
    asked = {"function": given["function"], "argument": given["argument"]}
    async with town.session.post(url, json=asked) as answer:
        return await answer.json()


async def seen(town: Town, asked: Any) -> Any:
    """The request, as the portal sees it."""
    return await (await town.client()).get(f"/v1/signature-requests/{asked['id']}")


async def document(town: Town, asked: Any) -> Any:
    """Its document, likewise."""
    return await (await town.client()).get(f"/v1/documents/{asked['document_id']}")


async def fetch(town: Town, path: str) -> bytes:
    """The bytes of an answer that must succeed."""
    answer = await (await town.client()).call("GET", path)
    assert answer.status == 200, answer.raw[:500]
    return answer.raw


async def judge(town: Town, content: bytes, **fields: str) -> Any:
    """``POST /v1/validations``."""
    form = aiohttp.FormData()
    for name, value in fields.items():
        form.add_field(name, value)
    file = io.BytesIO(content)
    form.add_field("file", file, filename="da-ky.pdf", content_type="application/pdf")
    answer = await (await town.client()).call("POST", "/v1/validations", data=form, key=None)
    assert answer.status == 200, answer.raw[:500]
    return answer.json


async def raised(town: Town, asked: Any, level: str = "B-LTA") -> Any:
    """The document once the queue has brought it to its level."""

    async def there() -> Any:
        shown = await document(town, asked)
        return shown if shown["level"] == level and shown["preservation"] is None else None

    async def looked() -> Any:
        town.later(70)
        return await there()

    return await until(looked)


async def events_of(town: Town, asked: Any) -> list[tuple[int, str]]:
    """What the log says of a document: sequence and type, in its order."""
    found = await (await town.client()).every("/v1/events?")
    return [(e["sequence"], e["type"]) for e in found if e["subject"] == asked["document_id"]]
