"""One peer process: our service on either path, or stock pyHanko, over one document.

``python -m benchmarks._peer_pyhanko lane|ordinary|stock PKI_FOLDER BASE_URL P12 PDF OUT COUNT``;
prints JSON with the wall and CPU milliseconds of every document after the first two.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import sys
from pathlib import Path
from time import perf_counter, process_time

from benchmarks._signing import RSA
from benchmarks.signing_vs_stock import stock
from signing.clock import SystemClock
from signing.contract import Level, Role, SignOrder
from signing.devpki import DevPki
from signing.service import SigningService


async def _sign(mode: str, folder: str, url: str, p12: str, data: bytes, n: int) -> bytes:
    config = DevPki.create(Path(folder), SystemClock()).signer_config(url)
    service = SigningService(dataclasses.replace(config, fast_lane=mode == "lane"), SystemClock())
    order = SignOrder(data, RSA, Role.INVISIBLE, Level.B_B)
    taken = []
    for _ in range(n + 2):
        wall, cpu = perf_counter(), process_time()
        signed = await stock(data, p12) if mode == "stock" else (await service.sign(order)).pdf
        taken.append(((perf_counter() - wall) * 1000, (process_time() - cpu) * 1000))
    await service.close()
    print(json.dumps(taken[2:]))
    return signed


if __name__ == "__main__":
    kind, folder, url, p12, pdf, out, count = sys.argv[1:]
    document = Path(pdf).read_bytes()
    Path(out).write_bytes(asyncio.run(_sign(kind, folder, url, p12, document, int(count))))
