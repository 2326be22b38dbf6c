"""Pictures of every page: ``python tests/browser/screenshots.py [folder]``, by default into ``screenshots/``.

Named ``<page>-<device>-<language>[-dark|-print].png``, each as long as its page.
"""

# ruff: noqa: E402 - run as a script, this file must first say where its neighbours are
from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from playwright.sync_api import Browser, Page, expect

from holdfast.drills import Instance
from tests import world
from tests.browser import browsing
from tests.browser.browsing import Visit, Witness
from tests.browser.scenes import scenes
from tests.browser.stage import NAMES, PAID, Person, Stage, national, swapped
from tests.browser.steps import book_button, fill_in, person_fields

DARK = {"home", "venue", "checkout-mistakes", "payment-waiting", "order-confirmed", "tickets"}
"""Pages also taken in dark colours, on a phone."""
PRINTED = {"tickets"}


class Shot(NamedTuple):
    """A page to take a picture of: its name, who looks, and how one gets there."""

    name: str
    who: Person | None
    reach: Callable[[Visit], Any]


def shots(stage: Stage, language: str) -> Iterator[Shot]:
    """Every scene, and the pages that only typing leads to."""
    here = scenes(stage, language)
    for scene in here:
        yield Shot(scene.name, scene.who, _open(scene.path))
    mei = next(scene.who for scene in here if scene.who)
    number = next(scene.path for scene in here if scene.name == "order-confirmed").rpartition("/")[2]
    slot = stage.slot(PAID)

    def mistakes(me: Visit) -> None:
        me.page.goto(slot.checkout(2))
        one, other = world.identity_number(), world.identity_number()
        if me.device == "phone":
            fill_in(me, world.phone_number(), [swapped(one), other])
        else:
            for at, (kind, typed) in enumerate((("passport", one), ("cn_resident_id", swapped(other)))):
                name, choice, field = person_fields(me, at)
                name.fill(NAMES[language][at])
                choice.select_option(kind)
                field.fill(typed)
            book_button(me).click()
        expect(me.page.locator("#problem")).to_be_visible()

    def refused(me: Visit) -> None:
        document = world.identity_number()
        for _ in range(2):
            me.page.goto(slot.checkout(1))
            name, kind, field = person_fields(me, 0)
            name.fill(NAMES[language][0])
            kind.select_option("cn_resident_id")
            field.fill(document)
            book_button(me).click()
            me.page.locator("#problem, [data-pay]").first.wait_for()
        expect(me.page.locator("#problem")).to_be_visible()

    def found(me: Visit) -> None:
        me.page.goto("/orders/lookup")
        me.page.locator("input[name=number]").fill(number)
        me.page.locator("#f-phone").fill(national(mei.phone))
        me.page.locator("form.card .btn:not(.quiet)").click()
        expect(me.page.locator("#notice")).to_be_visible()

    def code_sent(me: Visit) -> None:
        me.page.goto("/session")
        me.page.locator("#f-phone").fill(national(world.phone_number()))
        me.page.locator("form.card .btn:not(.quiet)").click()
        expect(me.page.locator("#f-code")).to_be_visible()

    def offline(me: Visit) -> None:
        me.page.goto(slot.checkout(1))
        person_fields(me, 0)[0].fill(NAMES[language][0])
        me.context.set_offline(True)
        expect(me.page.locator("[data-toast=offline]")).to_be_visible()

    yield Shot("checkout-mistakes", None, mistakes)
    yield Shot("checkout-refused", mei, refused)
    yield Shot("checkout-offline", None, offline)
    yield Shot("lookup-found", None, found)
    yield Shot("sign-in-code", None, code_sent)
    yield Shot("orders-none", stage.person(), _open("/orders"))
    expired = stage.order(mei, slot, 1, language)
    stage.run_out(expired)
    yield Shot("order-expired", mei, _open(f"/orders/{expired}"))
    yield Shot("payment-expired", mei, _open(f"/orders/{expired}/payment"))


def shots_in_doubt(stage: Stage, language: str) -> Iterator[Shot]:
    """Pages that only a broken provider leads to; nothing can be paid after this."""
    stage.break_payments()
    mei = stage.person()
    number = stage.order(mei, stage.slot(PAID), 1, language)
    stage.ask("POST", f"/api/v1/orders/{number}/payment", {}, who=mei)
    yield Shot("payment-in-doubt", mei, _open(f"/orders/{number}/payment"))
    yield Shot("order-in-doubt", mei, _open(f"/orders/{number}"))


def _open(path: str) -> Callable[[Visit], Any]:
    return lambda me: me.page.goto(path)


def take(browser: Browser, stage: Stage, shot: Shot, language: str, folder: Path) -> list[str]:
    """The pictures of a page in one language; what went wrong meanwhile."""
    wrong = []
    for device, scheme in (("phone", "light"), ("desk", "light"), *([("phone", "dark")] if shot.name in DARK else [])):
        with browsing.context(
            browser, browsing.DEVICES[device], language, base_url=stage.here.url, color_scheme=scheme
        ) as context:
            if shot.who:
                context.add_cookies([{**shot.who.cookie, "url": stage.here.url}])
            witness = Witness(context, stage.here.url)
            me = Visit(context.new_page(), device, language, True, witness)
            shot.reach(me)
            name = f"{shot.name}-{device}-{language}"
            _save(me.page, folder / f"{name}{'-dark' if scheme == 'dark' else ''}.png")
            if shot.name in PRINTED and scheme == "light" and device == "desk":
                me.page.emulate_media(media="print")
                me.page.set_viewport_size({"width": 794, "height": 1123})
                _save(me.page, folder / f"{shot.name}-{language}-print.png")
            wrong += [f"{name}: {line}" for line in witness.seen if not line.startswith("4")]
    return wrong


def _save(page: Page, path: Path) -> None:
    page.evaluate("document.fonts.ready.then(() => true)")
    page.screenshot(path=path, full_page=True, animations="disabled")


def main() -> int:
    """Exit code 0 when there is no browser: nobody needs pictures to go on."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "screenshots")
    folder: Path = parser.parse_args().folder
    path = browsing.find()
    if not path:
        print(f"No pictures: {browsing.NO_BROWSER}.")
        return 0
    folder.mkdir(parents=True, exist_ok=True)
    wrong: list[str] = []
    with browsing.opened(path) as browser, Instance() as here:
        here.start()
        stage = Stage(here)
        for state in (shots, shots_in_doubt):
            for language in ("zh", "en"):
                for shot in state(stage, language):
                    wrong += take(browser, stage, shot, language, folder)
    print(f"{len(list(folder.glob('*.png')))} pictures in {folder}")
    for line in wrong:
        print(f"  went wrong: {line}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
