"""A SoftHSM2 token of our own, made in a process of its own: the library reads its folder once.

``python -m tests.support.softhsm LIBRARY PKI-FOLDER`` with ``SOFTHSM2_CONF`` set.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.support.process import ROOT

LABEL, KEY_ID, PIN = "Chu tich", "01", "482913"


def make_token(library: str, pki_folder: Path, folder: Path) -> str:
    """A token with ``official-rsa``'s key and certificate; the value of ``SOFTHSM2_CONF``."""
    (folder / "tokens").mkdir(parents=True)
    configuration = folder / "softhsm2.conf"
    configuration.write_text(
        f"directories.tokendir = {folder / 'tokens'}\n"
        "objectstore.backend = file\nlog.level = ERROR\n"
    )
    subprocess.run(
        [sys.executable, "-m", "tests.support.softhsm", library, str(pki_folder)],
        check=True,
        capture_output=True,
        cwd=ROOT,
        env=os.environ | {"SOFTHSM2_CONF": str(configuration)},
    )
    return str(configuration)


def _fill(library: str, pki_folder: Path) -> None:
    import pkcs11  # noqa: PLC0415 - where it is not installed nobody comes here

    from signing.clock import SystemClock  # noqa: PLC0415
    from signing.devpki import DevPki  # noqa: PLC0415
    from tests.signing.keys import conftest as tokens  # noqa: PLC0415

    pki = DevPki.create(pki_folder, SystemClock())
    tokens.util("--init-token", "--free", "--label", LABEL, "--so-pin", tokens.SO_PIN, "--pin", PIN)
    folder = Path(os.environ["SOFTHSM2_CONF"]).parent
    tokens.import_key(pki, folder, LABEL, "official-rsa", 1)
    tokens.store_certificates(pkcs11, library, pki, LABEL, ("official-rsa",))


if __name__ == "__main__":
    _fill(sys.argv[1], Path(sys.argv[2]))
