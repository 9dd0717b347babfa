"""Answers shared by processes: asked once, bounded, never believed unread; lists in time."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from signing.clock import SystemClock
from signing.contract import (
    CertificateStatus,
    CredentialRefused,
    Level,
    Role,
    SigningUnavailable,
    SignOrder,
)
from signing.evidence import kept_answers
from signing.evidence.kept_answers import KeptAnswers
from signing.processes.pool import SignerPool
from signing.service import SigningService
from tests.signing.evidence.other_processes import hold_a_turn
from tests.signing.validation.signing_kit import make_pdf


class Moved:
    def __init__(self, by=timedelta()):
        self.by = by

    def now(self):
        return datetime.now(UTC) + self.by


def config_of(server, folder):
    return replace(server.signer_config(), revocation_folder=str(folder))


def order(pdf, level=Level.B_LT):
    return SignOrder(pdf, "official-ec", Role.INVISIBLE, level)


def chain_of(server, name="official-ec"):
    one = server.pki.certificate(name)
    return [c.public_bytes(Encoding.DER) for c in (one, server.pki.issuing.certificate)]


@pytest.mark.parametrize("ocsp_down", [False, True])
async def test_what_one_service_asked_another_does_not_ask_again(
    server, tmp_path, decision_pdf, ocsp_down
):
    """OCSP answers and lists alike; both documents carry the proof."""
    server.faults.ocsp_down = ocsp_down
    asked = []
    for _ in range(2):
        service = SigningService(config_of(server, tmp_path), SystemClock())
        signed = await service.sign(order(decision_pdf))
        assert signed.evidence.crls if ocsp_down else signed.evidence.ocsps
        await service.close()
        asked.append((server.calls.crl, 0 if ocsp_down else server.calls.ocsp))
    assert asked[0] != (0, 0)
    assert asked[1] == asked[0]


@pytest.mark.long
async def test_processes_of_one_pool_ask_once(server, tmp_path, decision_pdf):
    """Two signers at the same moment: one OCSP question for the certificate, by either of them."""
    server.faults.ocsp_delay_s = 0.2
    async with SignerPool(server.signer_config(), workers=2) as pool:
        await asyncio.gather(*(pool.sign(order(decision_pdf, Level.B_B)) for _ in range(2)))
        assert len(pool.pids) == 2
    assert server.calls.ocsp == 1


async def test_a_pool_looks_after_certificates_without_its_keys(server):
    """Statuses and lists come back from a child; what a child fetched, the signers find."""
    url = f"{server.pki.base_url}/crl/issuing.crl"
    server.revoke(server.pki.certificate("official-rsa").serial_number)
    async with SignerPool(server.signer_config()) as pool:
        fetched = await pool.fetch_list(url)
        found = await pool.certificate_status(chain_of(server, "official-rsa"))
        await pool.keep_list(url, fetched.raw, fetched.fetched_at)
        assert pool.pids == ()
    assert found.status is CertificateStatus.REVOKED
    assert found.crls
    assert fetched.next_update > fetched.fetched_at


async def test_a_forged_answer_in_the_folder_is_not_believed(server, tmp_path, decision_pdf):
    """Whoever can write there delays an answer; a revocation still stops the key."""
    folder = tmp_path
    service = SigningService(config_of(server, folder), SystemClock())
    await service.sign(order(decision_pdf))
    await service.close()
    for path in folder.glob("*.answer"):
        path.write_bytes(path.read_bytes()[:-3] + b"\0\0\0")
    server.revoke(server.pki.certificate("official-ec").serial_number)
    fresh = SigningService(config_of(server, folder), SystemClock())
    found = await fresh.certificate_status(chain_of(server))
    await fresh.close()
    assert found.status is CertificateStatus.REVOKED


async def test_an_answer_older_than_an_hour_is_asked_for_again(server, tmp_path):
    """So that a revocation is known within the hour, whatever nextUpdate says."""
    server.faults.ocsp_down = True
    first = SigningService(config_of(server, tmp_path), SystemClock())
    assert (await first.certificate_status(chain_of(server))).status is CertificateStatus.GOOD
    await first.close()
    server.revoke(server.pki.certificate("official-ec").serial_number)
    for by, status in ((50, CertificateStatus.GOOD), (61, CertificateStatus.REVOKED)):
        later = SigningService(config_of(server, tmp_path), Moved(timedelta(minutes=by)))
        assert (await later.certificate_status(chain_of(server))).status is status
        await later.close()


async def test_an_old_list_serves_while_the_issuer_is_away_and_it_holds(server, tmp_path):
    """The development PKI's lists hold for a day; after that nobody knows."""
    server.faults.ocsp_down = True
    first = SigningService(config_of(server, tmp_path), SystemClock())
    await first.certificate_status(chain_of(server))
    await first.close()
    server.faults.crl_down = True
    later = SigningService(config_of(server, tmp_path), Moved(timedelta(hours=2)))
    assert (await later.certificate_status(chain_of(server))).status is CertificateStatus.GOOD
    await later.close()
    much = SigningService(config_of(server, tmp_path), Moved(timedelta(days=60)))
    assert (await much.certificate_status(chain_of(server))).status is CertificateStatus.UNKNOWN
    await much.close()


