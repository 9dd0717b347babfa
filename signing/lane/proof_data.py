"""The document security store: certificates, OCSP answers and CRLs kept with the signatures.

Owns adding to the store that is there, or beginning one (ETSI EN 319 142-1, 5.4); what is stored
already is not stored again, nothing is taken out. Leaves gathering the proof to the caller.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from signing.lane.document import LaneDocument
from signing.lane.file import LaneFile
from signing.lane.refusal import NotForTheLane
from signing.lane.revision import Revision, stream_body
from signing.lane.syntax import Dictionary, Reference, reference

_MAX_STORED = 2_000


@dataclass(frozen=True, slots=True)
class ProofData:
    """What proves a signature later, each item DER."""

    certificates: tuple[bytes, ...] = ()
    ocsps: tuple[bytes, ...] = ()
    crls: tuple[bytes, ...] = ()

    def groups(self) -> tuple[tuple[bytes, tuple[bytes, ...]], ...]:
        """By the store's names."""
        return (b"/Certs", self.certificates), (b"/OCSPs", self.ocsps), (b"/CRLs", self.crls)


@dataclass(slots=True)
class Store:
    """The document's store: its entries, where it is written, digest → place of what it holds."""

    entries: Dictionary
    place: Reference | None
    held: dict[bytes, bytes]
    arrays: dict[bytes, list[bytes]]


def read_store(file: LaneFile) -> Store:
    """Read the store that is there, or begin an empty one.

    Raises:
        NotForTheLane: it is not as a store should be.
    """
    raw = file.catalog.get(b"/DSS")
    value = file.resolve(raw)
    entries = Dictionary() if value is None else file.dictionary(raw)
    arrays = {name: file.items(entries.get(name)) for name, _ in ProofData().groups()}
    held = dict(_held(file, arrays))
    return Store(entries, None if value is None else reference(raw), held, arrays)


def _held(file: LaneFile, arrays: dict[bytes, list[bytes]]) -> Iterator[tuple[bytes, bytes]]:
    if sum(len(items) for items in arrays.values()) > _MAX_STORED:
        raise NotForTheLane("the store of proof is too large")
    for items in arrays.values():
        for item in items:
            target = reference(item)
            if target is None:
                raise NotForTheLane("the store of proof is broken")
            yield hashlib.sha256(file.stream(target)[1]).digest(), item


def enter_proof(document: LaneDocument, revision: Revision, store: Store, proof: ProofData) -> None:
    """Add proof to the store, and the store to the catalog."""
    for name, items in proof.groups():
        array = store.arrays[name]
        for der in dict.fromkeys(items):
            digest = hashlib.sha256(der).digest()
            if digest not in store.held:
                store.held[digest] = bytes(revision.new(stream_body(b"", der)))
            if store.held[digest] not in array:
                array.append(store.held[digest])
        if array:
            store.entries = store.entries.having({name: b"[" + b" ".join(array) + b"]"})
    store.entries = store.entries.having({b"/Type": b"/DSS"})
    if store.place is not None:
        revision.put(store.place, bytes(store.entries))
    else:
        place = revision.new(bytes(store.entries))
        document.change_catalog({b"/DSS": bytes(place)})
