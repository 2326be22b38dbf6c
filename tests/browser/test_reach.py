"""Everybody can use every page: narrow phones, keyboards, screen readers, either language, light and dark."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from .browsing import Visit
from .scenes import Scene, scenes
from .stage import PAID, Person, Stage

AUDIT = (Path(__file__).parent / "audit.js").read_text()
TOO_WIDE = """() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  const hidden = (one) => one.closest(".grid thead, .menu");  // clipped on purpose, or scrolling by itself
  const out = Array.from(document.querySelectorAll("body *"))
    .filter((one) => one.getBoundingClientRect().right > width + 1 && one.checkVisibility() && !hidden(one))
    .map((one) => `${one.tagName.toLowerCase()}.${one.className?.baseVal ?? one.className}`);
  return out.length ? out.slice(-3) : ["something hidden"];
}"""


@pytest.fixture(scope="package")
def every_page(stage: Stage) -> list[Scene]:
    return scenes(stage)


def walk(
    visit: Callable[..., Visit],
    pages: list[Scene],
    look: Callable[[Page], list[str]],
    device: str,
    language: str,
    **more: str,
) -> list[str]:
    """What a look at each page finds. Two visits: a guest and the person whose orders these are."""
    found = []
    visitors: dict[Person | None, Visit] = {}
    for scene in pages:
        me = visitors.get(scene.who) or visit(device, language, who=scene.who, **more)
        visitors[scene.who] = me
        if scene.status != 200:
            me.witness.excuse(rf"^{scene.status}: GET ", "there is no such page")
        answer = me.page.goto(scene.path)
        if answer is not None:  # none when only the fragment differs
            assert answer.status == scene.status, scene
        found += [f"{scene.name}: {line}" for line in look(me.page)]
    return found


@pytest.mark.parametrize(("language", "colours"), [("zh", "light"), ("en", "dark")])
def test_every_page_fits_a_narrow_phone_and_has_names_headlines_contrast_and_targets_for_thumbs(
    visit: Callable[..., Visit], every_page: list[Scene], language: str, colours: str
) -> None:
    asked = {"fingers": True, "languageTag": "zh-CN" if language == "zh" else "en"}

    def look(page: Page) -> list[str]:
        found = []
        for width in (320, 390):
            page.set_viewport_size({"width": width, "height": 844})
            found += [f"{one} reaches out at {width} px" for one in page.evaluate(TOO_WIDE)]
            if page.evaluate("() => document.querySelector('.top').offsetHeight") > 72:
                found.append(f"the header has a second row at {width} px")
        return [*found, *page.evaluate(AUDIT, asked)]

    found = walk(visit, every_page, look, "phone", language, color_scheme=colours)
    assert not found, "\n".join(found)


@pytest.mark.parametrize(("language", "other"), [("zh", "en"), ("en", "zh")])
def test_changing_the_language_keeps_page_choice_and_what_was_typed(
    stage: Stage, visit: Callable[..., Visit], language: str, other: str
) -> None:
    me = visit("phone", language)
    page, switch = me.page, me.page.get_by_role("banner").locator(".tongue")
    page.goto("/?city=北京&people=3")
    before = page.url
    switch.click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN" if other == "zh" else "en")
    assert page.url == before
    expect(page.locator("#people")).to_have_value("3")
    page.goto(stage.slot(PAID).checkout(2))
    name = page.locator("fieldset.person").first.locator("input").first
    name.fill("司马光")
    before = page.url
    switch.click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN" if language == "zh" else "en")
    assert page.url == before
    expect(page.locator("fieldset.person")).to_have_count(2)
    expect(name).to_have_value("司马光")


def tab_to(page: Page, selector: str, most: int = 80) -> None:
    """Presses Tab until an element has the focus, and that can be seen."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            ring = """() => { const style = getComputedStyle(document.activeElement), box = document.activeElement.closest(".slots label");
              return style.outlineStyle !== "none" || (box && getComputedStyle(box).outlineStyle !== "none"); }"""
            assert page.evaluate(ring), f"{selector}: the focus cannot be seen"
            return
    raise AssertionError(f"{selector} is not reached within {most} tabs")


def test_a_keyboard_is_enough_from_the_start_page_to_the_checkout(stage: Stage, visit: Callable[..., Visit]) -> None:
    page = visit("desk", "en").page
    page.goto("/")
    tab_to(page, "a.skip", 1)
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    kinds = page.locator("#main nav.tabs a").count()
    tab_to(page, "#text", kinds + 1)
    page.keyboard.type("palace museum")
    page.keyboard.press("Enter")
    page.wait_for_url("**text=palace*")
    expect(page.locator("li.venue")).to_have_count(1)
    tab_to(page, "li.venue h3 a")
    page.keyboard.press("Enter")
    page.wait_for_url("**/venues/*")
    tab_to(page, ".month a")
    page.keyboard.press("Enter")
    page.wait_for_url("**date=*")
    tab_to(page, ".slots input")
    page.keyboard.press("ArrowDown")
    expect(page.locator(".slots input").nth(1)).to_be_checked()
    tab_to(page, ".tickets-choice select", 1)
    page.keyboard.type("2")
    tab_to(page, "button.wide", 5)
    page.keyboard.press("Enter")
    page.wait_for_url("**/checkout?*")
    expect(page.locator("fieldset.person")).to_have_count(2)
