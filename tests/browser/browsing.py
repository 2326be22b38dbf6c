"""A browser, the devices people hold, and a witness of everything that goes wrong on a page.

Used by the tests and by ``screenshots.py``.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Response, sync_playwright

from holdfast.kit import i18n

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
NO_BROWSER = f"no Chromium found: none of {', '.join(NAMES)} is on the PATH and HOLDFAST_BROWSER names no program"
PATIENCE_MS = 15_000


class Device(NamedTuple):
    """What a page is looked at with."""

    width: int
    height: int
    scale: int
    touch: bool


PHONE = Device(390, 844, 2, touch=True)
DESK = Device(1280, 900, 1, touch=False)
DEVICES = {"phone": PHONE, "desk": DESK}
LOCALES = {"zh": "zh-CN", "en": "en-GB"}


def find() -> str:
    """The path of a Chromium; empty when there is none."""
    named = os.environ.get("HOLDFAST_BROWSER", "")
    if named:
        return shutil.which(named) or ""
    return next((path for name in NAMES if (path := shutil.which(name))), "")


@contextmanager
def opened(path: str) -> Iterator[Browser]:
    """A running browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


def context(browser: Browser, device: Device, language: str, **more: Any) -> BrowserContext:
    """A person's browser profile: device, language, nothing remembered."""
    made = browser.new_context(
        viewport={"width": device.width, "height": device.height},
        device_scale_factor=device.scale,
        has_touch=device.touch,
        is_mobile=device.touch,
        locale=LOCALES[language],
        reduced_motion="reduce",
        **more,
    )
    made.set_default_timeout(PATIENCE_MS)
    return made


class Witness:
    """Notes every console error, page error, failed request, refused content and unexpected 4xx or 5xx of a context.

    A test that means to be refused says so: ``witness.excuse(r"422", "a wrong number is refused")``.
    """

    def __init__(self, watched: BrowserContext, site: str) -> None:
        self.site = site
        self.seen: list[str] = []
        self._excused: list[str] = []
        watched.on("console", self._heard)
        watched.on("weberror", lambda error: self.seen.append(f"page error: {error.error}"))
        watched.on("requestfailed", self._failed)
        watched.on("response", self._answered)

    def excuse(self, pattern: str, reason: str) -> None:
        """What matches is expected in this test."""
        assert reason
        self._excused.append(pattern)

    @property
    def complaints(self) -> list[str]:
        """What was seen and not excused."""
        return [line for line in self.seen if not any(re.search(pattern, line) for pattern in self._excused)]

    def _heard(self, message: ConsoleMessage) -> None:
        # The answer behind "Failed to load resource" is judged in _answered and _failed, with its address.
        if message.type in ("error", "warning") and not message.text.startswith("Failed to load resource"):
            self.seen.append(f"console {message.type}: {message.text}")

    def _failed(self, request: Request) -> None:
        # ERR_ABORTED is the browser's own doing: it left the page, or saved the answer as a file.
        if request.url.startswith(self.site) and request.failure != "net::ERR_ABORTED":
            self.seen.append(f"failed: {request.method} {request.url} {request.failure}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400 and response.url.startswith(self.site):
            self.seen.append(f"{response.status}: {response.request.method} {response.url}")


class Visit(NamedTuple):
    """Somebody in front of the site: a page, what they hold and read, and the witness."""

    page: Page
    device: str
    language: str
    script: bool
    witness: Witness

    @property
    def context(self) -> BrowserContext:
        return self.page.context

    def says(self, text: str, **values: object) -> str:
        """One of the site's sentences in the language of this visit."""
        return i18n.translate(text, "zh" if self.language == "zh" else "en", **values)

    def either(self, chinese: str, english: str) -> str:
        return chinese if self.language == "zh" else english
