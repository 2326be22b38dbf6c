"""The page of a drill's report: one file with pictures, in both languages, that needs no script and no network."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from holdfast.drills.report import Chart, Report
from holdfast.kit import clock, i18n
from holdfast.web import charts, formats

CHINESE_FIRST = ("zh", "en")


def page(report: Report) -> str:
    """HTML, complete in itself: styles and pictures are inside. Both languages are there; one is shown at a time."""
    static = files("holdfast.web") / "static"
    template = (files("holdfast.cli") / "drill_page.html").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(template).render(
        report=report,
        styles="\n".join((static / name).read_text(encoding="utf-8") for name in ("site.css", "console.css")),
        tongues=[_spoken(report, locale) for locale in CHINESE_FIRST],
    )


def _spoken(report: Report, locale: str) -> dict[str, Any]:
    """Everything that is said, in one language."""

    def say(text: str, **values: Any) -> str:
        return i18n.translate(text, locale, **{name: _known(value, locale) for name, value in values.items()})

    return {
        "locale": locale,
        "say": say,
        "number": lambda value: _number(locale, value),
        "charts": [(chart, _drawn(report, chart, locale, say)) for chart in report.charts],
        "tiles": [(name, _number(locale, report.figures[figure]) + unit) for name, figure, unit in report.tiles],
        "began": (report.began_at or clock.now()).strftime("%Y-%m-%d %H:%M UTC"),
    }


def _known(value: Any, locale: str) -> Any:
    """A word in the language, if it is one we know."""
    return i18n.translate(value, locale) if isinstance(value, str) else value


def _drawn(report: Report, chart: Chart, locale: str, say: Any) -> Markup:
    return charts.lines(
        [charts.Series(say(curve.name), curve.points) for curve in chart.curves],
        title=say(chart.title), locale=locale, unit=chart.unit, x_unit="s",
        bands=[charts.Band(span.start_s, span.end_s, say(span.text), "bad") for span in report.spans],
    )  # fmt: skip


def _number(locale: str, value: float | str) -> str:
    """A figure with its digits grouped; a word in the language."""
    if isinstance(value, str):
        return i18n.translate(value, locale)
    return formats.number(locale, int(value) if float(value).is_integer() else value)
