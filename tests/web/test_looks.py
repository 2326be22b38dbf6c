"""What can be held about looks without eyes: weight, contrast, no inline style or script, labels for every field."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import httpx2
import pytest

import holdfast.web
from holdfast import catalogue, inventory
from holdfast.kit import actor
from holdfast.kit.db import Db
from holdfast.web import assets
from tests import world

from .conftest import checkout_url

FOLDER = Path(holdfast.web.__file__).parent
CSS = (FOLDER / "static" / "site.css").read_text()
PAGE_BYTES_MAX = 100_000
SCRIPT_BYTES_MAX = 8_000


def tokens(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{3,6})", block))


LIGHT = tokens(CSS[: CSS.index("@media (prefers-color-scheme: dark)")])
DARK = LIGHT | tokens(CSS[CSS.index("@media (prefers-color-scheme: dark)") : CSS.index("*, *::before")])
PAIRS = [
    ("ink", "paper"), ("ink", "surface"), ("ink", "sunken"), ("ink", "tide"), ("ink-2", "paper"), ("ink-2", "surface"),
    ("ink-2", "sunken"), ("deep", "paper"), ("deep", "surface"), ("deep", "tide"), ("on-deep", "deep"), ("on-deep", "deep-hover"),
    ("amber", "surface"), ("amber", "amber-soft"), ("ok", "surface"), ("ok", "ok-soft"), ("warn", "surface"), ("warn", "warn-soft"),
    ("warn", "tide"), ("bad", "surface"), ("bad", "bad-soft"), ("ink", "ok-soft"), ("ink", "warn-soft"), ("ink", "bad-soft"),
    ("ink-2", "bad-soft"), ("deep", "bad-soft"), ("on-hero", "hero"), ("on-hero", "hero-2"), ("on-hero-2", "hero"),
]  # fmt: skip
SHAPES = [("bar", "surface"), ("week", "surface"), ("focus", "paper"), ("focus", "surface"), ("line-strong", "surface")]


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    full = colour[1:] if len(colour) == 7 else "".join(2 * character for character in colour[1:])
    parts = [int(full[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_is_readable_on_its_ground(scheme: dict[str, str], text: str, ground: str) -> None:
    assert contrast(scheme[text], scheme[ground]) >= 4.5


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("shape", "ground"), SHAPES)
def test_shapes_that_say_something_can_be_seen(scheme: dict[str, str], shape: str, ground: str) -> None:
    assert contrast(scheme[shape], scheme[ground]) >= 3


@pytest.mark.parametrize("hue", re.findall(r"--hue: (#[0-9a-f]{6})", CSS))
def test_the_character_on_a_motif_can_be_read(hue: str) -> None:
    assert contrast("#fbf6ea", hue) >= 4.5


def test_templates_have_no_inline_style_or_script() -> None:
    for path in (FOLDER / "templates").rglob("*.html"):
        text = path.read_text()
        assert not re.search(r"\sstyle=|<style|\son[a-z]+=|<script(?! src=)", text), path.name


def test_the_script_is_small() -> None:
    assert len((FOLDER / "static" / "site.js").read_bytes()) < SCRIPT_BYTES_MAX


def test_every_colour_is_a_token() -> None:
    """Outside the tokens, motifs and print, no colour is named: dark mode follows by itself."""
    rules = CSS[CSS.index("*, *::before") : CSS.index("/* a quiet identity")]
    rules += CSS[CSS.index("/* seven days at a glance") : CSS.index("@media print")]
    named = set(re.findall(r"#[0-9a-f]{3,6}\b", rules))
    assert named <= {"#e58f55", "#ffb37d", "#fff"}, "give it a name among the tokens"


class Fields(HTMLParser):
    """Form fields without a name for those who listen, ids that occur twice, and the order of headings."""

    def __init__(self) -> None:
        super().__init__()
        self.labelled: set[str] = set()
        self.fields: list[dict[str, str | None]] = []
        self.ids: list[str] = []
        self.headings: list[int] = []
        self.depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        if known.get("id"):
            self.ids.append(str(known["id"]))
        if tag == "label":
            self.depth += 1
            self.labelled.add(str(known.get("for")))
        if tag in ("input", "select", "textarea") and known.get("type") != "hidden":
            named = self.depth > 0 or "aria-label" in known
            self.fields.append(known | {"named": "1" if named else None})
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))

    def handle_endtag(self, tag: str) -> None:
        if tag == "label":
            self.depth -= 1


def is_well_made(page: str) -> None:
    seen = Fields()
    seen.feed(page)
    assert not [field for field in seen.fields if not field["named"] and field.get("id") not in seen.labelled]
    assert len(seen.ids) == len(set(seen.ids)), "an id occurs twice"
    assert seen.headings.count(1) == 1
    assert seen.headings[0] == 1
    for mark in ('<main id="main"', "<header", "<footer", 'class="skip"'):
        assert mark in page


async def furnish(db: Db) -> None:
    """The demo catalogue with its slots."""
    await db.run(catalogue.apply, actor.system("test"), catalogue.demo())
    await db.run(inventory.generate, actor.system("test"))


@pytest.mark.anyio
@pytest.mark.parametrize("language", ["zh", "en"])
async def test_every_page_is_light_and_well_made(db: Db, reader: httpx2.AsyncClient, language: str) -> None:
    await furnish(db)
    slot = await world.open_slot(db)
    reader.cookies.set("hf_lang", language)
    paths = ["/", "/venues/palace-museum", "/venues/mogao-caves", checkout_url(slot, 5), "/session", "/orders/lookup",
             "/mailbox", "/status", "/nowhere"]  # fmt: skip
    files = [await reader.get(assets.url(name)) for name in ("site.css", "site.js", "icon.svg")]
    shared = sum(len(answer.content) for answer in files)
    for path in paths:
        answer = await reader.get(path)
        assert len(answer.content) + shared < PAGE_BYTES_MAX, path
        is_well_made(answer.text)
