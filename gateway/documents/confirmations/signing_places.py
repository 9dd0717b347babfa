"""How much is signed at a time: places with a key, with its provider, with the time-stampers.

Of all processes together (``foundation.places``). A time-stamping authority that is asked too much
at once answers nobody (the government's takes four), so that every signing and raising that needs
one takes a place, also an official's single one.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from gateway.documents.rules import Authority
from gateway.foundation.places import Places
from signing.contract import Level

Timestamping = Callable[[str], AbstractAsyncContextManager[None]]  # a place for a level's stamps


@dataclass(frozen=True, slots=True)
class BatchPolicy:
    """How many documents are signed at a time, by all processes together."""

    per_key: int = 4
    per_provider: int = 16
    per_timestamps: int = 4


class SigningPlaces:
    """Gates that everything that signs goes through together."""

    def __init__(self, authority: Authority, policy: BatchPolicy, places: Places) -> None:
        self._authority = authority
        self._policy = policy
        self._places = places

    @contextlib.asynccontextmanager
    async def with_key(self, signer: str) -> AsyncIterator[None]:
        """A place to sign one of many documents with a key that opens here."""
        provider = self._authority.use_of(signer).provider
        key = (f"key:{self._authority.keys.get(signer, signer)}", self._policy.per_key)
        async with self._places.taken(key, (f"provider:{provider}", self._policy.per_provider)):
            yield

    @contextlib.asynccontextmanager
    async def with_provider(self, provider: str, count: int) -> AsyncIterator[None]:
        """A place to call a provider of keys whose owners confirm elsewhere."""
        async with self._places.taken((f"calls:{provider}", count)):
            yield

    @contextlib.asynccontextmanager
    async def with_timestamps(self, level: str) -> AsyncIterator[None]:
        """A place with the time-stamping authorities; B-B needs none."""
        if level == Level.B_B:
            yield
            return
        async with self._places.taken(("timestamps", self._policy.per_timestamps)):
            yield
