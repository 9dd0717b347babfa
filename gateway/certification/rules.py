"""The register's laws and a certified copy's states: pure decisions.

Numbering follows NĐ 23/2015/NĐ-CP, art. 13 and TT 01/2020/TT-BTP, art. 4: one run a year, agency
and kind of book, from 1, continuous, not restarted by a new volume; one number however many
copies. Entries are never deleted, only cancelled by decision (TT 01/2020, art. 7).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Status(StrEnum):
    """A certification's life: a draft has no number; a revoked one keeps its number."""

    DRAFT = "draft"
    ISSUED = "issued"
    REVOKED = "revoked"


KINDS = ("copy_from_original",)
SUBJECT = "certified_copy"  # what the authority register and the evidence log call it


@dataclass(frozen=True, slots=True)
class RegisterKey:
    """One run of numbers. Live and test never share a book; portals of one mode do."""

    mode: str
    agency_code: str
    book: str
    year: int


@dataclass(frozen=True, slots=True)
class Register:
    """The state of a register as one signing sees it."""

    last: int
    fence: int
    lease_until: datetime | None

    def is_held(self, now: datetime) -> bool:
        """Whether somebody is signing with the next number."""
        return self.lease_until is not None and self.lease_until > now

    def allows(self, fence: int, number: int) -> bool:
        """Whether a signing begun under ``fence`` may still enter ``number``.

        The lease may have run out: as long as nobody took it since, the number is still ours.
        """
        return self.fence == fence and self.lease_until is not None and self.last == number - 1


@dataclass(frozen=True, slots=True)
class Certifier:
    """A person who may certify: their key, name and title; ``agencies`` empty means any."""

    credential: str
    name: str
    title: str
    agencies: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Agency:
    """An agency that certifies: its name as printed, and its key."""

    credential: str
    name: str


@dataclass(frozen=True, slots=True)
class Secrets:
    """What the certifier gives at the act, for their own key and the agency's; kept nowhere."""

    pin: str | None = field(default=None, repr=False)
    otp: str | None = field(default=None, repr=False)
    agency_pin: str | None = field(default=None, repr=False)
    agency_otp: str | None = field(default=None, repr=False)


_ANYTHING = frozenset({"pin", "otp"})


@dataclass(frozen=True, slots=True)
class Offices:
    """Who certifies, by ``official:…``, and for whom, by agency code.

    ``at_service``: credentials kept by services that cannot be asked what became of a call.
    ``elsewhere``: credentials whose owners confirm each signature outside of the gateway.
    ``takes``: credential → which of ``pin`` and ``otp`` it can use; both, when it is not listed.
    """

    certifiers: Mapping[str, Certifier] = field(default_factory=dict)
    agencies: Mapping[str, Agency] = field(default_factory=dict)
    at_service: frozenset[str] = frozenset()
    elsewhere: frozenset[str] = frozenset()
    takes: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def unused(self, certifier: str, agency_code: str, given: Secrets) -> dict[str, str]:
        """Which secrets were given to a key that cannot use them: pointer → sentence."""
        own = self.takes.get(self.certifiers[certifier].credential, _ANYTHING)
        seal = self.takes.get(self.agencies[agency_code].credential, _ANYTHING)
        asked = {
            "pin": (given.pin, own),
            "otp": (given.otp, own),
            "agency_pin": (given.agency_pin, seal),
            "agency_otp": (given.agency_otp, seal),
        }
        return {
            f"/{name}": "Khóa ký này không dùng mã được gửi qua đây, hãy bỏ trường này."
            for name, (value, taken) in asked.items()
            if value is not None and name.removeprefix("agency_") not in taken
        }

    def call_service(self, certifier: str, agency_code: str) -> bool:
        """Whether such a service is called to sign for these two."""
        signers = (self.certifiers.get(certifier), self.agencies.get(agency_code))
        return any(one is not None and one.credential in self.at_service for one in signers)

    def confirmed_elsewhere(self, certifier: str, agency_code: str) -> dict[str, str]:
        """Which fields name a key that cannot sign at once: pointer → sentence.

        A register's next number is held while both sign, which is seconds, not days.
        """
        named = {
            "/certifier": self.certifiers.get(certifier),
            "/agency_code": self.agencies.get(agency_code),
        }
        return {
            pointer: "Khóa ký này do chủ khóa xác nhận ở nơi khác nên không chứng thực được:"
            " số chứng thực chỉ được giữ trong lúc ký."
            for pointer, one in named.items()
            if one is not None and one.credential in self.elsewhere
        }

    def unknown(self, certifier: str, agency_code: str) -> dict[str, str]:
        """Which fields name somebody who may not certify there: pointer → sentence."""
        errors: dict[str, str] = {}
        person = self.certifiers.get(certifier)
        if agency_code not in self.agencies:
            errors["/agency_code"] = "Cơ quan này chưa được cấu hình để chứng thực."
        if person is None:
            errors["/certifier"] = "Người này chưa được cấu hình để chứng thực."
        elif person.agencies and agency_code not in person.agencies:
            errors["/certifier"] = "Người này không chứng thực cho cơ quan đó."
        return errors


def why_not_sign(status: Status, certifier: str, official: str | None) -> str | None:
    """The problem code that forbids this official to sign this certification, if any."""
    if official is None:
        return "official_required"
    if official != certifier:
        return "not_your_certification"
    return None if status is Status.DRAFT else "certification_closed"


def book_in_path(segment: str) -> str:
    """``SCT-BS`` (as addresses write it) or ``SCT/BS`` → ``SCT/BS``."""
    return segment.replace("-", "/", 1) if "/" not in segment else segment


def printed_number(number: int) -> str:
    """At least two digits: the first of a year is ``01``."""
    return f"{number:02d}"


def printed_volume(volume: int, year: int) -> str:
    """``01/2026``."""
    return f"{volume:02d}/{year}"


class FileMatch(StrEnum):
    """How a file somebody holds relates to what was issued, by its bytes alone."""

    SAME = "same"
    EXTENDED = "extended"  # an issued file, with something appended
    OTHER = "other"


def file_verdict(match: FileMatch, verdict: str | None, *, same_signatures: bool) -> str:
    """What to say about a file: ``ok``, ``newer``, ``changed``, ``unclear`` or ``unchecked``.

    ``verdict`` is the signing service's; None when it could not be asked. Only an archive
    time-stamp may have been appended: another signature makes it another document.
    """
    if match is FileMatch.SAME:
        return "ok"
    if match is FileMatch.OTHER:
        return "changed"
    if verdict is None:
        return "unchecked"
    if verdict == "indeterminate" and same_signatures:
        return "unclear"
    return "newer" if verdict == "valid" and same_signatures else "changed"
