"""Options of signing: keys, time-stamps, trust, preservation, confirmations and batches.

Part of ``gateway.settings``, which reads and checks them.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

Positive = Annotated[int, msgspec.Meta(ge=1)]


class KeyToken(msgspec.Struct, frozen=True, kw_only=True):
    """For `kind = "pkcs11"`: the token, and the key on it; what is empty is not asked for."""

    label: str = ""  # of the token
    serial: str = ""  # of the token
    slot: int | None = None  # number of the slot it is in
    key_label: str = ""  # of the private key
    key_id: str = ""  # of key and certificate (CKA_ID), hexadecimal
    certificate_label: str = ""  # empty = found by key_id, else by key_label
    sessions: Positive = 4  # open at once in each signer process


class KeyService(msgspec.Struct, frozen=True, kw_only=True):
    """For `kind` `csc`, `smartca`, `mysign` and `hook`: the remote service; see signing-keys.md."""

    url: str = ""  # https; csc: without /credentials/…: https://host/csc/v1
    api: str = ""  # csc: v1 or v2; mysign: vtss or csc; empty = the first
    credential_id: str = ""  # the key at the service; smartca: serial number of the certificate
    access_token: str = ""  # csc: secret; or client_id and client_secret
    client_id: str = ""  # csc: OAuth 2.0 client credentials; smartca: sp_id
    client_secret: str = ""  # secret; smartca: sp_password; hook: HMAC key, from 32 characters
    user_id: str = ""  # smartca, mysign: whose key (identity or tax number)
    profile_id: str = "adss:ras:profile:001"  # mysign
    delivery: str = ""  # mysign vtss: poll, wait or callback; empty = poll
    callback_id: str = ""  # mysign vtss: the client_id the service calls us with
    callback_secret: str = ""  # secret; mysign vtss: the client_secret it calls us with
    timeout_s: Annotated[float, msgspec.Meta(gt=0, le=180)] = 60.0  # for one answer
    valid_s: Annotated[float, msgspec.Meta(ge=0)] = 0.0  # a request's life; 0 = the service's own


class SigningKey(msgspec.Struct, frozen=True, kw_only=True):
    """One key the signer processes may open."""

    kind: str = "pkcs12"  # pkcs12, pem, pkcs11 (token, HSM), csc, smartca, mysign, hook or vgca
    path: str = ""  # .p12 or .pem file, PKCS#11 library, for vgca the certificate; must exist
    password: str = ""  # password or PIN; empty = the PIN sent with each signature opens it
    holder: str = ""  # whose it is: official:nguyen.van.a or agency:H55.12
    name: str = ""  # as printed: the person's, or the agency's
    title: str = ""  # chức danh
    clerks: list[str] = []  # officials who may use an agency's key (văn thư)
    certifies: list[str] = []  # agency codes this person certifies copies for
    image: str = ""  # PNG of the handwritten signature or the seal
    image_width_mm: float | None = None  # as drawn on the page
    image_height_mm: float | None = None  # as drawn on the page
    allow_pkcs1v15: bool = False  # an audited exception; RSASSA-PSS otherwise
    digest: str = "sha256"  # sha256, sha384 or sha512; the PSS salt is as long
    most_at_once: Positive = 50  # signatures under one confirmation in the service's application
    token: KeyToken = KeyToken()
    remote: KeyService = KeyService()


class TimestampAuthority(msgspec.Struct, frozen=True, kw_only=True):
    """One authority; the government's needs a long time-out and few requests at once."""

    url: str  # RFC 3161 over HTTP; one that stands in urls keeps its place there
    timeout_s: Annotated[float, msgspec.Meta(gt=0, le=180)] = 30.0  # for one answer
    concurrent: Positive = (
        4  # requests at once, over all signer processes (on PostgreSQL: of all machines)
    )
    attempts: Annotated[int, msgspec.Meta(ge=1, le=10)] = 1  # before the next authority is asked
    backoff_s: Annotated[float, msgspec.Meta(ge=0, le=60)] = 2.0  # doubled with each attempt
    user: str = ""  # for HTTP basic authentication
    password: str = ""  # secret
    headers: dict[str, str] = {}  # sent with every request


class Timestamps(msgspec.Struct, frozen=True, kw_only=True):
    """Time-stamp authorities, tried in order."""

    urls: list[str] = []  # RFC 3161 over HTTP; B-T and above need one
    timeout_s: Annotated[float, msgspec.Meta(gt=0, le=180)] = 30.0  # of those without options
    authorities: list[TimestampAuthority] = []  # options; the ones not in urls are tried last
    # the clerk's act: each signature its own time-stamp, or one of the document over all of them
    of_an_act: Literal["each", "one"] = "each"
    # where signer processes of this machine count requests and share a breaker; empty = a folder of
    # this user's for all gateways over one PostgreSQL database, else one of the gateway's own
    slots_folder: str = ""
    # where they share answers about revocation (up to 256 MB); empty = beside the folder above
    answers_folder: str = ""


