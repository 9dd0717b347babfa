"""Who may sign what, for which agency, in what capacity, on which day: pure decisions.

Owns the meaning of a *mandate* (one row of the authority register, sổ thẩm quyền ký) and every
reason to say that none covers an act. Leaves keys and the clerks who hold them to ``rules``, rows
to ``authority_store``. Follows NĐ 30/2020/NĐ-CP, art. 13: the head signs, in the agency's name
(TM.) where it decides collectively; a deputy in the head's place (KT.); an acting head (Q.); the
head of a unit by order (TL.) or by a written authorisation that is limited in time and content and
cannot be handed on (TUQ.).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from gateway.foundation.clock import vietnam_day
from signing.contract import CertificateBinding

ROLES = ("initial", "person", "agency")
# What a step is → the roles of mandates that cover it. An initial needs no more than what signing
# needs; copies and annexes are the clerk's, with the agency's key.
_COVERED_BY = {
    "initial": ("initial", "person"),
    "person": ("person",),
    "agency": ("agency",),
    "copy": ("agency",),
    "annex": ("agency",),
    "certifier": ("person",),
}
_WITHOUT_CAPACITY = ("initial", "certifier")  # acts that state none
_BY_AUTHORISATION = "TUQ."
_OWN_RIGHT = (None, "TM.", "Q.")  # capacities of a head, who alone may authorise (art. 13 §3)
_DAY = "%d.%m.%Y"


@dataclass(frozen=True, slots=True)
class Mandate:
    """One row of the register with its end, if it was ended; ``id`` empty until it is entered.

    ``document_kinds`` empty means any kind; ``valid_from`` and ``valid_to`` are Vietnamese days,
    both included; from ``ended_at`` on the mandate does not act.
    """

    id: str
    agency_code: str
    official: str
    role: str
    decision_number: str
    decision_date: date
    valid_from: date
    valid_to: date | None = None
    capacities: tuple[str | None, ...] = (None,)
    title: str | None = None
    document_kinds: frozenset[str] = frozenset()
    granted_by: str | None = None
    binding: CertificateBinding | None = None
    credential: str | None = None
    ended_at: datetime | None = None
    end_reason: str | None = None

    def acts_at(self, moment: datetime) -> bool:
        """Whether it is in force at this moment."""
        day = vietnam_day(moment)
        if self.ended_at is not None and moment >= self.ended_at:
            return False
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)

    def last_day(self) -> date | None:
        """The day on which it stops, or None while no end is known."""
        ended = vietnam_day(self.ended_at) if self.ended_at is not None else None
        days = [day for day in (ended, self.valid_to) if day is not None]
        return min(days, default=None)

    def accepts(self, certificate: bytes) -> bool:
        """Whether this certificate (DER) may be used under it."""
        return self.binding is None or self.binding.fits(certificate)

    @property
    def basis(self) -> str:
        """The decision it rests on, as people cite it."""
        return f"{self.decision_number} ngày {self.decision_date:{_DAY}}"


@dataclass(frozen=True, slots=True)
class Wish:
    """What an official wants to do; ``agency_code`` None when the request names no agency."""

    official: str
    role: str
    capacity: str | None
    title: str | None
    agency_code: str | None
    document_kind: str
    credential: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why no mandate covers a wish: a code and a Vietnamese sentence."""

    code: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Ruling:
    """Either a refusal, or the mandates that cover the act (none where the register is silent)."""

    grounds: tuple[Mandate, ...] = ()
    refusal: Refusal | None = None

    @property
    def bindings(self) -> tuple[CertificateBinding, ...]:
        """The certificates to choose from; empty when some ground takes any."""
        named = tuple(m.binding for m in self.grounds if m.binding is not None)
        return named if len(named) == len(self.grounds) else ()

    def ground_for(self, certificate: bytes) -> Mandate | None:
        """The mandate under which this certificate (DER) was used."""
        return next((m for m in self.grounds if m.accepts(certificate)), None)


