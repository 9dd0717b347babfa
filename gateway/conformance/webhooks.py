"""Check our signatures, address guard and retry schedule against a vector file.

Owns how ``webhooks.json`` is read, one result for each vector; leaves printing and the exit
status to the command line. A vector about something this capability does not do is reported as
unsupported, never skipped in silence. Runs without a database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from connectors.conformance import Outcome, Result
from gateway.foundation.addresses import AddressGuard
from gateway.webhooks import rules, signature

Vector = Mapping[str, Any]

_SECTIONS: Final = ("standard_webhooks", "ssrf_is_allowed", "ssrf_extra_blocked")


def recognises(document: Mapping[str, Any]) -> bool:
    """Whether this is a vector file of webhooks."""
    return any(section in document for section in _SECTIONS)


def run(document: Mapping[str, Any]) -> list[Result]:
    """One result for each vector of the file, in its order."""
    results = [_message(vector) for vector in document.get("standard_webhooks", ())]
    results += _addresses(document)
    results += [
        Result(f"rfc9421/{vector['name']}", Outcome.UNSUPPORTED, "RFC 9421 is not offered")
        for vector in document.get("rfc9421", ())
    ]
    results += [
        _schedule(name, delays) for name, delays in document.get("retry_schedules_s", {}).items()
    ]
    results += [
        Result(f"idempotency/{case['case']}", Outcome.UNSUPPORTED, "needs a running gateway")
        for case in document.get("idempotency_cases", ())
    ]
    return results


def _message(vector: Vector) -> Result:
    name = f"standard_webhooks/{vector['name']}"
    judge = _OPERATIONS.get(vector["op"])
    if judge is None:
        return Result(name, Outcome.UNSUPPORTED, f"operation {vector['op']!r}")
    try:
        problem = judge(vector)
    except (KeyError, TypeError, ValueError) as error:  # a malformed vector is a failed one
        problem = f"{type(error).__name__}: {error}"
    return Result(name, Outcome.FAILED if problem else Outcome.PASSED, problem)


def _sign(vector: Vector) -> str:
    key = _signing_key(vector["secret"])
    body = vector["payload"].encode()
    headers = signature.sign([key], vector["id"], vector["timestamp"], body)
    if headers[signature.SIGNATURE_HEADER] != vector["signature"]:
        return f"signed {headers[signature.SIGNATURE_HEADER]}"
    if isinstance(key, signature.PrivateKey) and key.public.text != vector["public"]:
        return f"public key is {key.public.text}"
    return ""


def _verify(vector: Vector) -> str:
    key = signature.SymmetricKey.parse(vector["secret"])
    headers = {
        signature.ID_HEADER: vector["id"],
        signature.TIMESTAMP_HEADER: _header(vector["timestamp"]),
        signature.SIGNATURE_HEADER: vector["signature"],
    }
    try:
        signature.verify(
            [key],
            headers,
            vector["payload"].encode(),
            now=vector["now"],
            tolerance_s=vector["tolerance_s"],
        )
    except signature.SignatureInvalid as error:
        return f"refused: {error}" if vector["valid"] else ""
    return "" if vector["valid"] else "accepted"


def _construct(vector: Vector) -> str:
    for secret in vector["secrets"]:
        try:
            signature.SymmetricKey.parse(secret)
        except signature.KeyUnusable:
            continue
        return f"accepted {secret!r}"
    return ""


def _sign_error(vector: Vector) -> str:
    for timestamp in vector["timestamps"]:
        try:
            signature.canonical("msg_1", timestamp, b"{}")
        except ValueError:
            continue
        return f"signed {timestamp!r}"
    return ""


_OPERATIONS: Final[dict[str, Callable[[Vector], str]]] = {
    "sign": _sign,
    "verify": _verify,
    "construct": _construct,
    "sign_error": _sign_error,
}


def _signing_key(text: str) -> signature.SymmetricKey | signature.PrivateKey:
    if text.startswith("whsk_"):
        return signature.PrivateKey.parse(text)
    return signature.SymmetricKey.parse(text)


def _header(value: object) -> str | None:
    return None if value is None else str(value)


def _addresses(document: Mapping[str, Any]) -> Iterator[Result]:
    guard = AddressGuard()
    cases = document.get("ssrf_is_allowed", {})
    for section, addresses, permitted in (
        ("ssrf_is_allowed", cases.get("blocked", ()), False),
        ("ssrf_is_allowed", cases.get("allowed", ()), True),
        ("ssrf_extra_blocked", document.get("ssrf_extra_blocked", ()), False),
    ):
        for address in addresses:
            why = guard.refusal(address)
            right = (why is None) is permitted
            outcome = Outcome.PASSED if right else Outcome.FAILED
            yield Result(f"{section}/{address}", outcome, why or "allowed")


def _schedule(name: str, delays: Sequence[int]) -> Result:
    """Ours is the example of Standard Webhooks; other products' schedules are for comparison."""
    row = f"retry_schedules_s/{name}"
    if name != "standard_webhooks_example":
        return Result(row, Outcome.UNSUPPORTED, "another product's schedule")
    same = tuple(delays) == rules.RETRY_SCHEDULE_S
    return Result(row, Outcome.PASSED if same else Outcome.FAILED, str(rules.RETRY_SCHEDULE_S))
