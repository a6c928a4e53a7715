"""A real browser: Chromium from the PATH, else Debian's package where we are root, else Playwright's own."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from accounts.models import User

NAMES = ["chromium", "chromium-browser", "google-chrome"]
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
]
NONE_TO_BE_HAD = """\
The journeys need Chromium, and none can be had here. Install it (Debian: apt-get install chromium), or let
Playwright download its own: python -m playwright install chromium.
What was tried last said:
"""


def on_path() -> str | None:
    return next(filter(None, map(shutil.which, NAMES)), None)


def installed(*command: str) -> str:
    """Run the command; return what it said where it failed, else nothing."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else f"{' '.join(command)}\n{done.stdout}{done.stderr}"


@pytest.fixture(scope="session")
def chromium() -> str | None:
    """The path of Chromium; None: Playwright knows where its own is."""
    if found := on_path():
        return found
    if os.geteuid() == 0 and shutil.which("apt-get"):
        installed("apt-get", "update")
        installed("apt-get", "install", "--yes", "--no-install-recommends", "chromium")
        if found := on_path():
            return found
    if said := installed(sys.executable, "-m", "playwright", "install", "chromium"):
        pytest.fail(NONE_TO_BE_HAD + said, pytrace=False)
    return None


@pytest.fixture(scope="session")
def browser(chromium: str | None) -> Iterator[Browser]:
    # Playwright's loop runs in this thread, beside tests that use the database as they always do.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def context(browser: Browser, live_server) -> Iterator[BrowserContext]:
    context = browser.new_context(
        base_url=live_server.url, locale="en-GB", viewport={"width": 1280, "height": 900}
    )
    context.set_default_timeout(15_000)
    yield context
    context.close()


@pytest.fixture
def complaints() -> Iterator[list[str]]:
    """What browsers complain of; the test fails where there is anything at its end."""
    complaints: list[str] = []
    yield complaints
    assert complaints == []


def open_page(context: BrowserContext, complaints: list[str]) -> Page:
    """A page that complains where a script fails or the security policy is broken."""
    page = context.new_page()
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return page


@pytest.fixture
def page(context: BrowserContext, complaints: list[str]) -> Page:
    return open_page(context, complaints)


@pytest.fixture
def sign_in(context: BrowserContext, live_server) -> Callable[[User], None]:
    """Give the browser a session of the user, without the form."""

    def sign_in(user: User) -> None:
        client = Client()
        client.force_login(user)
        session = client.cookies[settings.SESSION_COOKIE_NAME].value
        context.add_cookies(
            [{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}]
        )

    return sign_in
