"""Keys on a real (software) token: sessions, PINs, mechanisms, and what goes wrong."""

from __future__ import annotations

import asyncio
import dataclasses
import threading

import pytest
from cryptography.hazmat.primitives import hashes

from signing.contract import (
    CredentialRefused,
    KeyConfig,
    Level,
    Role,
    SigningUnavailable,
    SignOrder,
)
from signing.evidence.signatures import signature_holds
from signing.keys import source_for, token, token_library
from tests.signing import oracles
from tests.signing.keys.conftest import PIN

pytestmark = pytest.mark.softhsm
KEYS = {"official-rsa": "01", "official-ec": "02"}


@pytest.fixture(autouse=True)
def close_tokens():
    """Every test ends logged out, and no act is left open."""
    yield
    for one in token._tokens.values():
        assert one._stays or (one._acts == 0 and not one.logged_in)
        one.close()
        one._acts = 0


def the_token(key):
    return token.find_token(key)


def pull(config):
    """Make the library forget every session, as when a card is pulled and put back."""
    slot_id = int(the_token(config)._slot.slot_id)
    token_library.close_lost_session(token_library.load(config), slot_id)


async def refused(make_service, decision_pdf, key, pin=None):
    service = make_service(keys=(key,))
    with pytest.raises((CredentialRefused, SigningUnavailable)) as caught:
        await service.sign(SignOrder(decision_pdf, key.name, Role.INVISIBLE, Level.B_B, pin=pin))
    assert caught.value.message_vi
    assert PIN not in str(caught.value)
    return caught.value


@pytest.mark.oracle
@pytest.mark.parametrize("name", KEYS)
async def test_a_token_signs_to_b_lta_and_others_agree(
    make_service, server, decision_pdf, token_key, tmp_path, name
):
    """RSASSA-PSS and ECDSA P-256 made on the token, judged by programs that are not ours."""
    service = make_service(keys=(token_key(name, key_id=KEYS[name]),))
    signed = await service.sign(SignOrder(decision_pdf, name, Role.PERSON, pin=PIN))
    path = tmp_path / "signed.pdf"
    path.write_bytes(signed.pdf)
    assert ("Person1", "Signature is Valid.") in oracles.pdfsig_verdicts(path)[0]
    assert oracles.openssl_accepts(signed.pdf, server.pki.root_pem, tmp_path)
    ((der, _, _), *_) = oracles.messages(signed.pdf)
    (info,) = oracles.cms.ContentInfo.load(der)["content"]["signer_infos"]
    algorithm = info["signature_algorithm"]["algorithm"].native
    assert algorithm == {"official-rsa": "rsassa_pss", "official-ec": "sha256_ecdsa"}[name]


async def test_the_audited_exception_signs_with_pkcs1(token_key):
    """PKCS#1 v1.5 only when it is configured."""
    key = await source_for(token_key(allow_pkcs1v15=True)).open(PIN)
    raw = await key.sign_raw(b"data")
    public = key.certificate.public_key()
    assert signature_holds(public, raw, b"data", hashes.SHA256(), pss=False)
    assert not signature_holds(public, raw, b"data", hashes.SHA256(), pss=True)
    assert len(raw) == key.signature_size
    await key.release()


@pytest.mark.parametrize("name", KEYS)
async def test_a_token_that_only_takes_digests_signs_as_well(token_key, monkeypatch, name):
    """Some tokens have no mechanism that hashes: the digest is made here."""
    pkcs11 = token_library.binding()
    names = pkcs11.Mechanism
    plain = frozenset(map(int, (names.RSA_PKCS_PSS, names.RSA_PKCS, names.ECDSA)))
    monkeypatch.setattr(token.Token, "mechanisms", plain)
    for pkcs1 in (False, True):
        key = await source_for(token_key(name, key_id=KEYS[name], allow_pkcs1v15=pkcs1)).open(PIN)
        raw = await key.sign_raw(b"data")
        public = key.certificate.public_key()
        assert signature_holds(public, raw, b"data", hashes.SHA256(), pss=not pkcs1, salt_length=32)
        await key.release()


async def test_a_token_without_our_mechanisms_is_refused(token_key, monkeypatch):
    """No silent step down to PKCS#1 v1.5."""
    pkcs11 = token_library.binding()
    monkeypatch.setattr(token.Token, "mechanisms", frozenset({int(pkcs11.Mechanism.RSA_PKCS)}))
    with pytest.raises(CredentialRefused) as caught:
        await source_for(token_key()).open(PIN)
    assert caught.value.code == "mechanism_missing"
    assert not the_token(token_key()).logged_in


