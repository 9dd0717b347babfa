"""One town for every row of the matrix."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import pytest_asyncio

from signing.clock import SystemClock
from signing.devpki import DevPki
from tests.seams.town import calm, environment, living
from tests.signing.keys.conftest import LIBRARIES
from tests.support import softhsm


def token_library() -> str | None:
    """SoftHSM2's library where it is installed together with what speaks to it."""
    try:
        import pkcs11  # noqa: F401, PLC0415 - asked whether it is there
    except ImportError:
        return None
    found = [path for path in LIBRARIES if Path(path).exists()]
    return found[0] if found and shutil.which("softhsm2-util") else None


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def shared_town(tmp_path_factory):
    folder, keys, variables = tmp_path_factory.mktemp("seams"), {}, {}
    library = token_library()
    if library is not None:
        # certificates name the PKI's address: it is made before, and found again by the town
        pki_folder = folder / "pki"
        DevPki.create(pki_folder, SystemClock())
        keys["token"] = {
            "kind": "pkcs11", "path": library, "holder": "official:seams.token",
            "token": {"label": softhsm.LABEL, "key_id": softhsm.KEY_ID},
        }  # fmt: skip
        variables["SOFTHSM2_CONF"] = str(folder / "softhsm" / "softhsm2.conf")
    with environment(**variables):
        async with living(folder, keys) as town:
            if library is not None:
                softhsm.make_token(library, folder / "pki", folder / "softhsm")
            yield town


@pytest.fixture
def town(shared_town):
    calm(shared_town)
    yield shared_town
    calm(shared_town)
