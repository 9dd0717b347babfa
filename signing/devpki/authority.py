"""The development PKI's keys and certificates, kept in a directory.

Owns the root, the issuing CA, the TSA, the OCSP responder, two officials and an agency; makes them
once and finds them again after a restart. Certificates name the address of their OCSP and CRL: when
the address changes (another port), they are issued anew for the same keys under the same root, so
that what was signed before still validates. Answering over HTTP is ``signing.devpki.server``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)
from cryptography.x509.oid import ExtendedKeyUsageOID

from signing.contract import Clock, KeyConfig, SignerConfig
from signing.devpki.certificates import SIGNER_USAGE, Issuer, PrivateKey, Profile, issue, subject
from signing.devpki.images import draw_scrawl, draw_seal

MARK = "PHÁT TRIỂN"
_OFFICE = "UBND phường Mẫu"
PASSWORD = "phat-trien"  # noqa: S105 - the keys are worthless and say so in their names
SEAL_MM = 36.0
_YEAR = timedelta(days=365)
_STATE = "state.json"


@dataclass(frozen=True, slots=True)
class DevPkiKey:
    """One identity: the name of its files and whom it stands for."""

    name: str
    common_name: str
    organisation: str | None
    title: str | None
    curve: bool  # P-256 instead of RSA-2048
    seal: bool = False


KEYS = (
    DevPkiKey("official-rsa", f"Nguyễn Văn Mẫu ({MARK})", _OFFICE, "Chủ tịch", curve=False),
    DevPkiKey("official-ec", f"Trần Thị Thử ({MARK})", _OFFICE, "Phó Chủ tịch", curve=True),
    DevPkiKey("agency", f"{_OFFICE} ({MARK})", _OFFICE, None, curve=False, seal=True),
)  # fmt: skip


@dataclass(slots=True)
class _State:
    """What survives a restart besides the keys."""

    base_url: str = ""
    serial: int = 1000
    revoked: dict[str, str] = field(default_factory=dict)  # decimal serial → ISO time


class DevPki:
    """Keys and certificates in one directory; see ``create``."""

    root: Issuer
    issuing: Issuer
    tsa: Issuer
    ocsp: Issuer

    def __init__(self, directory: Path, clock: Clock) -> None:
        self.directory = directory
        self.clock = clock
        self._state = _State()

    @classmethod
    def create(cls, directory: Path, clock: Clock) -> DevPki:
        """Make a PKI in a directory, or load the one that is there."""
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        pki = cls(directory, clock)
        pki._load_state()
        root_key = pki._key("root", curve=False)
        pki.root = Issuer(root_key, pki._root_certificate(root_key))
        pki._draw_images()
        if pki._state.base_url:
            pki.issue_for(pki._state.base_url)
        return pki

    @property
    def base_url(self) -> str:
        """The address named in the certificates; empty before ``issue_for``."""
        return self._state.base_url

    @property
    def root_pem(self) -> bytes:
        """The root certificate to trust."""
        return self.root.certificate.public_bytes(Encoding.PEM)

    def revoke(self, serial: int) -> None:
        """Revoke a certificate from now on; kept across restarts."""
        self._state.revoked.setdefault(str(serial), self.clock.now().isoformat())
        self._save_state()

    def forget_revocations(self) -> None:
        """Make every certificate good again (between drills and tests)."""
        self._state.revoked.clear()
        self._save_state()

    def revocations(self) -> dict[int, datetime]:
        """Every revoked serial and since when."""
        return {int(s): datetime.fromisoformat(t) for s, t in self._state.revoked.items()}

    def certificate(self, name: str) -> x509.Certificate:
        """The certificate of an identity."""
        return x509.load_pem_x509_certificate((self.directory / f"{name}.pem").read_bytes())

    def issue_for(self, base_url: str) -> None:
        """Make every certificate name this address; keeps them when they already do."""
        fresh = base_url != self._state.base_url
        self._state.base_url = base_url
        root_crl = f"{base_url}/crl/root.crl"
        self.issuing = self._authority("issuing", root_crl, fresh)
        self.tsa = self._service("tsa", ExtendedKeyUsageOID.TIME_STAMPING, fresh)
        self.ocsp = self._service("ocsp", ExtendedKeyUsageOID.OCSP_SIGNING, fresh)
        for key in KEYS:
            self._identity(key, fresh)
        self._save_state()

    def signer_config(self, base_url: str) -> SignerConfig:
        """What a signing service needs to use these keys at this address."""
        self.issue_for(base_url)
        return SignerConfig(
            keys=tuple(self.key_config(key) for key in KEYS),
            roots=(self.root_pem,),
            intermediates=(self.issuing.certificate.public_bytes(Encoding.PEM),),
            timestamp_urls=(f"{base_url}/tsa",),
            timestamp_timeout_s=5.0,
            allow_loopback=True,
        )

    def key_config(self, key: DevPkiKey) -> KeyConfig:
        """One identity as a configured key."""
        return KeyConfig(
            name=key.name,
            kind="pkcs12",
            path=str(self.directory / f"{key.name}.p12"),
            password=PASSWORD,
            image_path=str(self.directory / f"{key.name}.png"),
            image_width_mm=SEAL_MM if key.seal else None,
            image_height_mm=SEAL_MM if key.seal else None,
        )

    def issue_leaf(
        self,
        name: str,
        *,
        key: PrivateKey,
        common_name: str,
        not_before: datetime | None = None,
        not_after: datetime | None = None,
        usage: frozenset[str] = SIGNER_USAGE,
    ) -> KeyConfig:
        """Issue one more signing certificate, any dates and usage, as PKCS#12 (tests, drills)."""
        profile = self._leaf_profile(not_before, not_after, usage)
        person = subject(common_name)
        self._store_p12(name, key, self._sign_by_issuing(person, key, profile))
        path = str(self.directory / f"{name}.p12")
        return KeyConfig(name=name, kind="pkcs12", path=path, password=PASSWORD)

    def replace_tsa(self) -> None:
        """Give the time-stamping server a new certificate, valid from now (tests, drills)."""
        self.tsa = self._service("tsa", ExtendedKeyUsageOID.TIME_STAMPING, fresh=True)

    def next_serial(self) -> int:
        """A serial number never used before."""
        self._state.serial += 1
        self._save_state()
        return self._state.serial

    # ------------------------------------------------------------------ making certificates

    def _window(self, years: int) -> tuple[datetime, datetime]:
        start = self.clock.now().astimezone(UTC).replace(microsecond=0) - timedelta(hours=1)
        return start, start + years * _YEAR

    def _root_certificate(self, key: PrivateKey) -> x509.Certificate:
        path = self.directory / "root.pem"
        if path.exists():
            return x509.load_pem_x509_certificate(path.read_bytes())
        name = subject(f"Motcua Root CA ({MARK})")
        start, end = self._window(20)
        profile = Profile(
            1, start, end, usage=frozenset({"key_cert_sign", "crl_sign"}), ca_path_length=1
        )
        certificate = issue(name, key.public_key(), profile, name, key)
        path.write_bytes(certificate.public_bytes(Encoding.PEM))
        return certificate

    def _authority(self, name: str, crl_url: str, fresh: bool) -> Issuer:
        key = self._key(name, curve=False)
        if not fresh and (self.directory / f"{name}.pem").exists():
            return Issuer(key, self.certificate(name))
        start, end = self._window(10)
        profile = Profile(
            self.next_serial(), start, end,
            usage=frozenset({"key_cert_sign", "crl_sign"}), ca_path_length=0, crl_url=crl_url,
        )  # fmt: skip
        person = subject(f"Motcua Issuing CA ({MARK})")
        certificate = issue(
            person, key.public_key(), profile, self.root.certificate.subject, self.root.key
        )
        return Issuer(key, self._store(name, certificate))

    def _service(self, name: str, usage: x509.ObjectIdentifier, fresh: bool) -> Issuer:
        key = self._key(name, curve=name == "ocsp")
        if not fresh and (self.directory / f"{name}.pem").exists():
            return Issuer(key, self.certificate(name))
        start, end = self._window(5)
        is_ocsp = usage == ExtendedKeyUsageOID.OCSP_SIGNING
        profile = Profile(
            self.next_serial(), start, end,
            usage=frozenset({"digital_signature"}), extended=(usage,), ocsp_no_check=is_ocsp,
            ocsp_url=None if is_ocsp else f"{self.base_url}/ocsp",
            crl_url=None if is_ocsp else f"{self.base_url}/crl/issuing.crl",
        )  # fmt: skip
        person = subject(f"Motcua {name.upper()} ({MARK})")
        return Issuer(key, self._store(name, self._sign_by_issuing(person, key, profile)))

    def _identity(self, key: DevPkiKey, fresh: bool) -> None:
        if not fresh and (self.directory / f"{key.name}.p12").exists():
            return
        private = self._key(key.name, curve=key.curve)
        person = subject(key.common_name, key.organisation, key.title)
        profile = self._leaf_profile(None, None, SIGNER_USAGE)
        certificate = self._sign_by_issuing(person, private, profile)
        self._store(key.name, certificate)
        self._store_p12(key.name, private, certificate)

    def _leaf_profile(
        self, not_before: datetime | None, not_after: datetime | None, usage: frozenset[str]
    ) -> Profile:
        start, end = self._window(3)
        return Profile(
            self.next_serial(), not_before or start, not_after or end, usage=usage,
            ocsp_url=f"{self.base_url}/ocsp", crl_url=f"{self.base_url}/crl/issuing.crl",
        )  # fmt: skip

    def _sign_by_issuing(
        self, name: x509.Name, key: PrivateKey, profile: Profile
    ) -> x509.Certificate:
        issuer = self.issuing
        return issue(name, key.public_key(), profile, issuer.certificate.subject, issuer.key)

    # ------------------------------------------------------------------ the directory

    def _key(self, name: str, *, curve: bool) -> PrivateKey:
        path = self.directory / f"{name}.key.pem"
        if path.exists():
            key = load_pem_private_key(path.read_bytes(), None)
            assert isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
            return key
        made: PrivateKey = (
            ec.generate_private_key(ec.SECP256R1())
            if curve
            else rsa.generate_private_key(public_exponent=65537, key_size=2048)
        )
        pem = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path.touch(mode=0o600)
        path.write_bytes(pem)
        return made

    def _store(self, name: str, certificate: x509.Certificate) -> x509.Certificate:
        (self.directory / f"{name}.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
        return certificate

    def _store_p12(self, name: str, key: PrivateKey, certificate: x509.Certificate) -> None:
        data = pkcs12.serialize_key_and_certificates(
            name.encode(), key, certificate, [self.issuing.certificate],
            BestAvailableEncryption(PASSWORD.encode()),
        )  # fmt: skip
        path = self.directory / f"{name}.p12"
        path.touch(mode=0o600)
        path.write_bytes(data)

    def _draw_images(self) -> None:
        for position, key in enumerate(KEYS):
            path = self.directory / f"{key.name}.png"
            if not path.exists():
                draw_seal(path) if key.seal else draw_scrawl(path, 0.4 + 1.7 * position)

    def _load_state(self) -> None:
        path = self.directory / _STATE
        if path.exists():
            self._state = _State(**json.loads(path.read_text("utf-8")))

    def _save_state(self) -> None:
        path = self.directory / _STATE
        state = {
            "base_url": self._state.base_url,
            "serial": self._state.serial,
            "revoked": self._state.revoked,
        }
        spare = path.with_suffix(".new")
        spare.write_text(json.dumps(state), "utf-8")
        spare.replace(path)