async def test_the_pin_of_one_act_is_forgotten_and_the_token_logged_out(
    make_service, decision_pdf, token_key
):
    """After the act nothing in the service holds the PIN, and the next act needs it again."""
    config = token_key()
    service = make_service(keys=(config,))
    await service.sign(SignOrder(decision_pdf, config.name, Role.INVISIBLE, Level.B_B, pin=PIN))
    assert not the_token(config).logged_in
    assert the_token(config).idle_sessions == 0
    assert service._signers == {}
    assert (await refused(make_service, decision_pdf, config)).code == "pin_required"


async def test_a_wrong_pin_is_refused_and_leaves_nothing_open(
    make_service, decision_pdf, token_key
):
    """The token itself judges the PIN, also after a right one; it tells that it counts."""
    config = token_key()
    for _ in range(3):
        wrong = await refused(make_service, decision_pdf, config, pin="000000")
        assert isinstance(wrong, CredentialRefused)
        assert wrong.code == "wrong_pin"
        assert "nhập sai" in wrong.message_vi
        assert not the_token(config).logged_in
    service = make_service(keys=(config,))
    order = SignOrder(decision_pdf, config.name, Role.INVISIBLE, Level.B_B, pin=PIN)
    assert (await service.sign(order)).level is Level.B_B
    assert (await refused(make_service, decision_pdf, config, pin="0")).code == "wrong_pin"


@pytest.mark.parametrize("digest", ["sha384", "sha512"])
@pytest.mark.parametrize("pkcs1v15", [False, True])
@pytest.mark.parametrize(("name", "key_id"), [("official-rsa", "01"), ("official-ec", "02")])
async def test_a_token_signs_with_the_configured_digest(
    make_service, decision_pdf, token_key, digest, pkcs1v15, name, key_id
):
    """The mechanism follows; what the token made is verified before it is embedded."""
    config = token_key(name, key_id=key_id, digest=digest, allow_pkcs1v15=pkcs1v15)
    order = SignOrder(decision_pdf, config.name, Role.INVISIBLE, Level.B_B, pin=PIN)
    service = make_service(keys=(config,))
    assert (await service.validate((await service.sign(order)).pdf)).signatures[0].integrity


async def test_a_wrong_pin_during_anothers_act_is_refused(token_key):
    """While one act is logged in, a second PIN is compared and cannot ride along."""
    first = await source_for(token_key()).open(PIN)
    with pytest.raises(CredentialRefused) as caught:
        await source_for(token_key("official-ec", key_id="02")).open("000000")
    assert caught.value.code == "wrong_pin"
    second = await source_for(token_key("official-ec", key_id="02")).open(PIN)
    await first.release()
    assert await second.sign_raw(b"still open")
    await second.release()
    await second.release()
    assert not the_token(token_key()).logged_in


async def test_a_configured_pin_keeps_the_token_open_for_the_seal(
    make_service, decision_pdf, token_key
):
    """An HSM's seal: listed without anybody's PIN, sessions reused; a given PIN must be equal."""
    config = token_key("agency", "Con dau", password=PIN)
    service = make_service(keys=(config,))
    (credential,) = await service.credentials()
    assert credential.key_type == "rsa-2048"
    order = SignOrder(decision_pdf, "agency", Role.INVISIBLE, Level.B_B)
    await service.sign(order)
    await service.sign(dataclasses.replace(order, pin=PIN))
    assert the_token(config).logged_in
    assert the_token(config).idle_sessions == 1
    with pytest.raises(CredentialRefused) as caught:
        await service.sign(dataclasses.replace(order, pin="000000"))
    assert caught.value.code == "wrong_pin"


async def test_sessions_are_bounded_and_shared(token_key):
    """Twenty signatures at once with two sessions: none is lost, no third session is opened."""
    config = token_key("agency", "Con dau", password=PIN, sessions=2)
    found = the_token(config)
    found._places = threading.BoundedSemaphore(2)
    key = await source_for(config).open()
    raws = await asyncio.gather(*(key.sign_raw(f"{n}".encode()) for n in range(20)))
    assert len(set(raws)) == 20
    assert 1 <= found.idle_sessions <= 2


