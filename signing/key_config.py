"""How a key is configured: a file, a token or HSM, a remote service.

Plain picklable values with the rules that can be checked before any key is opened; part of the
contract, which offers ``KeyConfig`` under its own name too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_HEX = re.compile(r"([0-9A-Fa-f]{2})*")
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class TokenConfig:
    """Where on a PKCS#11 token or HSM a key is; what is empty is not asked for.

    The token is found by all that is given of label, serial and slot; key and certificate by label
    or by id (CKA_ID in hex), which both share when they were made together.
    """

    label: str = ""
    serial: str = ""
    slot: int | None = None
    key_label: str = ""
    key_id: str = ""
    certificate_label: str = ""  # default: the certificate with the key's id, else its label
    sessions: int = 4  # open at once; the rest wait

    def rules(self) -> dict[str, bool]:
        """What must hold before a token is looked for."""
        return {
            "token: cần label, serial hoặc slot": (
                bool(self.label or self.serial) or self.slot is not None
            ),
            "token: cần key_id hoặc key_label": bool(self.key_id or self.key_label),
            "token.key_id: phải là số thập lục phân": bool(_HEX.fullmatch(self.key_id)),
        }


@dataclass(frozen=True, slots=True)
class RemoteConfig:
    """A key kept by a remote signing service that speaks the Cloud Signature Consortium's API."""

    url: str = ""  # up to and without "/credentials/…", such as https://host/csc/v1
    api: str = "v1"  # v1 or v2
    credential_id: str = ""
    access_token: str = field(default="", repr=False)  # or client_id and client_secret
    client_id: str = ""
    client_secret: str = field(default="", repr=False)  # OAuth 2.0 client credentials
    timeout_s: float = 60.0  # for one answer; a person may be confirming meanwhile

    def rules(self) -> dict[str, bool]:
        """What must hold before a PIN is sent anywhere."""
        parts = urlsplit(self.url)
        here = parts.scheme == "http" and parts.hostname in _LOOPBACK
        return {
            "remote.url: cần địa chỉ https": bool(parts.hostname)
            and (parts.scheme == "https" or here),
            "remote.api: phải là “v1” hoặc “v2”": self.api in ("v1", "v2"),
            "remote.credential_id: chưa có": bool(self.credential_id),
        }


@dataclass(frozen=True, slots=True)
class KeyConfig:
    """One configured key: ``kind`` names the module in ``signing.keys`` that opens it."""

    name: str
    kind: str  # pkcs12, pkcs11, csc
    path: str = ""  # the .p12 file, or the PKCS#11 library
    password: str | None = field(default=None, repr=False)
    image_path: str | None = None  # transparent PNG: handwritten signature (blue) or seal (red)
    image_width_mm: float | None = None  # the seal is shown in its real size
    image_height_mm: float | None = None
    allow_pkcs1v15: bool = False  # audited exception; RSASSA-PSS otherwise (TT 15/2025)
    token: TokenConfig | None = None  # pkcs11
    remote: RemoteConfig | None = None  # csc

    def faults(self) -> list[str]:
        """What can never work, each as ``key: Vietnamese sentence``."""
        rules: dict[str, bool] = {}
        if self.kind == "pkcs11":
            rules = (self.token or TokenConfig()).rules()
        elif self.kind == "csc":
            rules = (self.remote or RemoteConfig()).rules()
        return [sentence for sentence, holds in rules.items() if not holds]
