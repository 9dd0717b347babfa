"""Payment vectors and the list of banks, checked through the connectors' own pure functions.

Owns: what it means for a VNPAY, VietQR, Casso or SePay vector to hold. A published signature is
recomputed, a message is read by the connector itself, and one changed character of it must be
refused. Other providers' vectors are ``unsupported`` by name.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import quote_plus

from connectors.conformance import Outcome, Result, Suite, check
from connectors.contract import Callback, HttpReply, SignatureMismatch
from connectors.payment.casso import messages as casso_messages
from connectors.payment.casso import signature as casso_signature
from connectors.payment.sepay import messages as sepay_messages
from connectors.payment.sepay import signature as sepay_signature
from connectors.payment.vietqr import messages as vietqr_messages
from connectors.payment.vietqr import signature as vietqr_signature
from connectors.payment.vietqr.banks import banks
from connectors.payment.vietqr.tlv import QrUnreadable
from connectors.payment.vnpay import messages as vnpay_messages
from connectors.payment.vnpay import signature as vnpay_signature

Vector = Mapping[str, Any]

_WHEN = datetime(2026, 1, 1, tzinfo=UTC)  # no check here depends on it


# ------------------------------------------------------------------ VNPAY

_PIPES = {
    "querydr_request_2.1.0": vnpay_signature.QUERY_REQUEST,
    "querydr_response_2.1.0": vnpay_signature.QUERY_RESPONSE,
    "refund_request_2.1.0": vnpay_signature.REFUND_REQUEST,
    "refund_response_2.1.0": vnpay_signature.REFUND_RESPONSE,
}


def _differs(what: str, ours: object, theirs: object) -> str | None:
    return None if ours == theirs else f"{what}: {ours!r} is not {theirs!r}"


def _vnpay(vector: Vector) -> str | None:
    kind = vector["kind"]
    if kind in _PIPES:
        return _vnpay_pipe(vector)
    if str(vector.get("algorithm", "")).startswith(("md5", "sha256")):
        return _vnpay_legacy(vector)
    return _vnpay_query(vector)


def _vnpay_query(vector: Vector) -> str | None:
    """Pay, IPN and return: the string, the hash, and what ``verified_query`` says to it."""
    fields, secret = vector["params"], vector["secret"]
    text = vnpay_signature.canonical_query(fields)
    expected = vector["expected_signature"]
    url = vnpay_messages.pay_url("https://example.invalid/pay", fields, secret)
    query = url.partition("?")[2]
    problem = (
        _differs("canonical", text, vector.get("canonical", text))
        or _differs("hash", vnpay_signature.mac(text, secret), expected.lower())
        or _differs("query", query, f"{text}&vnp_SecureHash={expected.lower()}")
    )
    if problem:
        return problem
    fields_read = vnpay_messages.verified_query(query, (secret,))
    signed = {name: value for name, value in fields.items() if value}
    problem = _differs("fields", {k: fields_read[k] for k in signed}, signed)
    if problem or not vector["kind"].startswith("ipn"):
        return problem or _vnpay_refused(query.replace("vnp_Amount=", "vnp_Amount=1"), secret)
    report = vnpay_messages.read_report(fields_read, fields["vnp_TmnCode"], "ipn")
    amount = getattr(report, "amount_vnd", None)
    return _differs("amount x100", (amount or 0) * 100, int(fields["vnp_Amount"])) or (
        _vnpay_refused(query.replace("vnp_Amount=", "vnp_Amount=1"), secret)
    )


def _vnpay_refused(query: str, secret: str) -> str | None:
    try:
        vnpay_messages.verified_query(query, (secret,))
    except SignatureMismatch:
        return None
    return "a message that must be refused was read"


def _vnpay_pipe(vector: Vector) -> str | None:
    """Querydr and refund: the string, the hash, and for answers what ``read_answer`` says."""
    fields, secret, order = vector["params"], vector["secret"], _PIPES[vector["kind"]]
    text = vnpay_signature.canonical_fields(fields, order)
    expected = vector["expected_signature"]
    problem = _differs("canonical", text, vector.get("canonical", text)) or _differs(
        "hash", vnpay_signature.mac(text, secret), expected.lower()
    )
    if problem or "response" not in vector["kind"]:
        return problem
    answer = {**fields, vnpay_signature.HASH_FIELD: expected}
    vnpay_messages.read_answer(_http(answer), fields, (secret,), order)
    try:
        changed = {**answer, "vnp_TransactionStatus": "99"}
        vnpay_messages.read_answer(_http(changed), fields, (secret,), order)
    except SignatureMismatch:
        return None
    return "a changed answer was read"


def _http(answer: Mapping[str, str]) -> HttpReply:
    return HttpReply(200, {}, json.dumps(answer).encode())


def _vnpay_legacy(vector: Vector) -> str | None:
    """2.0 messages: recognised for what they are, and refused."""
    fields, secret = vector["params"], vector["secret"]
    expected = vector["expected_signature"]
    algorithm = str(vector["algorithm"]).partition("(")[0]
    found = vnpay_signature.legacy_algorithm(fields, expected, (secret,))
    query = "&".join(f"{k}={quote_plus(v)}" for k, v in fields.items())
    return _differs("recognised as", found, algorithm) or _vnpay_refused(
        f"{query}&vnp_SecureHash={expected}", secret
    )


# ------------------------------------------------------------------ VietQR

_DECODED: Mapping[str, Callable[[vietqr_messages.QrPayload], str]] = {
    "bin": lambda qr: qr.bank_bin,
    "account": lambda qr: qr.account_number,
    "service": lambda qr: qr.service,
    "poi": lambda qr: vietqr_messages.DYNAMIC if qr.dynamic else vietqr_messages.STATIC,
    "amount": lambda qr: "" if qr.amount_vnd is None else str(qr.amount_vnd),
    "merchant_name": lambda qr: qr.merchant_name,
    "merchant_city": lambda qr: qr.merchant_city,
    "mcc": lambda qr: qr.mcc,
}


def _vietqr(vector: Vector) -> str | None:
    if "expect" in vector:
        return _vietqr_expected(vector["payload"], str(vector["expect"]))
    payload, decoded = vector["params"]["payload"], vector["decoded"]
    problem = _differs(
        "check sum", vietqr_signature.check_sum(payload[:-4]), vector["expected_signature"]
    )
    if problem:
        return problem
    qr = vietqr_messages.parse(payload)
    for name, read in _DECODED.items():
        problem = problem or _differs(name, read(qr), decoded.get(name, ""))
    return (
        problem
        or _differs("additional", dict(qr.additional), decoded.get("additional", {}))
        or _differs("read again", vietqr_messages.parse(vietqr_messages.build(qr)), qr)
        or _vietqr_expected(payload[:-1] + ("0" if payload[-1] != "0" else "1"), "crc_ok=false")
    )


def _vietqr_expected(payload: str, expect: str) -> str | None:
    """``ok``, or which of the two walls (check sum, TLV) must stop the payload."""
    try:
        vietqr_messages.parse(payload)
        stopped = "ok"
    except QrUnreadable as error:
        stopped = error.part
    wanted = {"ok": "ok", "crc_ok=false": "crc"}.get(expect, "tlv")
    return _differs("stopped by", stopped, wanted)


# ------------------------------------------------------------------ notifications


def _callback(headers: Mapping[str, str], body: object) -> Callback:
    lower = {name.lower(): value for name, value in headers.items()}
    return Callback("POST", "", "", lower, json.dumps(body).encode(), _WHEN)


def _casso(vector: Vector) -> str | None:
    params, key, expected = vector["params"], vector["secret"], vector["expected_signature"]
    header = params["headers"]["X-Casso-Signature"].replace("<sig>", expected)
    signed = casso_signature.read_header(header)
    if signed is None:
        return "the header cannot be read"
    forms = list(casso_signature.canonical_forms(signed.at_ms, params["body"]))
    if vector.get("canonical", forms[0]) not in forms:
        return "canonical differs"
    body = casso_messages.verified_body(
        _callback({"x-casso-signature": header}, params["body"]), (key,), None
    )
    problem = _differs("body", body, params["body"])
    casso_messages.read_notification(body)
    changed = {**params["body"], "error": 1}
    try:
        casso_messages.verified_body(
            _callback({"x-casso-signature": header}, changed), (key,), None
        )
    except SignatureMismatch:
        return problem
    return "a changed body was read"


def _sepay(vector: Vector) -> str | None:
    params, key = vector["params"], vector["secret"]
    given = params["headers"]["Authorization"]
    problem = _differs("header", sepay_signature.header_value(key), given)
    body = sepay_messages.verified_body(_callback({"authorization": given}, params["body"]), (key,))
    sepay_messages.read_notification(body)
    try:
        sepay_messages.verified_body(
            _callback({"authorization": given + "x"}, params["body"]), (key,)
        )
    except SignatureMismatch:
        return problem
    return "another key was taken"


# ------------------------------------------------------------------ the suites

_PROVIDERS: Mapping[str, Callable[[Vector], str | None]] = {
    "vnpay": _vnpay,
    "vietqr": _vietqr,
    "casso": _casso,
    "sepay": _sepay,
}


def _run_payments(content: Mapping[str, Any]) -> Iterator[Result]:
    for group in ("public", "derived", "negative"):
        for vector in content.get(group, ()):
            test = _PROVIDERS.get(vector["provider"])
            if test is None:
                detail = f"no connector for {vector['provider']}"
                yield Result(vector["id"], Outcome.UNSUPPORTED, detail)
            else:
                yield check(vector["id"], partial(test, vector))


def _bank_differs(row: Mapping[str, Any]) -> str | None:
    ours = banks().get(row["bin"])
    if ours is None:
        return "not in our table"
    seen = (ours.code, ours.short_name, ours.legal_name_vi, ours.swift)
    theirs = tuple(row.get(key) for key in ("code", "short_name", "legal_name_vi", "swift"))
    return _differs("bank", seen, theirs)


def _run_banks(content: Mapping[str, Any]) -> Iterator[Result]:
    for row in content["banks"]:
        yield check(f"bank-{row['bin']}", partial(_bank_differs, row))
    theirs = {row["bin"] for row in content["banks"]}
    yield check("banks-complete", lambda: _differs("only ours", sorted(set(banks()) - theirs), []))


PAYMENTS = Suite("payments", lambda content: "public" in content, _run_payments)
BANKS = Suite("banks", lambda content: "banks" in content, _run_banks)
