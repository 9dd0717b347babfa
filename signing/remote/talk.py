"""The conversation with providers about acts that wait: send, ask, withdraw, be told.

Owns finding the key an act is about and nothing else; needs no PDF library, so that it can run in
processes of its own, beside those that sign. Leaves each provider's words to ``signing.keys``, the
two halves of the file to ``signing.remote.service``.
"""

from __future__ import annotations

from collections.abc import Mapping

from signing.contract import (
    Clock,
    CredentialRefused,
    RemoteItem,
    SignerConfig,
    SignOrder,
    Ticket,
    Told,
)
from signing.key_config import REMOTE_KINDS
from signing.keys import source_for
from signing.keys.contract import ConfirmedSource, KeySource


class RemoteTalk:
    """The part of ``RemoteSignatures`` that only talks; over the keys of ``_keys``."""

    _clock: Clock
    _keys: dict[str, KeySource]

    async def start(self, credential: str, reference: str, items: tuple[RemoteItem, ...]) -> Ticket:
        """Send once; see ``RemoteSignatures``."""
        return await self._confirmed(credential).start(reference, items, self._clock.now())

    async def ask(self, ticket: Ticket) -> Ticket:
        """What became of it; see ``RemoteSignatures``."""
        return await self._confirmed(ticket.credential).ask(ticket, self._clock.now())

    async def cancel(self, ticket: Ticket) -> Ticket:
        """Withdraw it; see ``RemoteSignatures``."""
        return await self._confirmed(ticket.credential).cancel(ticket, self._clock.now())

    async def read_callback(self, credential: str, headers: Mapping[str, str], body: bytes) -> Told:
        """Verify and read what a provider pushed; see ``RemoteSignatures``."""
        source = self._confirmed(credential)
        return source.read_callback(headers, body, self._clock.now())

    async def try_key(self, order: SignOrder) -> None:
        """Open it, close it again; see ``KeyTrying``."""
        await (await self._source(order.credential).open(order.pin, order.otp)).release()

    def _source(self, name: str) -> KeySource:
        source = self._keys.get(name)
        if source is None:
            raise CredentialRefused(
                "unknown_credential",
                f"Không có khóa ký “{name}”.",
                f"no key is called {name!r}",
            )
        return source

    def _confirmed(self, name: str) -> ConfirmedSource:
        source = self._source(name)
        if not isinstance(source, ConfirmedSource):
            raise CredentialRefused(
                "not_confirmed_elsewhere",
                f"Khóa “{name}” không phải loại xác nhận trên ứng dụng của dịch vụ ký số.",
                f"key {name!r} is not confirmed in a provider's application",
            )
        return source


class TalkService(RemoteTalk):
    """The conversation alone, over the remote keys of a configuration."""

    def __init__(self, config: SignerConfig, clock: Clock) -> None:
        self._clock = clock
        self._keys = {
            key.name: source_for(key, clock) for key in config.keys if key.kind in REMOTE_KINDS
        }

    async def close(self) -> None:
        """Nothing stays open between two calls."""
