"""Charts made by the server: SVG that needs no script, follows light and dark, and reads well on a phone or aloud.

    charts.lines([charts.Series("p95", points)], title="Time to answer", unit="ms", locale="en")

Every picture has a title and a description with its figures (role=img). Text keeps its size at any width: places across
are percentages, and curves lie in an inner picture that is stretched under lines of constant width. Colours are classes,
given in ``static/console.css``. No request is needed: reports made outside a page use the same functions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from markupsafe import Markup

from holdfast.kit import i18n

from . import formats

X = datetime | float
TOP, PLOT, FOOT = 36, 150, 26
"""Pixels for the names of marks, for the curves, and for the figures below them."""
ACROSS = 1000
"""Units across the inner picture of the curves."""
ROW = 42
"""Pixels for each bar and its words."""
PLACES = ((0.0, "start"), (1 / 3, "middle"), (2 / 3, "middle"), (1.0, "end"))
"""Of the figures below a curve, as shares of its width, and their anchors."""
WHOLE = 3
"""So many units have room for two whole numbers between their ends."""
TONES = 5
"""How many series have looks of their own; the sixth looks like the first."""


class Series(NamedTuple):
    """A curve: points in order of x (moments, or numbers such as seconds); a value of None is a gap."""

    name: str
    points: Sequence[tuple[X, float | None]]


class Band(NamedTuple):
    """A span of x that is shaded: an outage, a maintenance window. `tone`: bad, warn, ok or nothing."""

    start: X
    end: X
    text: str
    tone: str = ""


class Mark(NamedTuple):
    """A moment with a name: a release, a failover."""

    at: X
    text: str


class Bar(NamedTuple):
    """A bar: what it is of, how long (not below zero), and words to its figure. `tone`: ok, warn, bad or nothing."""

    name: str
    value: float
    note: str = ""
    tone: str = ""


class _Frame(NamedTuple):
    """The part of the world that a chart shows."""

    left: float
    right: float
    low: float
    high: float

    def across(self, x: X) -> float:
        """0 at the left edge, 1 at the right; what lies outside is at the edge."""
        return min(1.0, max(0.0, (_plain(x) - self.left) / (self.right - self.left)))

    def down(self, y: float) -> float:
        """Pixels below the upper edge of the plot."""
        return PLOT * (1 - (min(self.high, max(self.low, y)) - self.low) / (self.high - self.low))


def lines(
    series: Sequence[Series], *, title: str, locale: str, unit: str = "", x_unit: str = "s", bands: Sequence[Band] = (),
    marks: Sequence[Mark] = (), limit: float | None = None, zone: str = formats.HOME_ZONE,
) -> Markup:  # fmt: skip
    """Curves over time, from zero up, with shaded spans, named moments, and a dashed line at a `limit`.

    Moments are labelled on the clocks of `zone`, numbers with `x_unit`. Without any value it says so.
    """
    _ = _speaker(locale)
    known = [(x, y) for one in series for x, y in one.points if y is not None]
    if not known:
        return _picture(
            "chart", title, _("No figures yet."), TOP + PLOT, [_text("50%", TOP + PLOT / 2, _("No figures yet."))]
        )
    ticks = _ticks(0.0, max([y for _x, y in known] + ([limit] if limit is not None else [])))
    low = min(0.0, *(y for _x, y in known))
    frame = _Frame(*_span([x for one in series for x, _y in one.points]), low, ticks[-1])
    parts = [_shade(frame, band) for band in bands]
    parts += [_rule(frame, tick) for tick in ticks]
    parts.append(_curves(frame, series, limit))
    parts += [_mark(frame, mark, at) for at, mark in enumerate(marks)]
    parts += [_beside(frame, tick, _figure(locale, tick, unit if tick == ticks[-1] else "")) for tick in ticks]
    parts += [_named(frame, band) for band in bands]
    parts += [_below(x, anchor, text) for x, anchor, text in _x_labels(frame, known[0][0], locale, x_unit, zone)]
    told = " ".join([
        *(_summary(_, locale, one, unit) for one in series),
        *(f"{band.text}." for band in bands if band.text), *(f"{mark.text}." for mark in marks if mark.text),
    ])  # fmt: skip
    picture = _picture("chart", title, told, TOP + PLOT + FOOT, parts)
    return _figure_of(picture, [one.name for one in series] if len(series) > 1 else [])


def bars(rows: Sequence[Bar], *, title: str, locale: str, unit: str = "", most: float = 0) -> Markup:
    """Bars side by side below each other, their words above them. `most` is the full length, else the longest bar."""
    _ = _speaker(locale)
    if not rows:
        return _picture("chart", title, _("No figures yet."), ROW, [_text("50%", ROW / 2, _("No figures yet."))])
    full = max(most, *(row.value for row in rows)) or 1
    parts = []
    for at, row in enumerate(rows):
        top, shown = at * ROW, " · ".join(filter(None, (_figure(locale, row.value, unit), row.note)))
        width = 100 * max(0.0, row.value) / full
        parts += [
            _text("0", top + 14, row.name, "start"), _text("100%", top + 14, shown, "end"),
            _rect("track", "0", "100%", top + 20, 10), _rect(f"bar {row.tone}".strip(), "0", f"{width:.2f}%", top + 20, 10),
        ]  # fmt: skip
    told = "; ".join(f"{row.name}: {_figure(locale, row.value, unit)}" for row in rows)
    return _figure_of(_picture("chart", title, told, ROW * len(rows), parts), [])


def spark(values: Sequence[float | None], *, title: str, locale: str, tone: str = "") -> Markup:
    """A small curve without axes, for a cell of a table; from zero up."""
    _ = _speaker(locale)
    known = [value for value in values if value is not None]
    if not known:
        return _picture("spark", title, _("No figures yet."), 24, [])
    frame = _Frame(0, max(1, len(values) - 1), min(0.0, *known), max(*known, 0.0) or 1)
    path = _path(frame, Series("", [(float(at), value) for at, value in enumerate(values)]))
    inner = Markup('<svg width="100%" height="24" viewBox="0 -6 {w} {h}" preserveAspectRatio="none">'
                   '<path class="{tone}" d="{path}" vector-effect="non-scaling-stroke"/></svg>').format(
        w=ACROSS, h=PLOT + 12, tone=f"curve s1 {tone}".strip(), path=path)  # fmt: skip
    return _picture("spark", title, _summary(_, locale, Series("", list(enumerate(values))), ""), 24, [inner])


def meter(value: float, most: float, *, title: str, locale: str, unit: str = "", tone: str = "") -> Markup:
    """How much of something is used: a filled part of a bar."""
    _ = _speaker(locale)
    told = _("{value} of {most}", value=_figure(locale, value, unit), most=_figure(locale, most, unit))
    share = min(1.0, max(0.0, value / most)) if most > 0 else 0.0
    parts = [_rect("track", "0", "100%", 0, 10), _rect(f"bar {tone}".strip(), "0", f"{100 * share:.2f}%", 0, 10)]
    return _picture("meter", title, told, 10, parts)


def _speaker(locale: str) -> Callable[..., str]:
    return lambda text, **values: i18n.translate(text, locale, **values)


def _plain(x: X) -> float:
    return x.timestamp() if isinstance(x, datetime) else float(x)


def _span(xs: Sequence[X]) -> tuple[float, float]:
    """First and last, never the same."""
    first, last = min(map(_plain, xs)), max(map(_plain, xs))
    return (first, last) if last > first else (first - 0.5, last + 0.5)


def _ticks(low: float, high: float) -> list[float]:
    """Three to six round figures from `low` to at least `high`."""
    high = high if high - low > 1e-9 else low + 1
    rough = (high - low) / 4
    power = 10 ** math.floor(math.log10(rough))
    step = next(nice * power for nice in (1, 2, 2.5, 5, 10) if nice * power >= rough * 0.999)
    return [round(low + step * at, 12) for at in range(math.ceil((high - low) / step - 1e-9) + 1)]


def _figure(locale: str, value: float, unit: str) -> str:
    """``1,250 ms``, ``12.5%``: four digits that count."""
    rounded = round(value) if abs(value) >= 1000 else float(f"{value:.4g}")
    shown = formats.number(locale, rounded)
    return shown + (unit if unit in ("", "%") else f" {unit}")


def _summary(_: Callable[..., str], locale: str, series: Series, unit: str) -> str:
    """A curve in one sentence."""
    known = [y for _x, y in series.points if y is not None]
    if not known:
        return ""
    low, high, last = (_figure(locale, value, unit) for value in (min(known), max(known), known[-1]))
    said = _("lowest {low}, highest {high}, last {last}.", low=low, high=high, last=last)
    return f"{series.name}{_(': ')}{said}" if series.name else said


def _path(frame: _Frame, series: Series) -> str:
    """The curve in units of the inner picture; a gap begins anew, a lone point is a short stroke."""
    drawn, pen_down = [], False
    for at, (x, y) in enumerate(series.points):
        if y is None:
            pen_down = False
            continue
        place = f"{ACROSS * frame.across(x):.1f} {frame.down(y):.1f}"
        alone = not pen_down and (at + 1 == len(series.points) or series.points[at + 1][1] is None)
        drawn.append(f"{'L' if pen_down else 'M'}{place}{'h1' if alone else ''}")
        pen_down = True
    return "".join(drawn)


def _curves(frame: _Frame, series: Sequence[Series], limit: float | None) -> Markup:
    """The inner picture, stretched to any width."""
    paths = [("limit", f"M0 {frame.down(limit):.1f}H{ACROSS}")] if limit is not None else []
    paths += [(f"curve s{at % TONES + 1}", _path(frame, one)) for at, one in enumerate(series)]
    drawn = Markup("").join(
        Markup('<path class="{}" d="{}" vector-effect="non-scaling-stroke"/>').format(*one) for one in paths
    )
    return Markup(
        '<svg y="{}" width="100%" height="{}" viewBox="0 0 {} {}" preserveAspectRatio="none">{}</svg>'
    ).format(TOP, PLOT, ACROSS, PLOT, drawn)


def _rule(frame: _Frame, tick: float) -> Markup:
    """A line across."""
    y = TOP + frame.down(tick)
    look = "rule base" if tick == 0 else "rule"
    return Markup('<line class="{}" x2="100%" y1="{y:.1f}" y2="{y:.1f}"/>').format(look, y=y)


def _beside(frame: _Frame, tick: float, text: str) -> Markup:
    """The figure of a line, sitting on it at its left end."""
    return _text("0", TOP + frame.down(tick) - 4, text, "start", "figure")


def _shade(frame: _Frame, band: Band) -> Markup:
    left, right = 100 * frame.across(band.start), 100 * frame.across(band.end)
    return _rect(f"band {band.tone}".strip(), f"{left:.2f}%", f"{max(0.4, right - left):.2f}%", TOP, PLOT)


def _named(frame: _Frame, band: Band) -> Markup:
    """The name of a span at its foot: it begins or ends where the span does, as there is place."""
    left, right = 100 * frame.across(band.start), 100 * frame.across(band.end)
    x, anchor = (left, "start") if left < 60 else (right, "end")
    return _text(f"{x:.2f}%", TOP + PLOT - 6, band.text, anchor, "note")


def _mark(frame: _Frame, mark: Mark, at: int) -> Markup:
    """Neighbours stand on two levels, so that their names do not lie upon each other."""
    x, level = 100 * frame.across(mark.at), 10 + 12 * (at % 2)
    line = Markup('<line class="mark" x1="{x:.2f}%" x2="{x:.2f}%" y1="{}" y2="{}"/>').format(level + 2, TOP + PLOT, x=x)
    return line + _text(f"{x:.2f}%", level, mark.text, "start" if x < 20 else "end" if x > 80 else "middle", "note")


def _x_labels(frame: _Frame, sample: X, locale: str, x_unit: str, zone: str) -> list[tuple[str, str, str]]:
    """Place, anchor and words of the figures below: both ends and, where there is room for whole numbers, two between."""
    span, found = frame.right - frame.left, []
    long = timedelta(seconds=span) > timedelta(days=2)
    is_lone = not isinstance(sample, datetime) and 2 * sample == frame.left + frame.right
    for share, anchor in ((0.5, "middle"),) if is_lone else PLACES:
        at = frame.left + share * span
        if isinstance(sample, datetime):
            moment = datetime.fromtimestamp(at, sample.tzinfo)
            day = moment.astimezone(ZoneInfo(zone)).date()
            text = formats.day_brief(locale, day) if long else formats.time(locale, moment, zone)
        else:
            if 0 < share < 1 and not is_lone:
                if span < WHOLE:
                    continue
                at = float(round(at))
            text = _figure(locale, at, x_unit)
        found.append((f"{100 * frame.across(at):.2f}%", anchor, text))
    return found


def _below(x: str, anchor: str, text: str) -> Markup:
    return _text(x, TOP + PLOT + 18, text, anchor, "figure")


def _text(x: str, y: float, text: str, anchor: str = "middle", look: str = "word") -> Markup:
    return Markup('<text class="{}" x="{}" y="{:.1f}" text-anchor="{}">{}</text>').format(look, x, y, anchor, text)


def _rect(look: str, x: str, width: str, y: float, height: float) -> Markup:
    return Markup('<rect class="{}" x="{}" width="{}" y="{:.1f}" height="{:.1f}"/>').format(look, x, width, y, height)


def _picture(look: str, title: str, told: str, height: float, parts: Sequence[Any]) -> Markup:
    """The outer picture: as wide as its place, named, and described by its `desc` (SVG-AAM 1.0), for two may be alike on a page."""
    return Markup(
        '<svg class="{look}" role="img" aria-label="{title}" width="100%" height="{height:.0f}">'
        "<title>{title}</title><desc>{told}</desc>{parts}</svg>"
    ).format(look=look, height=height, title=title, told=told, parts=Markup("").join(parts))


def _figure_of(picture: Markup, names: Sequence[str]) -> Markup:
    """The picture with the names of its curves below it, if there are several."""
    sample = Markup(
        '<li><svg width="26" height="6" aria-hidden="true"><path class="curve s{}" d="M1 3h24"/></svg>{}</li>'
    )
    named = Markup("").join(sample.format(at % TONES + 1, name) for at, name in enumerate(names))
    legend = Markup('<ul class="chart-names">{}</ul>').format(named) if names else ""
    return Markup('<figure class="chart-box">{}{}</figure>').format(picture, legend)