def judge(wish: Wish, mandates: Iterable[Mandate], *, required: bool = False) -> Ruling:
    """Whether the register lets an official do what they want.

    Args:
        wish: the act; ``at`` decides, not the present.
        mandates: every row of the wished agency, or of all agencies when none is named.
        required: refuse also where the register is silent.
    """
    rows = [m for m in mandates if wish.agency_code in (None, m.agency_code)]
    if not rows and not required:
        return Ruling()
    for code, holds, say in _NARROWING:
        left = [m for m in rows if holds(m, wish)]
        if not left:
            return Ruling(refusal=Refusal(code, say(rows, wish)))
        rows = left
    return Ruling(tuple(rows))


def problem_of_new(new: Mandate, register: Iterable[Mandate], today: date) -> dict[str, str]:
    """What is wrong with a row that is to be entered: field → Vietnamese sentence.

    ``today`` is the Vietnamese day: a decision that is still to be made grants nothing yet, and
    none grants anything for the days before it (NĐ 30/2020/NĐ-CP, art. 13 §3).
    """
    wrong: dict[str, str] = {}
    decided = f"{new.decision_date:{_DAY}}"
    if new.decision_date > today:
        wrong["legal_basis/date"] = f"Quyết định không thể mang ngày ở tương lai ({decided})."
    if new.valid_from < new.decision_date:
        wrong["valid_from"] = f"Thẩm quyền không thể bắt đầu trước ngày {decided} của quyết định."
    if new.valid_to is not None and new.valid_to < new.valid_from:
        wrong["valid_to"] = "Ngày hết hiệu lực phải từ ngày bắt đầu trở đi."
    if new.role != "person" and new.capacities != (None,):
        wrong["capacities"] = "Chỉ người ký văn bản mới có thể thức đề ký (TM., KT., …)."
    if _BY_AUTHORISATION in new.capacities:
        wrong |= _authorisation_problems(new, register)
    return wrong


def _authorisation_problems(new: Mandate, register: Iterable[Mandate]) -> dict[str, str]:
    """A written authorisation: limited in time and content, by a head, not handed on."""
    wrong: dict[str, str] = {}
    if new.capacities != (_BY_AUTHORISATION,):
        wrong["capacities"] = "Ký thừa ủy quyền (TUQ.) phải là một dòng riêng."
    if new.valid_to is None:
        wrong["valid_to"] = "Ký thừa ủy quyền (TUQ.) phải có thời hạn."
    if not new.document_kinds:
        wrong["document_kinds"] = "Ký thừa ủy quyền (TUQ.) phải giới hạn loại văn bản."
    if new.granted_by is None:
        wrong["granted_by"] = "Ký thừa ủy quyền (TUQ.) phải nêu người ủy quyền."
    elif new.granted_by == new.official:
        wrong["granted_by"] = "Không ai tự ủy quyền cho mình."
    elif not any(_may_authorise(m, new) for m in register):
        wrong["granted_by"] = (
            "Người ủy quyền không phải người đứng đầu cơ quan này vào ngày đó; người được ủy quyền"
            " không được ủy quyền lại."
        )
    return wrong


def _may_authorise(mandate: Mandate, new: Mandate) -> bool:
    return (
        mandate.official == new.granted_by
        and mandate.agency_code == new.agency_code
        and mandate.role == "person"
        and any(capacity in _OWN_RIGHT for capacity in mandate.capacities)
        and mandate.valid_from <= new.valid_from
        and (mandate.last_day() or date.max) >= new.valid_from
    )


# ------------------------------------------------------------------ narrowing

_Holds = Callable[[Mandate, Wish], bool]
_Say = Callable[[Sequence[Mandate], Wish], str]


def _is_theirs(mandate: Mandate, wish: Wish) -> bool:
    return mandate.official == wish.official and mandate.role in _COVERED_BY[wish.role]


