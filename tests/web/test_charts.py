"""Charts: pictures that say what they show, in both languages, without a request, a script or a style attribute."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

import holdfast.web
from holdfast.web import charts

from .test_looks import DARK, LIGHT, contrast, tokens

CSS = (Path(holdfast.web.__file__).parent / "static" / "console.css").read_text()
NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
SERIES = [
    charts.Series("p50", [(NOON + timedelta(minutes=at), 20.0 + at) for at in range(60)]),
    charts.Series("p95 <old>", [(NOON + timedelta(minutes=at), None if 20 <= at < 30 else 80.0 + at) for at in range(60)]),
]  # fmt: skip


def well_made(picture: str) -> ET.Element:
    """The picture's outer svg, after what every chart owes its readers."""
    root = ET.fromstring(f"<div>{picture}</div>")
    svg = next(root.iter("svg"))
    assert svg.get("role") == "img"
    title, told = list(svg)[:2]
    assert (title.tag, told.tag) == ("title", "desc")
    assert title.text
    assert svg.get("aria-label") == title.text
    assert "id=" not in picture, "the same picture may be there twice on a page"
    assert not re.search(r"\sstyle=|<style|<script|\son[a-z]+=", picture)
    assert not re.search(r"#[0-9a-f]{3,6}\b", picture), "colours are classes"
    for element in root.iter():
        for name, value in element.attrib.items():
            assert "nan" not in value.lower(), (element.tag, name, value)
    return svg


@pytest.mark.parametrize("locale", ["zh", "en"])
def test_a_chart_says_its_figures_in_words(locale: str) -> None:
    svg = well_made(charts.lines(SERIES, title="Time to answer", unit="ms", locale=locale))
    told = svg.find("desc").text
    expected = {
        "en": "p50: lowest 20 ms, highest 79 ms, last 79 ms. p95 <old>: lowest 80 ms, highest 139 ms, last 139 ms.",
        "zh": "p50：最低20 ms，最高79 ms，最新79 ms。 p95 <old>：最低80 ms，最高139 ms，最新139 ms。",
    }
    assert told == expected[locale]


def test_times_are_on_the_clocks_of_the_zone_and_curves_have_gaps() -> None:
    picture = charts.lines(
        SERIES, title="Time to answer", locale="en", limit=150, marks=[charts.Mark(NOON, "release 7")],
        bands=[charts.Band(NOON + timedelta(minutes=20), NOON + timedelta(minutes=30), "no answer", "bad")],
    )  # fmt: skip
    svg = well_made(picture)
    words = [element.text for element in svg.iter("text")]
    assert {"12:00", "12:59", "no answer", "release 7"} <= set(words)
    paths = {element.get("class"): element.get("d") for element in svg.iter("path")}
    assert paths["curve s1"].count("M") == 1
    assert paths["curve s2"].count("M") == 2
    assert "limit" in paths
    assert "p95 &lt;old&gt;" in picture
    assert "release 7." in svg.find("desc").text


def test_long_spans_are_labelled_with_days_and_numbers_with_their_unit() -> None:
    days = [(NOON + timedelta(days=at), float(at)) for at in range(10)]
    assert "2 Dec" in charts.lines([charts.Series("n", days)], title="Days", locale="en")
    assert "12/2" in charts.lines([charts.Series("n", days)], title="Days", locale="zh")
    seconds = [(float(at), 1.0) for at in range(31)]
    assert "30 s" in charts.lines([charts.Series("n", seconds)], title="Drill", locale="en")


def test_bars_are_as_long_as_their_share_of_the_longest() -> None:
    svg = well_made(
        charts.bars(
            [charts.Bar("WeChat Pay", 200, "4 failed", "bad"), charts.Bar("Alipay", 50)], title="Payments", locale="en"
        )
    )
    widths = [rect.get("width") for rect in svg.iter("rect") if rect.get("class").startswith("bar")]
    assert widths == ["100.00%", "25.00%"]
    assert svg.find("desc").text == "WeChat Pay: 200; Alipay: 50"


