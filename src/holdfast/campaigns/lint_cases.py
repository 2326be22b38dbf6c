"""Rules of lint on golden cases: baskets with exactly what they must get, priced with the real pricing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from holdfast.kit.i18n import LOCALES, both
from holdfast.kit.money import Money

from . import pricing
from .facts import is_zone
from .model import Case, Version
from .worst import Found

WANTED = 3


def cases(version: Version) -> Iterator[Found]:
    """Enough of both sorts, and each gets exactly what it says, inside the envelope."""
    listed = version.content.cases
    positive = sum(case.is_positive for case in listed)
    negative = len(listed) - positive
    if positive < WANTED or negative < WANTED:
        yield Found("cases", "CASES_FEW", {"positive": positive, "negative": negative, "wanted": WANTED})
    names = Counter(case.name for case in listed)
    for at, case in enumerate(listed):
        if names[case.name] > 1:
            yield Found(f"cases[{at}].name", "CASE_TWICE", {"name": case.name[:60]})
        yield from _case(version, case, f"cases[{at}]")


def _case(version: Version, case: Case, field: str) -> Iterator[Found]:
    name, lines = case.name[:60], case.basket.lines
    if (
        not lines
        or len({line.seq for line in lines}) < len(lines)
        or not all(is_zone(line.time_zone) for line in lines)
    ):
        yield Found(f"{field}.basket.lines", "CASE_LINES", {"name": name})
        return
    priced = pricing.price(case.basket, [version])
    gifts = sum(int(grant.gift["quantity"]) for grant in priced.grants if grant.gift)
    if (priced.discount_minor, gifts) != (case.expected_minor, case.expected_gifts):
        said = [_said(minor, number, case.basket.currency) for minor, number in (
            (case.expected_minor, case.expected_gifts), (priced.discount_minor, gifts))]  # fmt: skip
        yield Found(field, "CASE_DIFFERS", {"name": name, "expected": said[0], "got": said[1]})
    for grant in priced.grants:
        chosen = [line for line in lines if line.seq in grant.lines]
        if not pricing.fits(version, chosen, grant.amount_minor, case.basket.channel):
            yield Found(field, "CASE_OUTSIDE", {"name": name})


def _said(minor: int, gifts: int, currency: str) -> dict[str, str]:
    money = Money(minor, currency)
    return (
        both("{money} and {gifts} gifts", money=money, gifts=gifts)
        if gifts
        else {locale: str(money) for locale in LOCALES}
    )
