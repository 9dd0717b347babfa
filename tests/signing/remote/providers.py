"""Every way in which a key can be confirmed elsewhere, for suites that run over all of them."""

from __future__ import annotations

import dataclasses
from typing import Any

from signing.devpki.hook_simulator import SECRET as HOOK_SECRET
from signing.devpki.hook_simulator import HookSimulator
from signing.devpki.mysign_simulator import CALLBACK_SECRET, CLIENT_SECRET, MySignSimulator
from signing.devpki.smartca_simulator import SP_PASSWORD, SmartCaSimulator


@dataclasses.dataclass(frozen=True)
class Provider:
    """One simulator, how it is configured, and what it cannot do."""

    label: str
    simulator: Any
    secrets: tuple[str, ...]
    options: dict = dataclasses.field(default_factory=dict)
    asked_by_our_reference: bool = True
    withdraws: bool = False
    says_quota: bool = True
    pss: bool = False

    def __str__(self):
        return self.label


PROVIDERS = (
    Provider("smartca", SmartCaSimulator, (SP_PASSWORD,), says_quota=False),
    Provider(
        "mysign",
        MySignSimulator,
        (CLIENT_SECRET, CALLBACK_SECRET, "the-cua-mysign"),
        asked_by_our_reference=False,
    ),
    Provider("hook", HookSimulator, (HOOK_SECRET,), withdraws=True, pss=True),
    Provider("hook-pkcs1", HookSimulator, (HOOK_SECRET,), {"allow_pkcs1v15": True}, withdraws=True),
)
