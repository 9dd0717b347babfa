"""Names of hashes as messages write them (AlgorithmIdentifier; NIST's and OIW's arcs).

Owns the few that signatures and time-stamps use. Leaves whether one is strong enough to the
callers.
"""

from __future__ import annotations

from signing.reading import der
from signing.reading.der import Element, NotDer, write_oid

_HASHES = {
    write_oid("2.16.840.1.101.3.4.2.1"): "sha256",
    write_oid("2.16.840.1.101.3.4.2.2"): "sha384",
    write_oid("2.16.840.1.101.3.4.2.3"): "sha512",
    write_oid("1.3.14.3.2.26"): "sha1",
}
_IDENTIFIERS = {name: identifier for identifier, name in _HASHES.items()}


def hash_name(algorithm: Element) -> str:
    """The hash an AlgorithmIdentifier names; ``NotDer`` for one we do not know."""
    name = _HASHES.get(algorithm.expect(der.SEQUENCE).children()[0].whole)
    if name is None:
        raise NotDer("an unknown hash")
    return name


def write_hash_name(name: str) -> bytes:
    """An AlgorithmIdentifier."""
    return der.write(der.SEQUENCE, _IDENTIFIERS[name], der.NULL)