async def test_a_new_list_is_asked_before_an_old_answer_is_believed(server, tmp_path):
    """Whoever keeps the OCSP service away holds back no revocation that the list tells."""
    first = SigningService(config_of(server, tmp_path), SystemClock())
    await first.sign(order(make_pdf()))  # OCSP first: its answer is kept
    await first.close()
    server.faults.ocsp_down = True
    server.revoke(server.pki.certificate("official-ec").serial_number)
    later = SigningService(config_of(server, tmp_path), Moved(timedelta(minutes=61)))
    with pytest.raises(CredentialRefused, match="certificate_revoked"):
        await later.sign(order(make_pdf()))
    await later.close()


async def test_an_old_answer_is_believed_for_minutes_only(server, tmp_path):
    """Then everybody is asked again: the issuer may be back."""
    server.faults.ocsp_down = True
    clock = Moved()
    service = SigningService(config_of(server, tmp_path), clock)
    await service.certificate_status(chain_of(server))
    server.faults.crl_down = True
    clock.by = timedelta(hours=2)
    assert (await service.certificate_status(chain_of(server))).status is CertificateStatus.GOOD
    server.faults.crl_down = False
    server.revoke(server.pki.certificate("official-ec").serial_number)
    clock.by += timedelta(minutes=6)
    assert (await service.certificate_status(chain_of(server))).status is CertificateStatus.REVOKED
    await service.close()


async def test_a_list_fetched_before_it_is_needed_is_used_by_every_service(server, tmp_path):
    """With the issuer away afterwards, signing goes on; the list is in the file's evidence."""
    server.faults.ocsp_down = True
    service = SigningService(config_of(server, tmp_path), SystemClock())
    base = server.pki.base_url
    fetched = [await service.fetch_list(f"{base}/crl/{n}.crl") for n in ("issuing", "root")]
    await service.close()
    assert all(one.next_update > one.fetched_at for one in fetched)
    server.faults.crl_down = True
    other = SigningService(config_of(server, tmp_path), SystemClock())
    found = await other.certificate_status(chain_of(server))
    await other.close()
    assert found.status is CertificateStatus.GOOD
    assert set(found.crls) == {one.raw for one in fetched}


async def test_a_list_of_another_machine_is_taken_unless_ours_is_newer(server, tmp_path):
    service = SigningService(config_of(server, tmp_path), SystemClock())
    url = f"{server.pki.base_url}/crl/issuing.crl"
    one = await service.fetch_list(url)
    await service.keep_list(url, b"older", one.fetched_at - timedelta(minutes=1))
    assert service._revocation.kept.find(f"crl {url}").raw == one.raw
    await service.keep_list(url, b"newer", one.fetched_at + timedelta(minutes=1))
    assert service._revocation.kept.find(f"crl {url}").raw == b"newer"
    with pytest.raises(SigningUnavailable, match="crl_unavailable"):
        await service.fetch_list(f"{server.pki.base_url}/khong-co")
    await service.close()


async def test_a_revocation_says_when_and_whose(server, tmp_path):
    """Of the certificate, or of the authority above it; the proof is the issuer's own answer."""
    service = SigningService(config_of(server, tmp_path), SystemClock())
    server.revoke(server.pki.certificate("official-ec").serial_number)
    found = await service.certificate_status(chain_of(server))
    assert (found.status, found.by_issuer) == (CertificateStatus.REVOKED, False)
    assert found.revoked_at is not None
    assert found.crls or found.ocsps
    server.revoke(server.pki.issuing.certificate.serial_number)
    other = SigningService(replace(server.signer_config()), SystemClock())
    found = await other.certificate_status(chain_of(server, "official-rsa"))
    assert (found.status, found.by_issuer) == (CertificateStatus.REVOKED, True)
    strange = await other.certificate_status([b"no certificate"])
    assert strange.status is CertificateStatus.UNTRUSTED
    await service.close()
    await other.close()


def test_the_folder_keeps_to_its_measure_the_oldest_go_first(tmp_path, monkeypatch):
    monkeypatch.setattr(kept_answers, "MOST_FILES", 3)
    kept = KeptAnswers(str(tmp_path), SystemClock())
    start = datetime(2026, 11, 2, tzinfo=UTC)
    for number in range(6):
        kept.keep(f"q{number}", b"x" * 10, start + timedelta(minutes=number))
    fresh = KeptAnswers(str(tmp_path), SystemClock())
    assert [fresh.find(f"q{n}") is not None for n in range(6)] == [False] * 3 + [True] * 3
    monkeypatch.setattr(kept_answers, "MOST_BYTES", 15)
    kept.keep("q9", b"x" * 10, start + timedelta(hours=1))
    assert len(list(tmp_path.glob("*.answer"))) == 1


async def test_a_killed_asker_gives_its_turn_back(tmp_path):
    """The kernel does; nobody waits for a lease."""
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    process = context.Process(target=hold_a_turn, args=(str(tmp_path), ready, 60))
    process.start()
    assert await asyncio.to_thread(ready.wait, 30)
    os.kill(process.pid, 9)
    process.join()
    async with asyncio.timeout(10), KeptAnswers(str(tmp_path), SystemClock()).turn("q", 600):
        pass
