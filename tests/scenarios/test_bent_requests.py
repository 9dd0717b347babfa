"""Bent bodies at every signing operation of one running gateway: 2xx or a named refusal."""

from __future__ import annotations

import asyncio
import copy
import json
import random
import unicodedata

import pytest
import pytest_asyncio

from tests.scenarios.business import certification_of, signature_request_of, upload_form
from tests.support.town import living

pytestmark = pytest.mark.asyncio(loop_scope="module")

ABOUT = ("documents", "signature-requests", "signing-batches", "authorities", "certifications",
         "certificates", "validations")  # fmt: skip
VALUES = (
    None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, -(2**63) - 1, 1e308, 0.1, "", " ", "\0",
    "a\0b", "\u202e", "\ufeff", "x" * 70_000, unicodedata.normalize("NFD", "Nguyễn Văn Ổn"),
    "🖋" * 40, "../../etc/passwd", "2026-02-30", "0001-01-01", "9999-12-31T23:59:59.999999999Z",
    "B-LTA", "null", "%00", "{}", "' OR 1=1 --", [], {}, [[]], [None], {"": None}, {"\0": 1},
    [{}] * 600,
)  # fmt: skip
RAW = (
    b"", b" ", b"{", b"[]", b"null", b"1", b'"x"', b"{}", b"\xff\xfe{}", b"\xef\xbb\xbf{}",
    b'{"a":1e999}', b'{"a":NaN}', b'{"pin":"\\ud800"}', b'{"pin":"\xed\xa0\x80"}',
    b'{"pin":"a","pin":"b"}', b"[" * 90_000, b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
    b'{"a":' + b"9" * 60_000 + b"}", b'{"\\u0000":1}', b"<a/>", b"a=b", b"--x\r\n\r\n", bytes(300),
)  # fmt: skip
FEW, MANY = 6, 40


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory):
    """A portal, its operations on signing, and a real object for each."""
    folder = tmp_path_factory.mktemp("bent-requests")
    async with living(folder, server={"requests_per_second": 0}) as town:
        portal = await town.key()
        await town.start()
        document = (await portal.call("POST", "/v1/documents", data=upload_form())).json["id"]
        request = await portal.post("/v1/signature-requests", signature_request_of(document))
        draft = await portal.post("/v1/certifications", certification_of(document))
        ids = {
            "documents": document,
            "signature-requests": request["id"],
            "certifications": draft["id"],
            "certificates": "0" * 64,
        }
        yield portal, await portal.get("/openapi.json"), ids
        assert "unhandled" not in town.gateway.log
        assert "Traceback" not in town.gateway.log
        assert await town.gateway.stop() == 0


def operations(contract):
    """Path and schema of every POST that takes a body, as far as it is about signing."""
    for path, methods in sorted(contract["paths"].items()):
        if path.split("/")[2] in ABOUT and "requestBody" in methods.get("post", {}):
            yield path, methods["post"]["requestBody"]["content"]


def address(path, ids):
    real = ids.get(path.split("/")[2], "no-such-thing")
    return path.replace("{id}", real).replace("{sha256}", real)


def example(schema, contract, rng, depth=0):
    """A value of a schema with every property, as good as a schema can tell."""
    if isinstance(schema, bool):  # anything at all
        return "Mau 1"
    schema = resolved(schema, contract)
    if "anyOf" in schema or "oneOf" in schema:
        return example((schema.get("anyOf") or schema["oneOf"])[0], contract, rng, depth)
    if "enum" in schema:
        return rng.choice(schema["enum"])
    kind = schema.get("type")
    if kind == "object":
        found = schema.get("properties", {})
        return {key: example(one, contract, rng, depth + 1) for key, one in found.items()}
    if kind == "array":
        return [example(schema.get("items", {}), contract, rng, depth + 1)]
    text = {"date": "2026-11-21", "date-time": "2026-11-21T08:00:00+07:00"}
    return {"integer": 1, "number": 1.5, "boolean": True}.get(
        kind, text.get(schema.get("format"), "Mau 1")
    )


