"""VNPost HCC's codes and what they mean, with how sure we are.

Owns three tables: tracking ``StatusCode`` → movement or money, answers to an order, answers to a
cancellation. The NGSP tracking codes are not published. One provincial system in service treats
code 4 as final; nothing else is known. A province therefore enters the table it received with its
contract as the account's ``statuses`` (``{"4" = "delivered", "21" = "money:remitted"}``); what it
enters is ``configured``, what we only infer is ``unconfirmed``, and every other code is unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from connectors.contract import CancelOutcome, MoneyLane, Movement


class Certainty(StrEnum):
    """Where a tracking code's meaning comes from."""

    CONFIGURED = "configured"  # the province's own table, from its contract with VNPost
    UNCONFIRMED = "unconfirmed"  # inferred from systems in service, not from a document
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Status:
    """What one tracking code says about the parcel and about the money at the door."""

    movement: Movement | None
    money: MoneyLane | None
    certainty: Certainty


UNKNOWN: Final = Status(None, None, Certainty.UNKNOWN)
INFERRED: Final[Mapping[str, Status]] = {
    "4": Status(Movement.DELIVERED, None, Certainty.UNCONFIRMED),
}

# ``Status`` of /order/post: 100 = created, 101 = VNPost already has this order number. 500 is what
# the adaptors in between report about themselves, so the order may have gone through.
CREATED: Final = frozenset({"100"})
ALREADY_THERE: Final = frozenset({"101"})

# ``Status`` of /order/cancel, with the ``Type`` codes of VNPost's other order interface: a
# cancellation can wait for approval ("02").
CANCELLATIONS: Final[Mapping[str, CancelOutcome]] = {
    "100": CancelOutcome.ACCEPTED,
    "00": CancelOutcome.ACCEPTED,
    "02": CancelOutcome.WAITING,
    "01": CancelOutcome.REFUSED,
}

_MONEY_PREFIX: Final = "money:"


def read_table(option: Mapping[str, Any]) -> tuple[dict[str, Status], list[str]]:
    """The account's ``statuses`` over what is inferred, and every problem found in it."""
    table, problems = dict(INFERRED), []
    for code, words in option.items():
        try:
            table[str(code)] = _read_status(str(words))
        except ValueError as error:
            problems.append(f"statuses.{code}: {error}")
    return table, problems


def _read_status(words: str) -> Status:
    """``"delivered"``, ``"money:remitted"`` or both, separated by a space."""
    movement: Movement | None = None
    money: MoneyLane | None = None
    for word in words.split():
        if word.startswith(_MONEY_PREFIX):
            money = MoneyLane(word.removeprefix(_MONEY_PREFIX))
        else:
            movement = Movement(word)
    if movement is None and money is None:
        msg = "names neither a movement nor money"
        raise ValueError(msg)
    return Status(movement, money, Certainty.CONFIGURED)
