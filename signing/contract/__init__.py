"""The vocabulary both sides speak: what a signing service is asked, what it answers.

Holds plain picklable values (they cross into signer processes) and protocols; knows no PDF
library, no dossier and no database. Lengths on paper are millimetres from the page's visible
top-left corner; times are aware. Import from here, not from its parts.
"""

from signing.contract.act_evidence import ActCheck, ActEvidence, CheckOutcome
from signing.contract.attestation import Attestation, Attested, AttestedFile
from signing.contract.binding import CertificateBinding
from signing.contract.breakers import BreakerState, BreakerStates
from signing.contract.earlier import with_earlier_signatures
from signing.contract.errors import (
    CredentialRefused,
    DocumentRefused,
    SigningError,
    SigningUnavailable,
)
from signing.contract.inspection import (
    ExistingSignature,
    Finding,
    Inspection,
    Repaired,
    Severity,
)
from signing.contract.keys import Clock, Credential, SignerConfig
from signing.contract.large import LargeFiles
from signing.contract.numbering import Numbering
from signing.contract.orders import (
    DocumentNumber,
    Level,
    Placement,
    Role,
    Signed,
    SignedFile,
    SignedPdf,
    SigningPath,
    SignOrder,
)
from signing.contract.pieces import SignaturePiece, SignedPieces, TakingApart
from signing.contract.preservation import (
    Extended,
    ExtendedFile,
    ExtendedPdf,
    ExtensionEvidence,
    Preserving,
    Provability,
    VoidStamps,
)
from signing.contract.remote import (
    OUTCOME_UNKNOWN,
    Confirmation,
    HandOffs,
    Prepared,
    PreparedFile,
    RemoteFilePaths,
    RemoteFiles,
    RemoteItem,
    RemoteSignatures,
    RemoteState,
    Ticket,
    Told,
)
from signing.contract.revocation import (
    CertificateStatus,
    FetchedList,
    RevocationFinding,
    Watching,
)
from signing.contract.service import KeyTrying, Signatures
from signing.contract.survey import DocumentSurvey, Gap, Letterhead, PageSurvey
from signing.contract.timestamps import TimeSource, TimestampAuthority, TimestampTrip
from signing.contract.validation import (
    AnchorKind,
    SignatureVerdict,
    TrustAnchor,
    Validation,
    Verdict,
    undecided_file,
)
from signing.key_config import KeyConfig

__all__ = [
    "OUTCOME_UNKNOWN",
    "ActCheck",
    "ActEvidence",
    "AnchorKind",
    "Attestation",
    "Attested",
    "AttestedFile",
    "BreakerState",
    "BreakerStates",
    "CertificateBinding",
    "CertificateStatus",
    "CheckOutcome",
    "Clock",
    "Confirmation",
    "Credential",
    "CredentialRefused",
    "DocumentNumber",
    "DocumentRefused",
    "DocumentSurvey",
    "ExistingSignature",
    "Extended",
    "ExtendedFile",
    "ExtendedPdf",
    "ExtensionEvidence",
    "FetchedList",
    "Finding",
    "Gap",
    "HandOffs",
    "Inspection",
    "KeyConfig",
    "KeyTrying",
    "LargeFiles",
    "Letterhead",
    "Level",
    "Numbering",
    "PageSurvey",
    "Placement",
    "Prepared",
    "PreparedFile",
    "Preserving",
    "Provability",
    "RemoteFilePaths",
    "RemoteFiles",
    "RemoteItem",
    "RemoteSignatures",
    "RemoteState",
    "Repaired",
    "RevocationFinding",
    "Role",
    "Severity",
    "SignOrder",
    "SignaturePiece",
    "SignatureVerdict",
    "Signatures",
    "Signed",
    "SignedFile",
    "SignedPdf",
    "SignedPieces",
    "SignerConfig",
    "SigningError",
    "SigningPath",
    "SigningUnavailable",
    "TakingApart",
    "Ticket",
    "TimeSource",
    "TimestampAuthority",
    "TimestampTrip",
    "Told",
    "TrustAnchor",
    "Validation",
    "Verdict",
    "VoidStamps",
    "Watching",
    "undecided_file",
    "with_earlier_signatures",
]