def resolved(schema, contract):
    while "$ref" in schema:
        schema = contract["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return schema


def spots(value, path=()):
    yield path
    if isinstance(value, dict | list):
        children = value.items() if isinstance(value, dict) else enumerate(value)
        for key, one in children:
            yield from spots(one, (*path, key))


def bent(value, rng):
    """A copy with one to three values replaced, taken away or added."""
    value = json.loads(json.dumps(value))
    for _ in range(rng.choice([1, 1, 2, 3])):
        below = [path for path in spots(value) if path]
        if not below:
            return value
        *above, key = rng.choice(below)
        holder = value
        for step in above:
            holder = holder[step]
        action = rng.random()
        if action < 0.7:
            holder[key] = copy.deepcopy(rng.choice(VALUES))
        elif action < 0.85 and isinstance(holder, dict):
            del holder[key]
        elif isinstance(holder, dict):
            holder[rng.choice(["x", "", "id", "__class__", "a" * 3000])] = copy.deepcopy(
                rng.choice(VALUES)
            )
        else:
            holder.append(copy.deepcopy(rng.choice(VALUES)))
    return value


def told(path, answer, body):
    """What is wrong with an answer; None when it succeeded or says by name why not."""
    if answer.status < 300:
        return None
    named = 400 <= answer.status < 500 and answer.code
    return None if named else (path, answer.status, str(body)[:200], answer.raw[:200])


async def bend_all(scene, count):
    portal, contract, ids = scene
    wrong, tried = [], 0
    for path, content in operations(contract):
        rng = random.Random(path)
        if "application/json" not in content:
            continue
        whole = example(content["application/json"]["schema"], contract, rng)
        bodies = [bent(whole, rng) for _ in range(count)]
        for body in bodies:
            answer = await portal.call("POST", address(path, ids), body)
            wrong.append(told(path, answer, body))
        for raw in rng.sample(RAW, min(len(RAW), count)):
            headers = {"Content-Type": "application/json"}
            answer = await portal.call("POST", address(path, ids), data=raw, headers=headers)
            wrong.append(told(path, answer, raw))
        tried += 1
    assert [one for one in wrong if one] == []
    assert tried >= 10


@pytest.mark.long
async def test_a_few_bent_bodies_are_answered_by_name(scene):
    await bend_all(scene, FEW)


@pytest.mark.long
async def test_many_bent_bodies_are_answered_by_name(scene):
    await bend_all(scene, MANY)


@pytest.mark.long
async def test_bent_forms_are_answered_by_name(scene):
    """Uploads whose fields hold what no field should."""
    portal, contract, _ = scene
    texts = [one for one in VALUES if isinstance(one, str)]
    wrong = []
    for path in ("/v1/documents", "/v1/validations"):
        schema = contract["paths"][path]["post"]["requestBody"]["content"]["multipart/form-data"]
        fields = [name for name in schema["schema"]["properties"] if name != "file"]
        for name in fields:
            for text in texts:
                answer = await portal.call("POST", path, data=upload_form(**{name: text}))
                wrong.append(told(path, answer, (name, text)))
        for raw in RAW:
            headers = {"Content-Type": "multipart/form-data; boundary=x"}
            answer = await portal.call("POST", path, data=raw, headers=headers)
            wrong.append(told(path, answer, raw))
    assert [one for one in wrong if one] == []


@pytest.mark.long
async def test_bent_places_and_questions_are_answered_by_name(scene):
    """Ids and query parameters that are none."""
    portal, contract, _ = scene
    odd = ("%00", "..%2f..%2fx", "%ed%a0%80", "x" * 2000, "-1", "%F0%9F%96%8B", "a%0d%0ab", "null")
    wrong = []
    for path, methods in sorted(contract["paths"].items()):
        if path.split("/")[2] not in ABOUT or "get" not in methods:
            continue
        for text in odd:
            for place in (path.replace("{id}", text).replace("{sha256}", text),
                          f"{path}?limit={text}&after={text}&status={text}"):  # fmt: skip
                answer = await portal.call("GET", place)
                wrong.append(told(place[:80], answer, ""))
    await asyncio.sleep(0)
    assert [one for one in wrong if one] == []
