"""Certified copies by the kind of certifier's and agency's key: issued and valid, or refused."""

from __future__ import annotations

import pytest

from tests.scenarios.business import certification_of
from tests.seams.acts import decision, upload

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.timeout(180)]


async def drafted(town, certifier, agency_code="H55.12", heavy=False):
    made = await upload(town, decision(heavy=heavy))
    body = certification_of(made["id"]) | {"certifier": certifier, "agency_code": agency_code}
    return await (await town.client()).call("POST", "/v1/certifications", body)


async def issue(town, certifier, draft, pin=None):
    who = await town.client(certifier)
    body = {"pin": pin} if pin else {}
    return await who.call("POST", f"/v1/certifications/{draft['id']}/sign", body)