def test_a_meter_is_filled_by_its_share_and_never_beyond() -> None:
    for value, width in ((0, "0.00%"), (25, "25.00%"), (150, "100.00%"), (-5, "0.00%")):
        svg = well_made(charts.meter(value, 100, title="Budget", unit="%", locale="en", tone="warn"))
        assert [rect.get("width") for rect in svg.iter("rect")] == ["100%", width]
    assert svg.find("desc").text == "-5% of 100%"
    well_made(charts.meter(3, 0, title="Nothing to fill", locale="zh"))


@pytest.mark.parametrize("locale", ["zh", "en"])
def test_without_figures_a_chart_says_so(locale: str) -> None:
    said = {"en": "No figures yet.", "zh": "暂无数据。"}[locale]
    nothing = charts.Series("p50", [(NOON, None)])
    for picture in (
        charts.lines([], title="Empty", locale=locale), charts.lines([nothing], title="Empty", locale=locale),
        charts.bars([], title="Empty", locale=locale), charts.spark([None], title="Empty", locale=locale),
    ):  # fmt: skip
        assert well_made(picture).find("desc").text == said


values = st.none() | st.floats(min_value=0, max_value=1e12, allow_nan=False)


@given(st.lists(values, max_size=40), st.sampled_from(["zh", "en"]), st.none() | st.floats(0.001, 1e9))
def test_any_figures_make_a_picture_whose_curves_stay_inside(ys, locale, limit) -> None:
    series = [charts.Series("n", [(NOON + timedelta(seconds=at), y) for at, y in enumerate(ys)])]
    svg = well_made(charts.lines(series, title="Any", locale=locale, limit=limit))
    for path in svg.iter("path"):
        for x, y in re.findall(r"[ML]([\d.]+) ([\d.]+)", path.get("d")):
            assert 0 <= float(x) <= charts.ACROSS
            assert 0 <= float(y) <= charts.PLOT
    well_made(charts.spark(ys, title="Any", locale=locale))
    well_made(charts.bars([charts.Bar("n", y) for y in ys if y is not None], title="Any", locale=locale))


@given(st.floats(min_value=1e-6, max_value=1e15))
def test_ticks_are_few_and_reach_the_highest_figure(high: float) -> None:
    ticks = charts._ticks(0.0, high)
    assert 2 <= len(ticks) <= 6
    assert ticks[0] == 0
    assert ticks[-1] >= high * 0.999


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("colour", ["c1", "c2", "c3", "c4", "c5"])
def test_curves_can_be_seen_on_cards_in_light_and_dark(scheme: str, colour: str) -> None:
    dark_at = CSS.index("@media (prefers-color-scheme: dark)")
    light = tokens(CSS[:dark_at])
    colours, ground = (light, LIGHT) if scheme == "light" else (tokens(CSS[dark_at:]), DARK)
    assert contrast(colours[colour], ground["surface"]) >= 3


def test_every_colour_of_the_console_is_a_token() -> None:
    rules = "\n".join(line for line in CSS.splitlines() if ":root" not in line)
    assert not re.search(r"#[0-9a-f]{3,6}\b|rgb\(", rules)


@pytest.mark.parametrize(
    ("xs", "shown"),
    [([1.0], ["1 orders"]), ([1.0, 2.0], ["1 orders", "2 orders"]), ([1.0, 2.0, 3.0, 4.0], ["1 orders", "2 orders", "3 orders", "4 orders"])],
)  # fmt: skip
def test_what_is_counted_stands_below_in_whole_numbers(xs, shown):
    drawn = charts.lines(
        [charts.Series("", [(x, 5.0) for x in xs])], title="Orders", locale="en", x_unit="orders", limit=20
    )
    assert re.findall(r">([\d.,]+ orders)<", drawn) == shown
