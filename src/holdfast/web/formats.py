"""Dates, money and counts in words of a language. Times are shown on the clocks of the venue (Babel, CLDR)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from babel import Locale as BabelLocale
from babel import dates, numbers

from holdfast.kit import clock, i18n
from holdfast.kit.money import Money

HOME_ZONE = "Asia/Shanghai"
_BABEL = {"en": BabelLocale.parse("en_GB"), "zh": BabelLocale.parse("zh_CN")}


def both(locale: str, texts: Mapping[str, str] | str | None) -> str:
    """A bilingual text in the language; a plain one as it is."""
    if isinstance(texts, str):
        return texts
    return i18n.pick(dict(texts), locale) if texts else ""


def money(locale: str, amount_minor: int, currency: str = "CNY") -> str:
    """``¥60``, ``¥60.50``, ``¥1,200``; the word for free when nothing is to pay."""
    if amount_minor == 0:
        return i18n.translate("Free", locale)
    amount = Money(amount_minor, currency)
    shown = numbers.format_decimal(amount.decimal, "#,##0.00" if "." in amount.decimal else "#,##0", _BABEL[locale])
    return str(amount).replace(amount.decimal, shown.removesuffix(".00"))


def day(locale: str, value: date) -> str:
    """``Mon 23 Nov`` · ``11月23日周一``."""
    return str(dates.format_date(value, "M月d日EEE" if locale == "zh" else "EEE d MMM", _BABEL[locale]))


def day_long(locale: str, value: date) -> str:
    """``Monday 23 November 2026`` · ``2026年11月23日 星期一``."""
    return str(dates.format_date(value, "y年M月d日 EEEE" if locale == "zh" else "EEEE d MMMM y", _BABEL[locale]))


def day_brief(locale: str, value: date) -> str:
    """``1 Dec`` · ``12/1``: for narrow cells."""
    return str(dates.format_date(value, "M/d" if locale == "zh" else "d MMM", _BABEL[locale]))


def season(locale: str, first: str, last: str) -> str:
    """``Apr–Oct``, ``1 Apr – 15 Oct`` · ``4月至10月`` from ``04-01`` and ``10-31``; empty for the whole year."""
    if (first, last) == ("01-01", "12-31"):
        return ""
    begin, end = (date.fromisoformat(f"2024-{text}") for text in (first, last))
    whole = begin.day == 1 and ((end + timedelta(days=1)).day == 1 or last == "02-28")
    pattern = ("M月" if whole else "M月d日") if locale == "zh" else ("MMM" if whole else "d MMM")
    joint = "至" if locale == "zh" else "–" if whole else " – "
    return joint.join(str(dates.format_date(value, pattern, _BABEL[locale])) for value in (begin, end))


def weekday(locale: str, value: date) -> str:
    """``Mon`` · ``一``."""
    name = str(dates.format_date(value, "EEE", _BABEL[locale]))
    return name.removeprefix("周") if locale == "zh" else name


def weekdays(locale: str, numbers_: Sequence[int]) -> str:
    """ISO weekday numbers by name: ``Monday, Tuesday`` · ``周一、周二``."""
    names = dates.get_day_names("abbreviated" if locale == "zh" else "wide", locale=_BABEL[locale])
    return ("、" if locale == "zh" else ", ").join(names[number - 1] for number in numbers_)


def month(locale: str, value: date) -> str:
    """``November 2026`` · ``2026年11月``."""
    return str(dates.format_date(value, "y年M月" if locale == "zh" else "MMMM y", _BABEL[locale]))


def season_day(locale: str, month_day: str) -> str:
    """``1 April`` · ``4月1日`` from ``04-01``."""
    value = date.fromisoformat(f"2024-{month_day}")
    return str(dates.format_date(value, "M月d日" if locale == "zh" else "d MMMM", _BABEL[locale]))


def time(locale: str, moment: datetime, zone: str = HOME_ZONE) -> str:
    """``08:30`` on the clocks of that zone."""
    return moment.astimezone(ZoneInfo(zone)).strftime("%H:%M")


def moment(locale: str, when: datetime, zone: str = HOME_ZONE) -> str:
    """``today 20:31``, ``28 Nov, 20:31`` · ``今天20:31``, ``11月28日 20:31``; with the year when it is another one."""
    local, today = when.astimezone(ZoneInfo(zone)), clock.now().astimezone(ZoneInfo(zone))
    if local.date() == today.date():
        return i18n.translate("today {time}", locale, time=local.strftime("%H:%M"))
    if local.date() == today.date() + timedelta(days=1):
        return i18n.translate("tomorrow {time}", locale, time=local.strftime("%H:%M"))
    pattern = "M月d日 HH:mm" if locale == "zh" else "d MMM, HH:mm"
    if local.year != today.year:
        pattern = "y年M月d日 HH:mm" if locale == "zh" else "d MMM y, HH:mm"
    return str(dates.format_datetime(local.replace(tzinfo=None), pattern, locale=_BABEL[locale]))


def number(locale: str, value: float) -> str:
    """``8,421``."""
    return str(numbers.format_decimal(value, locale=_BABEL[locale]))


def compact(locale: str, value: int) -> str:
    """``980``, ``4.1k`` · ``1.2万``: for narrow cells; never rounded up."""
    if locale == "zh":
        return f"{value // 1000 / 10:g}万" if value >= 10_000 else str(value)
    if value >= 10_000:
        return f"{value // 1000}k"
    return f"{value // 100 / 10:g}k" if value >= 1000 else str(value)


def glyph(locale: str, name: Mapping[str, str]) -> str:
    """The first character of the Chinese name, as on a seal; of the other name when there is none."""
    return (name.get("zh") or i18n.pick(dict(name), "en") or "·")[0]


FILTERS = {
    function.__name__: function
    for function in (
        both,
        money,
        day,
        day_brief,
        day_long,
        weekday,
        weekdays,
        month,
        season_day,
        time,
        moment,
        number,
        compact,
        glyph,
    )
}
"""What templates write after a bar: ``{{ order.placed_at | moment(zone) }}``; the language comes from the page."""
