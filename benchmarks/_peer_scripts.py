"""What other signers are asked to do, in their own languages, and how each is made ready.

Every script takes P12 PASSWORD PDF OUT COUNT, signs the document COUNT + 2 times, reads the key
file each time as a request would, and prints the wall and CPU milliseconds of all but the first
two as JSON. Nothing is installed outside the given folder; what cannot be had is ``Absent``.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ENDESIVE = "2.19.3"
_SIGNPDF = ("@signpdf/signpdf", "@signpdf/signer-p12", "@signpdf/placeholder-plain")

_ENDESIVE_SCRIPT = """
import json, sys
from datetime import datetime, timezone
from pathlib import Path
from time import perf_counter, process_time
from cryptography.hazmat.primitives.serialization import pkcs12
from endesive.pdf import cms

p12, password, pdf, out, count = sys.argv[1:]
data, taken = Path(pdf).read_bytes(), []
for _ in range(int(count) + 2):
    wall, cpu = perf_counter(), process_time()
    key, certificate, others = pkcs12.load_key_and_certificates(
        Path(p12).read_bytes(), password.encode()
    )
    said = {
        "sigflags": 3, "sigpage": 0, "contact": "", "location": "", "reason": "",
        "signingdate": datetime.now(timezone.utc).strftime("%Y%m%d%H%M%S+00'00'").encode(),
    }
    signed = data + cms.sign(data, said, key, certificate, others, "sha256")
    taken.append(((perf_counter() - wall) * 1000, (process_time() - cpu) * 1000))
Path(out).write_bytes(signed)
print(json.dumps(taken[2:]))
"""

_SIGNPDF_SCRIPT = """
const fs = require('fs');
const { SignPdf } = require('@signpdf/signpdf');
const { P12Signer } = require('@signpdf/signer-p12');
const { plainAddPlaceholder } = require('@signpdf/placeholder-plain');
(async () => {
  const [p12, passphrase, pdf, out, count] = process.argv.slice(2);
  const data = fs.readFileSync(pdf), taken = [];
  let signed;
  for (let i = 0; i < Number(count) + 2; i++) {
    const wall = process.hrtime.bigint(), cpu = process.cpuUsage();
    const said = { reason: '', contactInfo: '', name: '', location: '' };
    const holed = plainAddPlaceholder({ pdfBuffer: data, ...said });
    signed = await new SignPdf().sign(holed, new P12Signer(fs.readFileSync(p12), { passphrase }));
    const used = process.cpuUsage(cpu);
    taken.push([Number(process.hrtime.bigint() - wall) / 1e6, (used.user + used.system) / 1e3]);
  }
  fs.writeFileSync(out, signed);
  console.log(JSON.stringify(taken.slice(2)));
})();
"""


class Absent(Exception):
    """A peer that cannot be run here, and why."""


def endesive(folder: Path) -> list[str]:
    """A virtual environment of its own with endesive."""
    home = folder / "endesive"
    _run([sys.executable, "-m", "venv", str(home)])
    python = str(home / "bin" / "python")
    _run([python, "-m", "pip", "install", "-q", f"endesive=={ENDESIVE}", "pypdf<4"])
    script = folder / "endesive_peer.py"
    script.write_text(_ENDESIVE_SCRIPT)
    return [python, str(script)]


def signpdf(folder: Path) -> list[str]:
    """A folder of its own with @signpdf's packages."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise Absent("no node")
    home = folder / "signpdf"
    home.mkdir()
    (home / "package.json").write_text("{}")
    _run([npm, "install", "--silent", *_SIGNPDF], home)
    script = home / "peer.js"
    script.write_text(_SIGNPDF_SCRIPT)
    return [node, str(script)]


def pdfsig(folder: Path, p12: Path, password: str) -> list[str]:
    """A database with the key for poppler's pdfsig, which signs one document a process."""
    for tool in ("pdfsig", "certutil", "pk12util"):
        if shutil.which(tool) is None:
            raise Absent(f"no {tool}")
    home = folder / "nss"
    home.mkdir()
    database = f"sql:{home}"
    _run(["certutil", "-N", "-d", database, "--empty-password"])
    _run(["pk12util", "-i", str(p12), "-d", database, "-W", password])
    return ["pdfsig", "-nssdir", database, "-nick", "peer", "-add-signature"]


def _run(command: list[str], where: Path | None = None) -> None:
    done = subprocess.run(
        command, cwd=where, capture_output=True, text=True, timeout=300, check=False
    )
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise Absent(f"{Path(command[0]).name}: {' '.join(last) or done.returncode}")