async def test_a_library_without_locks_is_used_by_one_thread_at_a_time(token_key, monkeypatch):
    """Signatures asked for at once still all come, one after another."""
    config = token_key("agency", "Con dau", password=PIN)
    inside, most = [], 0

    class Alone:
        def __enter__(self):
            nonlocal most
            lock.acquire()
            inside.append(threading.get_ident())
            most = max(most, len(set(inside)))

        def __exit__(self, *_):
            inside.pop()
            lock.release()

    lock = threading.RLock()
    one = dataclasses.replace(token_library.load(config), alone=Alone())
    monkeypatch.setattr(the_token(config), "_library", one)
    key = await source_for(config).open()
    raws = await asyncio.gather(*(key.sign_raw(f"{n}".encode()) for n in range(8)))
    assert len(set(raws)) == 8
    assert most == 1


async def test_a_restarted_token_is_opened_anew(make_service, decision_pdf, token_key):
    """The library forgot every session (card pulled and put back): the next act still works."""
    config = token_key("agency", "Con dau", password=PIN)
    service = make_service(keys=(config,))
    order = SignOrder(decision_pdf, "agency", Role.INVISIBLE, Level.B_B)
    await service.sign(order)
    token_library.close_lost_session(
        token_library.load(config), int(the_token(config)._slot.slot_id)
    )
    assert (await service.sign(order)).level is Level.B_B


async def test_a_token_pulled_during_the_act_is_told(
    make_service, decision_pdf, token_key, monkeypatch
):
    """Nothing is signed, and no time-stamping authority is blamed for it."""
    config = token_key("agency", "Con dau", password=PIN)
    service = make_service(keys=(config,))
    order = SignOrder(decision_pdf, "agency", Role.INVISIBLE, Level.B_T)
    await service.sign(order)
    pkcs11 = token_library.binding()

    class Pulled:
        slot_id = 0

        def get_token(self):
            raise pkcs11.TokenNotPresent

    found = the_token(config)
    pull(config)
    monkeypatch.setattr(found, "_slot", Pulled())
    with pytest.raises(SigningUnavailable) as caught:
        await service.sign(order)
    assert caught.value.code == "token_absent"
    assert "chưa được ký" in caught.value.message_vi


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"label": "Khong co"}, "token_absent"),
        ({"serial": "0000"}, "token_absent"),
        ({"key_id": "55"}, "key_not_found"),
        ({"key_id": "", "key_label": "nobody"}, "key_not_found"),
        ({"label": "Rong"}, "key_not_found"),
        ({"certificate_label": "missing"}, "key_not_found"),
        ({"certificate_label": "issuer"}, "wrong_key_usage"),
        ({"certificate_label": "stranger"}, "bad_signature"),
    ],
)
async def test_what_is_not_on_the_token_is_told(
    make_service, decision_pdf, token_key, changes, code
):
    """Missing token, key and certificate each have their own answer."""
    config = token_key(**changes)
    found = await refused(make_service, decision_pdf, config, pin=PIN)
    assert found.code == code


async def test_key_and_certificate_are_found_by_label_and_serial(token_key):
    """Labels instead of the id; the token by its serial number instead of its label."""
    by_label = token_key()
    serial = the_token(by_label)._slot.get_token().serial.decode().strip()
    config = token_key(label="", serial=serial, key_id="", key_label="official-ec")
    key = await source_for(config).open(PIN)
    assert key.credential.key_type == "ecdsa-p256"
    assert len(key.chain) == 3
    await key.release()


@pytest.mark.parametrize("path", ["/nowhere/lib.so", __file__])
async def test_a_library_that_does_not_load_is_told(tokens, token_key, path):
    """A missing file and one that is no library."""
    config = dataclasses.replace(token_key(), path=path)
    with pytest.raises(SigningUnavailable) as caught:
        await source_for(config).open(PIN)
    assert caught.value.code == "token_library"


@pytest.mark.parametrize(
    "changes", [{"label": ""}, {"key_id": ""}, {"key_id": "xy"}, {"key_id": "123"}]
)
def test_an_incomplete_configuration_is_refused_at_the_start(token_key, changes):
    """Nothing to find the token or the key by, or an id that is not hexadecimal."""
    with pytest.raises(CredentialRefused) as caught:
        source_for(token_key(**changes))
    assert caught.value.code == "key_misconfigured"


def test_no_pin_is_shown():
    """A configuration's and an order's text leave the secrets out."""
    assert PIN not in repr(KeyConfig("x", "pkcs11", password=PIN))
    assert PIN not in repr(SignOrder(b"", "x", Role.PERSON, pin=PIN, otp=PIN))
