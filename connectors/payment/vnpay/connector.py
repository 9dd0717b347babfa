"""The VNPAY connector: the only code of this provider that awaits.

Owns the order of steps: build, sign, send, verify, read. Everything else is in the rooms beside.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from connectors.contract import (
    Account,
    Action,
    ActionType,
    Callback,
    CallbackReply,
    Clock,
    HttpRequest,
    Interpretation,
    Order,
    OutcomeUnknown,
    Receipt,
    RefundOrder,
    RefundReport,
    Report,
    SignatureMismatch,
    Sought,
    Start,
    Transport,
)
from connectors.payment.vnpay import SPEC, messages, signature
from connectors.references import check_account, check_order, url_problem


class VnpayConnector:
    """Payments through VNPAY's page, with query and refunds.

    Options: ``tmn_code`` (8 characters), ``base_url`` (``https://sandbox.vnpayment.vn``), and
    where a terminal differs ``pay_url``, ``api_url``, ``order_type``, ``server_ip``.
    Secret: ``hash_secret``.

    Raises:
        MisconfiguredAccount: every problem of the account at once.
    """

    spec = SPEC

    def __init__(self, account: Account, transport: Transport, clock: Clock) -> None:
        _check(account)
        options = account.options
        base = str(options["base_url"]).rstrip("/")
        self._transport = transport
        self._clock = clock
        self._tmn_code = str(options["tmn_code"])
        self._pay_url = str(options.get("pay_url") or f"{base}/paymentv2/vpcpay.html")
        self._api_url = str(options.get("api_url") or f"{base}/merchant_webapi/api/transaction")
        self._order_type = str(options.get("order_type") or "other")
        self._secrets = account.secrets["hash_secret"]
        server_ip = messages.ip_field(str(options.get("server_ip") or "127.0.0.1"))
        self._terminal = messages.Terminal(self._tmn_code, server_ip, self._secrets[0])
        self._turns = itertools.count()

    async def create(self, order: Order) -> Start:
        """Build the signed address of VNPAY's page; nothing is sent."""
        check_order(SPEC, order)
        fields = messages.pay_fields(order, self._tmn_code, self._order_type)
        url = messages.pay_url(self._pay_url, fields, self._secrets[0])
        kept = ("vnp_CreateDate", "vnp_OrderInfo", "vnp_Amount")
        return Start(Action(ActionType.REDIRECT, url=url), state={k: fields[k] for k in kept})

    async def query(self, sought: Sought) -> Report:
        """Ask querydr about the same reference."""
        fields, answer = await self._ask(sought)
        return replace(messages.read_query_answer(fields), answer=answer)

    async def refund(self, order: RefundOrder) -> RefundReport:
        """Ask for a refund once.

        Raises:
            OutcomeUnknown: also when the answer's signature does not hold: it was sent.
        """
        sent = messages.refund_request(order, self._terminal, self._clock.now())
        try:
            fields, answer = await self._send(sent, signature.REFUND_RESPONSE)
        except SignatureMismatch as error:
            raise OutcomeUnknown("the refund's answer is not VNPAY's") from error
        return replace(messages.read_refund_answer(fields), answer=answer)

    async def query_refund(self, order: RefundOrder) -> RefundReport:
        """Ask querydr what became of a refund."""
        fields, answer = await self._ask(order.payment)
        return replace(messages.read_refund_query(fields, order), answer=answer)

    def read_callback(self, callback: Callback) -> tuple[Interpretation, ...]:
        """Read IPN (leg ``""``) or return (leg ``return``: for display and as a reason to ask)."""
        if callback.method != "GET" or callback.leg not in SPEC.callback_legs:
            raise SignatureMismatch("VNPAY calls with GET on its own addresses only")
        fields = messages.verified_query(callback.query, self._secrets)
        return (messages.read_report(fields, self._tmn_code, callback.leg or "ipn"),)

    def callback_reply(self, receipt: Receipt, callback: Callback) -> CallbackReply:
        """``RspCode`` and ``Message``, always with HTTP 200."""
        del callback
        return messages.reply(receipt)

    async def _ask(self, sought: Sought) -> tuple[dict[str, str], bytes]:
        sent = messages.query_request(sought, self._terminal, self._clock.now(), next(self._turns))
        return await self._send(sent, signature.QUERY_RESPONSE)

    async def _send(
        self, sent: Mapping[str, str], order: Sequence[str]
    ) -> tuple[dict[str, str], bytes]:
        """The verified fields of the answer, and the answer itself."""
        headers = {"content-type": "application/json", "accept": "application/json"}
        body = json.dumps(dict(sent)).encode()
        reply = await self._transport.send(HttpRequest("POST", self._api_url, headers, body))
        return messages.read_answer(reply, sent, self._secrets, order), reply.body


def _check(account: Account) -> None:
    """Raise for every problem of the account's own options at once."""
    problems = []
    if not re.fullmatch(r"[A-Za-z0-9_]{1,20}", str(account.options.get("tmn_code", "x"))):
        problems.append("option tmn_code is not a terminal code")
    for name in ("base_url", "pay_url", "api_url"):
        if account.options.get(name):
            problem = url_problem(name, account.options[name])
            problems += [problem] if problem else []
    check_account(SPEC, account, problems)
