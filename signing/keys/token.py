"""One PKCS#11 token in this process: its login, and a bounded pool of sessions.

PKCS#11 keeps one login state a token and process, whatever the number of sessions, so it is kept
here for all keys on the token. A PIN opens the token only through the token itself; while acts
overlap, a second PIN is compared with a keyed digest of the first (the token has just one user
PIN, and refuses a second login). After the last act of a PIN that is not configured the token is
logged out and its sessions are closed. A session that the token no longer knows (card pulled,
HSM restarted) makes all of them be opened anew. Follows PKCS#11 v2.40 §5.6.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from signing.contract import KeyConfig
from signing.key_config import TokenConfig
from signing.keys.contract import KeyUnavailable
from signing.keys.refusals import wrong_pin
from signing.keys.token_library import Library, binding, close_lost_session, load
from signing.keys.token_refusals import STALE, refusal_of

_T = TypeVar("_T")
_WAIT_FOR_A_SESSION_S = 60.0
_tokens: dict[tuple[str, int], Token] = {}
_tokens_lock = threading.Lock()


@dataclass(slots=True)
class Seat:
    """One session and what was found through it."""

    session: Any
    found: dict[str, Any] = field(default_factory=dict)


class Token:
    """A token's login and sessions; thread-safe, every call may block on the device."""

    def __init__(self, library: Library, slot: Any, sessions: int) -> None:
        self._library = library
        self._slot = slot
        self._lock = threading.Lock()
        self._places = threading.BoundedSemaphore(max(1, sessions))
        self._idle: list[Seat] = []
        self._login: Any = None  # the session that logged in: closing it logs the token out
        self._secret = b""
        self._pin_digest = b""
        self._acts = 0
        self._stays = False
        self._generation = 0

    @property
    def mechanisms(self) -> frozenset[int]:
        """What the token can do, as mechanism numbers."""
        with self._library.alone:
            return frozenset(int(one) for one in self._slot.get_mechanisms())

    @property
    def logged_in(self) -> bool:
        """Whether this process is logged in."""
        return self._login is not None

    @property
    def idle_sessions(self) -> int:
        """Sessions waiting for the next signature."""
        return len(self._idle)

    def enter(self, pin: str, *, stay: bool) -> None:
        """Begin an act with this PIN; ``stay`` keeps the login for the acts to come.

        Raises:
            CredentialRefused: ``wrong_pin``, ``pin_locked`` …
            KeyUnavailable: the token is away.
        """
        with self._lock, self._library.alone:
            if self._login is None:
                self._log_in(pin)
            elif not hmac.compare_digest(self._digest(pin), self._pin_digest):
                raise wrong_pin()
            self._acts += 1
            self._stays = self._stays or stay

    def leave(self) -> None:
        """End an act; the last one logs out, unless the login stays."""
        with self._lock, self._library.alone:
            self._acts -= 1
            if self._acts == 0 and not self._stays:
                self._close_all()

    def close(self) -> None:
        """Log out and forget everything."""
        with self._lock, self._library.alone:
            self._stays = False
            self._close_all()

    def run(self, pin: str, work: Callable[[Seat], _T]) -> _T:
        """Do something in a session; once more in a new one when the token forgot the old.

        Raises:
            CredentialRefused, KeyUnavailable.
        """
        generation = self._generation
        error_type = binding().PKCS11Error
        try:
            with self._seat() as seat, self._library.alone:
                return work(seat)
        except error_type as error:
            if type(error).__name__ not in STALE:
                raise refusal_of(error) from error
        self._reopen(pin, generation)
        try:
            with self._seat() as seat, self._library.alone:
                return work(seat)
        except error_type as error:
            raise refusal_of(error) from error

    def _reopen(self, pin: str, generation: int) -> None:
        """Log in anew, unless another act has done so since ``generation``."""
        with self._lock, self._library.alone:
            if generation == self._generation:
                self._close_all()
                self._log_in(pin)

    @contextmanager
    def _seat(self) -> Iterator[Seat]:
        if not self._places.acquire(timeout=_WAIT_FOR_A_SESSION_S):
            raise KeyUnavailable(
                "token_busy",
                "Thiết bị ký đang bận; văn bản chưa được ký, xin thử lại.",
                "no session of the token became free",
            )
        try:
            with self._lock, self._library.alone:
                generation = self._generation
                seat = self._idle.pop() if self._idle else Seat(self._slot.get_token().open())
            try:
                yield seat
            except BaseException:
                with self._lock, self._library.alone:
                    _close(seat.session)
                raise
            with self._lock, self._library.alone:
                if generation == self._generation:
                    self._idle.append(seat)
                else:
                    _close(seat.session)
        finally:
            self._places.release()

    def _log_in(self, pin: str) -> None:
        try:
            self._login = self._slot.get_token().open(user_pin=pin)
        except binding().PKCS11Error as error:
            close_lost_session(self._library, int(self._slot.slot_id))
            raise refusal_of(error, self._flags()) from error
        self._secret = os.urandom(32)
        self._pin_digest = self._digest(pin)

    def _flags(self) -> int | None:
        """The token's own flags, read afresh."""
        with suppress(binding().PKCS11Error):
            return int(self._slot.get_token().flags)
        return None

    def _digest(self, pin: str) -> bytes:
        return hmac.digest(self._secret, pin.encode(), hashlib.sha256)

    def _close_all(self) -> None:
        for seat in self._idle:
            _close(seat.session)
        self._idle.clear()
        if self._login is not None:
            _close(self._login)
        self._login, self._secret, self._pin_digest = None, b"", b""
        self._generation += 1


def _close(session: Any) -> None:
    with suppress(binding().PKCS11Error):  # a session the token forgot is closed already
        session.close()


def find_token(config: KeyConfig) -> Token:
    """The configured token; one object a slot and process.

    Raises:
        KeyUnavailable: ``token_library``, ``token_absent``, ``token_ambiguous``.
    """
    wanted = config.token or TokenConfig()
    pkcs11 = binding()
    with _tokens_lock:
        library = load(config)
        try:
            with library.alone:
                present = library.bound.get_slots(token_present=True)
                slots = [slot for slot in present if _fits(slot, wanted)]
        except pkcs11.PKCS11Error as error:
            raise refusal_of(error) from error
        if not slots:
            raise refusal_of(pkcs11.NoSuchToken())
        if len(slots) > 1:
            raise KeyUnavailable(
                "token_ambiguous",
                f"Có nhiều thiết bị ký cùng khớp cấu hình khóa “{config.name}”.",
                f"{len(slots)} tokens fit the configuration of key {config.name!r}",
            )
        place = (config.path, int(slots[0].slot_id))
        if place not in _tokens:
            _tokens[place] = Token(library, slots[0], wanted.sessions)
        return _tokens[place]


def _fits(slot: Any, wanted: TokenConfig) -> bool:
    if wanted.slot is not None and int(slot.slot_id) != wanted.slot:
        return False
    token = slot.get_token()
    serial = token.serial.decode("ascii", "replace").strip()
    return wanted.label in ("", token.label.strip()) and wanted.serial in ("", serial)
