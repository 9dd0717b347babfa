"""What every simulator must bring of its own is asked for when it is made, not when called."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from aiohttp import web

from signing.devpki.csc_simulator import CscSimulator
from signing.devpki.hook_simulator import HookSimulator
from signing.devpki.loopback import LoopbackServer
from signing.devpki.mysign_simulator import MySignSimulator
from signing.devpki.remote_desk import RemoteDesk
from signing.devpki.smartca_simulator import SmartCaSimulator

ROOT = Path(__file__).resolve().parents[3]


class WithoutCallbacks(RemoteDesk):
    def application(self):
        return web.Application()


class WithoutRoutes(RemoteDesk):
    async def tell(self, session, one, *, forged):
        """Tells nobody."""


@pytest.mark.parametrize(
    ("kind", "missing"),
    [
        (LoopbackServer, "application"),
        (RemoteDesk, "application"),
        (WithoutCallbacks, "tell"),
        (WithoutRoutes, "application"),
    ],
)
def test_an_unfinished_simulator_cannot_be_made(server, kind, missing):
    """The error names what is missing."""
    with pytest.raises(TypeError, match=missing):
        kind() if kind is LoopbackServer else kind(server.pki)


@pytest.mark.parametrize("kind", [CscSimulator, HookSimulator, MySignSimulator, SmartCaSimulator])
def test_those_that_ship_are_whole(kind):
    assert kind.__abstractmethods__ == frozenset()


@pytest.mark.parametrize("package", ["connectors", "gateway", "signing"])
def test_no_method_is_left_to_fail_when_it_is_called(package):
    """A method that only raises ``NotImplementedError`` is an abstract one that nobody declared."""
    left = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and ast.unparse(node.body[-1]) == "raise NotImplementedError"
    ]
    assert left == []