def _covers_kind(mandate: Mandate, wish: Wish) -> bool:
    return not mandate.document_kinds or wish.document_kind in mandate.document_kinds


def _covers_capacity(mandate: Mandate, wish: Wish) -> bool:
    if mandate.role != "person" or wish.role in _WITHOUT_CAPACITY:
        return True
    return wish.capacity in mandate.capacities


def _covers_title(mandate: Mandate, wish: Wish) -> bool:
    if mandate.title is None or wish.title is None or wish.role == "initial":
        return True
    return _plain(mandate.title) == _plain(wish.title)


def _covers_credential(mandate: Mandate, wish: Wish) -> bool:
    return mandate.credential in (None, wish.credential)


def _in_force(mandate: Mandate, wish: Wish) -> bool:
    return mandate.acts_at(wish.at)


def _say_missing(rows: Sequence[Mandate], wish: Wish) -> str:
    what = "ký cho" if "person" in _COVERED_BY[wish.role] else "dùng con dấu của"
    return f"Sổ thẩm quyền không có dòng nào cho {wish.official} {what} {_agency(wish)}."


def _say_kind(rows: Sequence[Mandate], wish: Wish) -> str:
    return (
        f"Thẩm quyền của {wish.official} tại {_agency(wish)} không gồm loại văn bản"
        f" “{wish.document_kind}”."
    )


def _say_capacity(rows: Sequence[Mandate], wish: Wish) -> str:
    granted = sorted({_capacity(c) for m in rows for c in m.capacities})
    return (
        f"{wish.official} không được đề ký {_capacity(wish.capacity)} tại {_agency(wish)}; sổ thẩm"
        f" quyền cho phép: {', '.join(granted)}."
    )


def _say_title(rows: Sequence[Mandate], wish: Wish) -> str:
    titles = sorted({f"“{m.title}”" for m in rows if m.title})
    return f"Chức vụ “{wish.title}” khác với sổ thẩm quyền: {', '.join(titles)}."


def _say_credential(rows: Sequence[Mandate], wish: Wish) -> str:
    return f"Khóa ký “{wish.credential}” không phải khóa ghi trong sổ thẩm quyền."


def _say_when(rows: Sequence[Mandate], wish: Wish) -> str:
    """Name the day: when it ended, or when it will begin."""
    today = vietnam_day(wish.at)
    coming = [m for m in rows if m.valid_from > today and _lasts(m)]
    if coming:
        first = min(coming, key=lambda m: m.valid_from)
        return (
            f"Thẩm quyền của {wish.official} tại {_agency(wish)} chỉ bắt đầu từ ngày"
            f" {first.valid_from:{_DAY}} (theo {first.basis})."
        )
    last = max(rows, key=lambda m: m.last_day() or date.min)
    why = f"; lý do: {last.end_reason}" if last.end_reason else ""
    return (
        f"Thẩm quyền của {wish.official} tại {_agency(wish)} đã hết ngày"
        f" {last.last_day() or last.valid_from:{_DAY}} (theo {last.basis}{why})."
    )


def _lasts(mandate: Mandate) -> bool:
    """Whether it has a moment in force at all: a row may be ended before it begins."""
    last = mandate.last_day()
    return last is None or last >= mandate.valid_from


_NARROWING: tuple[tuple[str, _Holds, _Say], ...] = (
    ("authority_missing", _is_theirs, _say_missing),
    ("authority_document_kind", _covers_kind, _say_kind),
    ("authority_capacity", _covers_capacity, _say_capacity),
    ("authority_title", _covers_title, _say_title),
    ("authority_credential", _covers_credential, _say_credential),
    ("authority_not_in_force", _in_force, _say_when),
)


def _agency(wish: Wish) -> str:
    return f"cơ quan {wish.agency_code}" if wish.agency_code else "các cơ quan trong sổ"


def _capacity(capacity: str | None) -> str:
    return capacity or "trực tiếp (không có chữ viết tắt)"


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())
