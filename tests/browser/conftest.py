"""Real pages in a real browser, against one throw-away installation for all tests of this folder.

Scopes are per package: Playwright's loop counts as running in this thread while it is open, which would keep the
asyncio tests of other folders from starting theirs.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from holdfast.drills import Instance

from . import browsing
from .browsing import Visit, Witness
from .stage import Person, Stage

expect.set_options(timeout=browsing.PATIENCE_MS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent.name == "browser":
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    path = browsing.find()
    if not path:
        pytest.skip(browsing.NO_BROWSER)
    with browsing.opened(path) as running:
        yield running


@pytest.fixture(scope="package")
def stage(browser: Browser) -> Iterator[Stage]:
    """The installation that the pages come from, and what happens around them."""
    with Instance(
        settings={"HOLDFAST_CHANNEL_STEP_S": "0.1"}
    ) as here:  # what returns after an outage is soon offered to all
        here.start()
        with contextlib.closing(Stage(here)) as made:
            yield made


@pytest.fixture
def visit(browser: Browser, stage: Stage) -> Iterator[Callable[..., Visit]]:
    """``visit("phone", "zh", script=False, who=person)``: a page of a new profile, watched until the test ends."""
    made: list[Visit] = []

    def begin(
        device: str = "phone", language: str = "en", *, script: bool = True, who: Person | None = None, **more: Any
    ) -> Visit:
        context = browsing.context(
            browser, browsing.DEVICES[device], language, base_url=stage.here.url, java_script_enabled=script, **more
        )
        if who:
            context.add_cookies([{**who.cookie, "url": stage.here.url, "httpOnly": True, "sameSite": "Lax"}])
        witness = Witness(context, stage.here.url)
        made.append(Visit(context.new_page(), device, language, script, witness))
        return made[-1]

    yield begin
    for one in made:
        one.context.close()
    complaints = [line for one in made for line in one.witness.complaints]
    if any(line.startswith("5") for line in complaints):
        complaints += stage.here.log("site").splitlines()[-30:]
    assert not complaints, "\n".join(complaints)
