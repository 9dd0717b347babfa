"""How much is signed at a time: places with a key, with its provider, with the time-stampers.

Of this process; several processes each have their own. A time-stamping authority that is asked too
much at once answers nobody (the government's takes four).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass

from gateway.documents.rules import Authority
from signing.contract import Level


@dataclass(frozen=True, slots=True)
class BatchPolicy:
    """How many documents one process signs at a time."""

    per_key: int = 4
    per_provider: int = 16
    per_timestamps: int = 4


class SigningPlaces:
    """Gates that batches and embeddings go through together."""

    def __init__(self, authority: Authority, policy: BatchPolicy) -> None:
        self._authority = authority
        self._keys: defaultdict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(policy.per_key)
        )
        self._providers: defaultdict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(policy.per_provider)
        )
        self._timestamps = asyncio.Semaphore(policy.per_timestamps)

    @contextlib.asynccontextmanager
    async def with_key(self, signer: str, level: str) -> AsyncIterator[None]:
        """A place to sign with a key that opens here; the scarcest gate is entered last."""
        provider = self._authority.use_of(signer).provider
        async with self._keys[signer], self._providers[provider], self.with_timestamps(level):
            yield

    @contextlib.asynccontextmanager
    async def with_timestamps(self, level: str) -> AsyncIterator[None]:
        """A place with the time-stamping authorities; B-B needs none."""
        gate = self._timestamps if level != Level.B_B else contextlib.nullcontext()
        async with gate:
            yield
