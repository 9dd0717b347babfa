"""One question: does this raw signature hold under this public key?

Owns the call into cryptography for RSA (PKCS#1 v1.5, PSS) and ECDSA. Leaves trust in the key to
others; a signature of a kind we do not know does not hold.
"""

from __future__ import annotations

from collections import OrderedDict

from asn1crypto import algos
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

# the hashes that TT 15/2025/TT-BKHCN lists and our keys and time-stamps use
HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
_PKCS1V15 = padding.PKCS1v15()
_USUAL = {name: padding.PSS(padding.MGF1(one), one.digest_size) for name, one in HASHES.items()}

# What the libraries raise for certificates and messages that are no proper ones: nothing below
# Exception is common to it.
UNREADABLE = (
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    UnsupportedAlgorithm,
    ValueError,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)


def signature_holds(
    key: object,
    signature: bytes,
    data: bytes,
    algorithm: hashes.HashAlgorithm,
    *,
    pss: bool,
    salt_length: int | None = None,
) -> bool:
    """Verify; False for a wrong signature as for a key of an unknown kind.

    ``salt_length`` is what the message's algorithm identifier states; None takes any.
    """
    try:
        if isinstance(key, rsa.RSAPublicKey):
            scheme = _pss(algorithm, salt_length) if pss else _PKCS1V15
            key.verify(signature, data, scheme, algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, data, ec.ECDSA(algorithm))
        else:
            return False
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True


class HeldSignatures:
    """Signatures that were seen to hold under one key: the same bytes are verified once.

    Between a key's answer and the proof of the file, the same signature over the same bytes is
    looked at twice. Whatever differs in a bit, or is stated to be made otherwise, is verified.
    """

    _KEPT = 64  # an act's are asked about again within it; a few acts run side by side

    def __init__(self, key: object) -> None:
        self._key = key
        self._is_rsa = isinstance(key, rsa.RSAPublicKey)
        self._held: OrderedDict[tuple[bytes, bytes, str, bool, int | None], None] = OrderedDict()

    def holds(
        self,
        signature: bytes,
        data: bytes,
        algorithm: hashes.HashAlgorithm,
        *,
        pss: bool,
        salt_length: int | None = None,
    ) -> bool:
        """As ``signature_holds``."""
        if not (pss and self._is_rsa):  # other keys know neither
            pss, salt_length = False, None
        question = (signature, data, algorithm.name, pss, salt_length)
        if question in self._held:
            return True
        if not signature_holds(
            self._key, signature, data, algorithm, pss=pss, salt_length=salt_length
        ):
            return False
        self._held[question] = None
        if len(self._held) > self._KEPT:
            self._held.popitem(last=False)
        return True


def _pss(algorithm: hashes.HashAlgorithm, salt_length: int | None) -> padding.PSS:
    if salt_length == algorithm.digest_size and algorithm.name in _USUAL:
        return _USUAL[algorithm.name]
    salt = padding.PSS.AUTO if salt_length is None else salt_length
    return padding.PSS(padding.MGF1(algorithm), salt)


def stated_salt(algorithm: algos.SignedDigestAlgorithm) -> int | None:
    """The PSS salt length an algorithm identifier states; verifiers insist on it."""
    if algorithm.signature_algo != "rsassa_pss":
        return None
    return int(algorithm["parameters"]["salt_length"].native)
