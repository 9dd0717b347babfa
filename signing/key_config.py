"""How a key is configured: a file, a token or HSM, a remote service, a desktop program.

Plain picklable values with the rules that can be checked before any key is opened; part of the
contract, which offers ``KeyConfig`` under its own name too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_HEX = re.compile(r"([0-9A-Fa-f]{2})*")
DIGESTS = ("sha256", "sha384", "sha512")
# SmartCA, MySign and the bridge's protocol know SHA-256 only; a hand-off is the program's choice.
_FREE_DIGEST = ("pkcs12", "pem", "pkcs11", "csc")
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
FILE_KINDS = frozenset({"pkcs12", "pem", "pkcs11", "vgca"})  # whose ``path`` must exist
REMOTE_KINDS = frozenset({"csc", "smartca", "mysign", "hook"})
KINDS = FILE_KINDS | REMOTE_KINDS
_CHOICES: dict[str, dict[str, tuple[str, ...]]] = {  # the first of each is the default
    "csc": {"api": ("v1", "v2")},
    "mysign": {"api": ("vtss", "csc"), "delivery": ("poll", "wait", "callback")},
}
_NEEDED = {
    "csc": ("credential_id",),
    "smartca": ("client_id", "client_secret", "user_id"),
    "mysign": ("client_id", "client_secret", "user_id"),
    "hook": ("client_id", "client_secret"),
}
_SHORTEST_SECRET = 32  # of the hook, whose only proof it is


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
    """A key kept by a remote signing service; which fields count depends on the key's kind."""

    url: str = ""  # csc: up to and without "/credentials/…"; else the service's root
    api: str = ""  # csc: v1 or v2 · mysign: vtss or csc; empty = the first
    credential_id: str = ""  # csc, mysign; smartca: serial number of the certificate
    access_token: str = field(default="", repr=False)  # csc: or client_id and client_secret
    client_id: str = ""  # smartca: sp_id · hook: the name both sides know this gateway by
    client_secret: str = field(default="", repr=False)  # smartca: sp_password · hook: HMAC key
    user_id: str = field(default="", repr=False)  # whose key: identity or tax number
    profile_id: str = "adss:ras:profile:001"  # mysign
    delivery: str = ""  # mysign vtss: poll, wait (the call stays open) or callback
    callback_id: str = ""  # mysign vtss: what we gave the service to call us with
    callback_secret: str = field(default="", repr=False)
    timeout_s: float = 60.0  # for one answer; a person may be confirming meanwhile
    valid_s: float = 0.0  # how long the service keeps a request open; 0 = as it says of itself

    def rules(self, kind: str = "csc") -> dict[str, bool]:
        """What must hold before a secret is sent anywhere."""
        parts = urlsplit(self.url)
        here = parts.scheme == "http" and parts.hostname in _LOOPBACK
        rules = {
            "remote.url: cần địa chỉ https": bool(parts.hostname)
            and (parts.scheme == "https" or here),
        }
        for name, allowed in _CHOICES.get(kind, {}).items():
            sentence = f"remote.{name}: phải là {' hoặc '.join(f'“{one}”' for one in allowed)}"
            rules[sentence] = getattr(self, name) in ("", *allowed)
        for name in _NEEDED[kind]:
            rules[f"remote.{name}: chưa có"] = bool(getattr(self, name))
        if kind == "mysign" and self.delivery == "callback":
            rules["remote.callback_id, callback_secret: cần cho delivery = “callback”"] = bool(
                self.callback_id and self.callback_secret
            )
        if kind == "hook" and self.client_secret:
            rules[f"remote.client_secret: cần từ {_SHORTEST_SECRET} ký tự"] = (
                len(self.client_secret) >= _SHORTEST_SECRET
            )
        return rules


@dataclass(frozen=True, slots=True)
class KeyConfig:
    """One configured key: ``kind`` names the module in ``signing.keys`` that opens it."""

    name: str
    kind: str  # one of KINDS
    path: str = ""  # pkcs12: .p12 · pem: key and certificates · pkcs11: library · vgca: certificate
    password: str | None = field(default=None, repr=False)
    image_path: str | None = None  # transparent PNG: handwritten signature (blue) or seal (red)
    image_width_mm: float | None = None  # the seal is shown in its real size
    image_height_mm: float | None = None
    allow_pkcs1v15: bool = False  # audited exception; RSASSA-PSS otherwise (TT 15/2025)
    digest: str = "sha256"  # of what is signed; the PSS salt is as long as it
    token: TokenConfig | None = None  # pkcs11
    remote: RemoteConfig | None = None  # REMOTE_KINDS

    def faults(self) -> list[str]:
        """What can never work, each as ``key: Vietnamese sentence``."""
        if self.kind not in KINDS:
            return [f"kind: không có loại khóa “{self.kind}”"]
        rules: dict[str, bool] = {
            "digest: phải là sha256, sha384 hoặc sha512": self.digest in DIGESTS,
            "digest: khóa này chỉ ký với sha256": (
                self.kind in _FREE_DIGEST or self.digest == "sha256"
            ),
        }
        if self.kind == "pkcs11":
            rules |= (self.token or TokenConfig()).rules()
        elif self.kind in REMOTE_KINDS:
            rules |= (self.remote or RemoteConfig()).rules(self.kind)
        return [sentence for sentence, holds in rules.items() if not holds]
