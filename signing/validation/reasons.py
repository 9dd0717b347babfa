"""Every code that may stand as the ``reason`` of a validation, and what it says to a machine.

Owns the closed lists: a code that is not listed does not type-check where a reason is asked for.
Each has its Vietnamese sentence in ``sentences`` and its line in docs/validation-reasons.md. Leaves
when a code is deserved to the other modules of this room.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, get_args

BrokenReason = Literal["resaved", "loose_end", "odd_byte_range", "broken_cms", "econtent"]
IntegrityReason = Literal["hash_mismatch", "bad_signature_value", "broken_cms"]
CarriedReason = Literal["foreign_data", "reserve_added"]
UpdateReason = Literal["ambiguous_update"]
StampReason = Literal["unsigned_field_added", "large_overlay", "redraw_asked"]
ChangeReason = (
    Literal[
        "modified",
        "modified_unknown",
        "docmdp_violated",
        "form_changed",
        "field_mismatch",
        "picture_changed",
        "picture_unknown",
        "text_covered",
        "time_limit",
    ]
    | CarriedReason
    | UpdateReason
    | StampReason
)
AlgorithmRemark = Literal["weak_algorithm", "unlisted_algorithm", "pkcs1v15"]
TrustReason = Literal["untrusted", "revoked", "expired", "not_yet_valid", "revocation_unknown"]
CertificateStatus = Literal["good", "revoked", "expired", "not_yet_valid", "unknown", "untrusted"]
SignatureReason = (
    Literal[
        "intact",
        "padding_used",
        "no_signed_attributes",
        "wrong_usage",
        "weak_chain",
        "time_future",
        "unsupported_algorithm",
        "internal",
    ]
    | BrokenReason
    | IntegrityReason
    | ChangeReason
    | AlgorithmRemark
    | TrustReason
)
FileReason = (
    Literal[
        "no_signature",
        "signature_removed",
        "removals_unknown",
        "not_a_pdf",
        "too_large",
        "unreadable",
        "decode_limit",
        "too_many",
        "memory_limit",
        "checker_lost",
    ]
    | SignatureReason
)

MEANINGS: Final[Mapping[FileReason, str]] = {
    "intact": "valid: nothing speaks against it",
    "no_signature": "the file carries no signature; pictures of stamps and hands are none",
    "signature_removed": (
        "the bytes still hold a whole signature (named) that the newest revision does not show"
    ),
    "removals_unknown": "too many traces of signatures that nothing shows, or no time for them",
    "not_a_pdf": "another kind of file",
    "too_large": "beyond the size that is judged at all",
    "unreadable": "a damaged or truncated PDF",
    "decode_limit": "compressed data that inflates beyond what is safe",
    "too_many": "more signatures than are judged in one file",
    "memory_limit": "the file needs more memory than a checker may have",
    "checker_lost": "the checking process died over the file; another try may end otherwise",
    "internal": "a fault of the judgement itself at this signature",
    "time_limit": "the file costs too much time to judge to the end",
    "resaved": "written anew after signing: ask for the original",
    "loose_end": "data behind the signed part that no update of the file accounts for",
    "odd_byte_range": "the signed byte range does not cover what it must",
    "broken_cms": "the signature's own data cannot be read",
    "econtent": "the signature carries content of its own instead of signing this file",
    "hash_mismatch": "the signed bytes are not the ones that were signed",
    "bad_signature_value": "the value was not made with the certificate's key",
    "modified": "changed after signing in a way that is never allowed",
    "modified_unknown": "the later changes cannot be analysed",
    "docmdp_violated": "changed more than the certifying signature allows",
    "form_changed": "form fields that nobody listed were filled in (named)",
    "field_mismatch": "fields filled in after signing show something else than they hold (named)",
    "picture_changed": "pages look different from when they were signed (named)",
    "picture_unknown": "pages could not be drawn to be compared",
    "text_covered": "a later signature's picture hides text (pages named)",
    "foreign_data": "validation data holds something that is none",
    "reserve_added": "an update carries content that nothing uses yet",
    "ambiguous_update": "an update is written so that two readers may see two contents",
    "unsigned_field_added": "a later signature field shows a picture and holds no signature",
    "large_overlay": "a later signature's picture covers most of a page",
    "redraw_asked": "a later update asks viewers to draw the form anew",
    "padding_used": "the room kept for the signature holds something else as well",
    "no_signed_attributes": "the signature does not bind its certificate",
    "wrong_usage": "the certificate was issued for another purpose than signing documents",
    "weak_chain": "a certificate above it, or its own, is signed with what is weak by now",
    "unsupported_algorithm": "an algorithm (named) that this validator cannot reckon with",
    "weak_algorithm": "SHA-1, RSA below 2048 bits and the like",
    "unlisted_algorithm": "not in the list of TT 15/2025/TT-BKHCN",
    "pkcs1v15": "RSA PKCS#1 v1.5, where the circular asks for RSASSA-PSS",
    "untrusted": "no chain to a configured root",
    "revoked": "the certificate is revoked",
    "expired": "the certificate ended, and nothing proves that it was used before",
    "not_yet_valid": "the certificate was not valid yet",
    "revocation_unknown": "nobody says whether the certificate is revoked",
    "time_future": "the time-stamp tells a time that is still to come",
}


def listed(codes: object) -> frozenset[str]:
    """The codes of one of the closed lists, those within it included."""
    found: set[str] = set()
    for part in get_args(codes):
        found |= {part} if isinstance(part, str) else listed(part)
    return frozenset(found)
