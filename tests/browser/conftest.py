"""An installed Chromium and the gallery on loopback; skipped by name when there is none."""

import asyncio
import shutil
import threading

import pytest
from aiohttp import web

from tests.browser.gallery import gallery_app

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="package")
def browser():
    """One browser for this folder; nothing is ever downloaded.

    Package scope, because the driver keeps an event loop running in this thread until it stops,
    and asynchronous tests of other folders need their own.
    """
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="package")
def site():
    """The gallery's address; it runs in a thread of its own."""
    loop = asyncio.new_event_loop()
    started = threading.Event()
    address = []

    async def start():
        runner = web.AppRunner(gallery_app())
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        address.append(f"http://127.0.0.1:{runner.addresses[0][1]}")
        started.set()
        return runner

    def serve():
        asyncio.set_event_loop(loop)
        runners.append(loop.run_until_complete(start()))
        loop.run_forever()
        loop.run_until_complete(runners[0].cleanup())
        loop.close()

    runners = []
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    assert started.wait(20)
    yield address[0]
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)


@pytest.fixture
def open_page(browser, site):
    """Open a page of the gallery; anything on the console afterwards fails the test."""
    contexts = []
    complaints = []

    def opening(path, *, width=360, **options):
        context = browser.new_context(viewport={"width": width, "height": 740}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(site + path, wait_until="load")
        return page

    yield opening
    for context in contexts:
        context.close()
    assert complaints == []
