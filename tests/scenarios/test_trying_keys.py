"""What ``docs/signing-keys.md`` says to type, typed as it stands."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import socket
import sys

import pytest

from tests.support.process import ROOT

pytestmark = [
    pytest.mark.skipif(not os.environ.get("CI"), reason="half a minute of polling: with CI=1"),
    pytest.mark.skipif(not shutil.which("curl"), reason="needs curl"),
]


def typed() -> str:
    page = (ROOT / "docs/signing-keys.md").read_text("utf-8")
    return page.partition("\n## Trying it\n")[2].partition("```bash\n")[2].partition("```")[0]


def three_ports() -> int:
    """A port that is free together with the simulators' and the PKI's."""
    for port in range(21_000, 29_000, 13):
        with socket.socket() as one, socket.socket() as two, socket.socket() as three:
            try:
                for found, number in ((one, port), (two, port + 10), (three, port + 11)):
                    found.bind(("127.0.0.1", number))
            except OSError:
                continue
            return port
    raise AssertionError("no free ports")


@pytest.mark.timeout(240)
async def test_each_kind_of_remote_key_is_tried_as_the_page_says(tmp_path):
    """CSC v1, v2, SmartCA (agreed, refused), MySign three ways, a bridge, the desktop program."""
    command = ["serve", "--with-simulators", "--folder", "var/dev", "--port", str(three_ports())]
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    gateway = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway.cli", *command, cwd=tmp_path, env=env,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        while not (tmp_path / "var/dev/try.env").exists():
            assert gateway.returncode is None
            await asyncio.sleep(0.1)
        await asyncio.sleep(0.5)
        shell = await asyncio.create_subprocess_exec(
            "bash", "-c", typed(), cwd=tmp_path, stdout=asyncio.subprocess.PIPE
        )
        said = (await shell.communicate())[0].decode()
    finally:
        gateway.send_signal(signal.SIGTERM)
        await gateway.wait()
    ends = re.findall(r"^(signed|\('signed', None\)|\('waiting', .*\))$", said, re.MULTILINE)
    signed = "('signed', None)"
    assert ends == [
        "signed", "signed", signed, "('waiting', ('rejected', 'rejected'))",
        signed, signed, "signed", signed, signed,
    ], said  # fmt: skip
    assert re.findall(r'"Status": (\d)', said) == ["1", "0"]
