"""Other signers over the same document and key, beside both of our paths: a table.

B-B or the nearest a peer makes, RSA-2048, one page, each in a process of its own, rounds in turn;
wall and CPU milliseconds a document (medians of medians) and the process's peak memory. A peer
that does not install is named as absent. Needs package registries for endesive and @signpdf, and
NSS's tools for pdfsig. Not equal work: peers open the key file for every document and check
nothing before or after; ours keeps the key, checks certificate and cached revocation, and proves
its result. pdfsig starts a process a document and draws a visible signature.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter, sleep

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import PrivateFormat, pkcs12

from benchmarks import _peer_scripts as scripts
from benchmarks._ratio import Ratio
from benchmarks._signing import RSA, Bench, bench, document, run
from signing.devpki.authority import PASSWORD

_ROUNDS = 3


@dataclass(slots=True)
class Peer:
    """One row of the table."""

    name: str
    command: list[str]
    count: int
    makes: str = ""
    walls: list[float] = field(default_factory=list)
    cpus: list[float] = field(default_factory=list)
    peak_mb: float = 0.0
    absent: str = ""


def main() -> list[Ratio]:
    """Stock pyHanko over our lane, in CPU time."""
    return run(_measure)  # type: ignore[return-value]


async def _measure() -> list[Ratio]:
    async with bench() as made:
        return await asyncio.to_thread(_compare, made)


def _compare(made: Bench) -> list[Ratio]:
    folder = made.folder
    pdf, p12 = folder / "document.pdf", folder / "key.p12"
    pdf.write_bytes(document())
    p12.write_bytes(_legacy_p12(Path(made.key_path(RSA))))
    own = [sys.executable, "-m", "benchmarks._peer_pyhanko"]
    pki = [str(folder / "pki"), made.base_url, str(p12)]
    peers = [
        Peer("motcua, fast lane", [*own, "lane", *pki], 200),
        Peer("motcua, ordinary path", [*own, "ordinary", *pki], 20),
        Peer("pyHanko 0.38, stock", [*own, "stock", *pki], 6),
        _prepared(f"endesive {scripts.ENDESIVE}", lambda: scripts.endesive(folder), p12, 6),
        _prepared("@signpdf", lambda: scripts.signpdf(folder), p12, 6),
        _prepared("pdfsig", lambda: scripts.pdfsig(folder, p12, PASSWORD), None, 6),
    ]
    for number in range(1, _ROUNDS + 1):
        for peer in peers:
            if not peer.absent:
                _round(peer, pdf, folder / "out.pdf")
        print(f"round {number} of {_ROUNDS} done")
    return _tell(peers)


def _prepared(name: str, prepare: Callable[[], list[str]], p12: Path | None, count: int) -> Peer:
    try:
        command = prepare()
    except (scripts.Absent, subprocess.TimeoutExpired) as reason:
        return Peer(name, [], count, absent=str(reason))
    return Peer(name, [*command, str(p12), PASSWORD] if p12 else command, count)


def _legacy_p12(path: Path) -> bytes:
    """The same key in the old encryption that every peer reads."""
    store = pkcs12.load_pkcs12(path.read_bytes(), PASSWORD.encode())
    assert store.key is not None
    assert store.cert is not None
    encryption = (
        PrivateFormat.PKCS12.encryption_builder()
        .kdf_rounds(2048)
        .key_cert_algorithm(pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC)
        .hmac_hash(SHA1())
        .build(PASSWORD.encode())
    )
    others = [extra.certificate for extra in store.additional_certs]
    return pkcs12.serialize_key_and_certificates(
        b"peer",
        store.key,
        store.cert.certificate,
        others,
        encryption,  # type: ignore[arg-type]
    )


def _round(peer: Peer, pdf: Path, out: Path) -> None:
    out.unlink(missing_ok=True)
    if peer.command[0] == "pdfsig":
        taken = [_spawn(peer, [*peer.command, str(pdf), str(out)])[1] for _ in range(peer.count)]
    else:
        told, _ = _spawn(peer, [*peer.command, str(pdf), str(out), str(peer.count)])
        taken = json.loads(told.splitlines()[-1])
    peer.walls.append(statistics.median(wall for wall, _ in taken))
    peer.cpus.append(statistics.median(cpu for _, cpu in taken))
    made = re.search(rb"/SubFilter\s*/([\w.]+)", out.read_bytes())
    peer.makes = made[1].decode() if made else "nothing"


def _spawn(peer: Peer, command: list[str]) -> tuple[str, tuple[float, float]]:
    """Run to the end; its output, its wall and CPU milliseconds; notes its peak memory."""
    start = perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    ended = 0
    while not ended:
        ended, status, usage = os.wait4(process.pid, os.WNOHANG)
        peer.peak_mb = max(peer.peak_mb, _peak_mb(process.pid))
        sleep(0.002)
    told = process.stdout.read().decode()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{peer.name} ended with {process.returncode}")
    wall = (perf_counter() - start) * 1000
    return told, (wall, (usage.ru_utime + usage.ru_stime) * 1000)


def _peak_mb(pid: int) -> float:
    """The most memory so far; not ``ru_maxrss``, which begins with the parent's."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    found = re.search(r"VmHWM:\s*(\d+)", status)
    return int(found[1]) / 1024 if found else 0.0


def _tell(peers: list[Peer]) -> list[Ratio]:
    print("| signer | wall ms | CPU ms | peak MB | makes |\n|---|---|---|---|---|")
    for peer in peers:
        if peer.absent:
            print(f"| {peer.name} | absent: {peer.absent} | | | |")
            continue
        wall, cpu = statistics.median(peer.walls), statistics.median(peer.cpus)
        print(f"| {peer.name} | {wall:.2f} | {cpu:.2f} | {peer.peak_mb:.0f} | {peer.makes} |")
    lane, _, stock = (statistics.median(peer.cpus) for peer in peers[:3])
    return [Ratio("signing_peers", stock / lane, 60)]
