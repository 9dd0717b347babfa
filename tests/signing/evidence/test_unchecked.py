"""An answer is judged once, or given up; its authority hears of it either way."""

from datetime import UTC, datetime, timedelta

import pytest

from signing.contract import Level, Role, SignOrder
from signing.evidence.breaker import Breaker
from signing.evidence.messages import read_message
from signing.evidence.timestamps import TimestampAuthorities
from signing.evidence.unchecked import TokenRefused, UncheckedToken


class Client:
    def __init__(self, objection=None):
        self.objection, self.heard = objection, []

    def judge(self, token, digest, md_algorithm, nonce):
        self.heard.append(("judge", digest, md_algorithm, nonce))
        if self.objection:
            raise self.objection

    def failed(self, error, started):
        self.heard.append(("failed", type(error), started))

    def read(self, token):
        return read_message(token)

    def learn(self, token, message, md_algorithm):
        assert message == read_message(token)
        self.heard.append(("learn", md_algorithm))

    def proved(self, started, answered):
        self.heard.append(("proved", started, answered))

    def given_up(self):
        self.heard.append("given up")


@pytest.fixture
async def token(service, decision_pdf):
    """A true token, as it stands in a signed file."""
    signed = await service.sign(SignOrder(decision_pdf, "official-ec", Role.INVISIBLE, Level.B_T))
    assert read_message(signed.evidence.timestamps[0]).is_timestamp
    return signed.evidence.timestamps[0]


def unchecked(client, token):
    return UncheckedToken(client, token, (b"digest", "sha256", 7), 1.0, 2.0)


async def test_a_token_is_judged_once(token):
    client = Client()
    one = unchecked(client, token)
    one.check()
    one.check()
    one.drop()
    assert client.heard == [
        ("judge", b"digest", "sha256", 7),
        ("learn", "sha256"),
        ("proved", 1.0, 2.0),
    ]


@pytest.mark.parametrize("objection", [TokenRefused("no"), ValueError("no"), KeyError("no")])
async def test_a_lie_is_a_failure_of_its_authority(token, objection):
    client = Client(objection)
    one = unchecked(client, token)
    with pytest.raises(TokenRefused):
        one.check()
    one.drop()
    assert client.heard[1:] == [("failed", TokenRefused, 1.0)]


def test_what_is_no_message_is_a_lie():
    client = Client()
    with pytest.raises(TokenRefused):
        unchecked(client, b"\x30\x03\x02\x01\x01").check()
    assert client.heard == [("failed", TokenRefused, 1.0)]


def test_a_dropped_token_is_no_verdict():
    client = Client()
    one = unchecked(client, b"")
    one.drop()
    one.drop()
    one.check()
    assert client.heard == ["given up"]


async def test_a_check_that_breaks_is_no_verdict_once_it_is_dropped(token):
    """Something of our own went wrong: the authority is not blamed, and not left on trial."""
    client = Client(RuntimeError("not a reader's objection"))
    one = unchecked(client, token)
    with pytest.raises(RuntimeError):
        one.check()
    one.drop()
    assert client.heard[1:] == ["given up"]


async def test_an_authority_on_trial_is_asked_again_when_its_answer_was_dropped(service):
    """Otherwise the first caller to give up would leave it alone for ever."""

    class Later:
        def __init__(self):
            self.moment = datetime(2026, 3, 2, tzinfo=UTC)

        def now(self):
            return self.moment

    clock = Later()
    (client,) = service._authorities.in_order()[:1]
    assert isinstance(service._authorities, TimestampAuthorities)
    breaker = client.breaker = Breaker(clock)
    for _ in range(3):
        breaker.enter()
        breaker.failed()
    assert breaker.is_open
    clock.moment += timedelta(minutes=2)
    answered = await client.answer(bytes(32))
    assert breaker.is_open  # others wait for the verdict
    answered.drop()
    assert not breaker.is_open
    (await client.answer(bytes(32))).check()
    assert not breaker.is_troubled