class Anchor(msgspec.Struct, frozen=True, kw_only=True):
    """One root whose kind verdicts name; the name in brackets is yours."""

    file: str = ""  # the root certificate, PEM or DER; must exist
    kind: str = "own"  # government (chuyên dùng Chính phủ), public (national root) or own


class Trust(msgspec.Struct, frozen=True, kw_only=True):
    """Roots (files, PEM or DER) and where revocation data may be fetched."""

    roots: list[str] = []  # certificate files: whom signatures are believed from
    intermediates: list[str] = []  # certificate files that complete chains
    fetch_hosts: list[str] = []  # where OCSP and CRL may be fetched; empty = any public host
    rewrite_hosts: dict[str, str] = {}  # host in certificates → host (and port) to ask instead
    allow_loopback: bool = False  # for the development PKI only
    # neither OCSP nor CRL answers: refuse (no B-LT, B-LTA), or warn (B-T, the warning is kept)
    revocation_unknown: Literal["refuse", "warn"] = "refuse"
    anchors: dict[str, Anchor] = {}  # by name
    online_revocation: bool = False  # validation may ask OCSP and CRL services; else the file alone
    validation_limit_s: Annotated[float, msgspec.Meta(gt=0, le=600)] = 60.0  # for one file


class ConfirmationSection(msgspec.Struct, frozen=True, kw_only=True):
    """Officials who confirm outside of the gateway: in a provider's application, at their desk."""

    wait_s: Positive = 1_209_600  # how long a step waits; then it is free again
    hand_off_s: Positive = 3_600  # how long the desktop signer's addresses work
    downloads: Positive = 3  # how often it may fetch the file: once, and after broken transfers
    per_provider: Positive = 4  # calls to one provider at the same time, by all processes


class BatchSection(msgspec.Struct, frozen=True, kw_only=True):
    """Many documents under one confirmation."""

    per_key: Positive = 4  # documents signed with one key at the same time, by all processes
    per_provider: Positive = 16  # with the keys of one kind of service (csc, pkcs11 …), likewise
    per_timestamps: Positive = 4  # signatures that need time-stamps at the same time, likewise


class Retention(msgspec.Struct, frozen=True, kw_only=True):
    """How long documents of one kind are kept provable; the name in brackets is the kind.

    Certified copies are of the kind ``certified_copy``; a kind without a period is kept for ever.
    """

    # whole years since it was last signed or issued, or "vĩnh viễn" (for ever)
    years: Annotated[int, msgspec.Meta(ge=1, le=200)] | Literal["vĩnh viễn"] = "vĩnh viễn"
    legal_basis: str = ""  # the rule that says so, for whoever reads this file


class Preservation(msgspec.Struct, frozen=True, kw_only=True):
    """Keeping signed documents provable."""

    alarm_after_h: Positive = 24  # a level that was not reached for so long is told
    alarm_before_days: Positive = 7  # and in any case so long before the proof ends
    # archive time-stamps that end within so long are renewed; 0 = never by itself
    renew_within_days: Annotated[int, msgspec.Meta(ge=0)] = 90
    # waits before each try to raise a level, the last one repeated
    retry_s: tuple[int, ...] = (60, 300, 900, 3_600)
    digest: str = "sha256"  # of archive time-stamps: sha256, sha384, sha512
    algorithms: str = ""  # file that says which algorithm ends when; empty = the one that ships
    retention: dict[str, Retention] = {}  # by kind; afterwards nothing is renewed, nothing deleted


class SigningSection(msgspec.Struct, frozen=True, kw_only=True):
    """Keys, time-stamps, trust."""

    keys: dict[str, SigningKey] = {}  # by name
    timestamps: Timestamps = Timestamps()
    trust: Trust = Trust()
    # true: officials sign and seal only by a row of the authority register, for every agency
    authority_register_required: bool = False
    preservation: Preservation = Preservation()
    when_unavailable: str = "refuse"  # TSA or OCSP is down: refuse, or sign_and_raise (later)
    processes: Positive = 1  # signer processes, each with its own copy of the keys; as many readers
    time_style: str = "vgca"  # in stamps: vgca = 09.02.2026 15:38:47 +07:00, iso = ISO 8601
    confirmations: ConfirmationSection = ConfirmationSection()
    batches: BatchSection = BatchSection()
    templates: str = ""  # file of document templates; empty = the one that ships
