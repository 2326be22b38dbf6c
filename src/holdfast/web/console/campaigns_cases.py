"""Cases in the form of a campaign: a basket of one kind of ticket from the catalogue, and exactly what it must get.

What rows cannot say (several lines, things that are not for sale any more) stands as JSON below them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from holdfast.campaigns import codes, facts
from holdfast.campaigns.catalogued import Ticket
from holdfast.campaigns.model import Case
from holdfast.kit.money import parse_major
from holdfast.web.formats import HOME_ZONE
from holdfast.web.forms import Form

CASES, CASES_MAX = 6, 16
FIELDS = ("name", "price", "quantity", "channel", "ahead", "at", "earlier", "age", "code", "expected")


def shown(form: Form) -> int:
    """How many rows stand in the form."""
    asked = form.value("cases.rows")
    filled = [
        n for n in range(CASES_MAX) if any(form.value(f"case.{n}.{name}") for name in ("name", "price", "expected"))
    ]
    return min(
        CASES_MAX, max(int(asked) if asked.isdigit() and len(asked) < 3 else CASES, (filled[-1] + 1) if filled else 0)
    )


def read(form: Form, priced: Mapping[str, Ticket]) -> list[Case]:
    """The cases of a form; what is wrong stands beside its fields."""
    found = [case for n in range(shown(form)) if (case := _row(form, n, priced)) is not None]
    if form.value("cases.json").strip():
        try:
            found += msgspec.json.decode(form.value("cases.json"), type=list[Case])
        except msgspec.MsgspecError as problem:
            form.add("cases.json", "This JSON cannot be read as cases: {problem}", problem=str(problem))
    return found


def _row(form: Form, n: int, priced: Mapping[str, Ticket]) -> Case | None:
    typed = {name: form.value(f"case.{n}.{name}").strip() for name in FIELDS}
    if not (typed["name"] or typed["price"] or typed["expected"]):
        return None
    ticket = priced.get(typed["price"])
    before = len(form.errors)
    if ticket is None:
        form.add(f"case.{n}.price", "Choose a ticket of the catalogue.")
    expected = _minor(form, f"case.{n}.expected", typed["expected"])
    numbers = {name: _number(form, f"case.{n}.{name}", typed[name]) for name in ("quantity", "ahead", "earlier", "age")}
    at = _at(form, f"case.{n}.at", typed["at"] or form.value("from"))
    if len(form.errors) > before or ticket is None or at is None or expected is None:
        return None
    zone = ZoneInfo(ticket.time_zone)
    visit: date | None = None
    if numbers["ahead"] is not None:
        visit = at.astimezone(zone).date() + timedelta(days=numbers["ahead"])
    line = facts.Line(
        seq=1, product_id=ticket.product_id, venue_id=ticket.venue_id, city=ticket.city.get("zh"), kind=ticket.kind, ticket=ticket.ticket,
        price_id=ticket.price_id, visit_date=visit, time_zone=ticket.time_zone, quantity=numbers["quantity"] or 1,
        unit_minor=ticket.amount_minor,
    )  # fmt: skip
    code = facts.Code(codes.read(form.value("code")) or "ANY", form.value("campaign")) if typed["code"] else None
    basket = facts.Basket(
        [line], at, channel=typed["channel"] or "web", currency=ticket.currency, earlier=numbers["earlier"], redemptions={}, code=code,
        account_since=None if numbers["age"] is None else at - timedelta(days=numbers["age"]),
    )  # fmt: skip
    is_gift = form.value("effect") == "gift"
    return Case(typed["name"] or f"{n + 1}", basket, 0 if is_gift else expected, expected // 100 if is_gift else 0)


def _minor(form: Form, field: str, typed: str) -> int | None:
    try:
        return parse_major(typed.replace(",", "")).amount_minor
    except ValueError:
        form.add(field, "Write exactly what it gets in yuan (of gifts: how many), 0 for nothing.")
        return None


def _number(form: Form, field: str, typed: str) -> int | None:
    if typed and not (typed.isascii() and typed.isdigit() and len(typed) < 6):
        form.add(field, "Write a whole number.")
        return None
    return int(typed) if typed else None


def _at(form: Form, field: str, typed: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(typed)
    except ValueError:
        form.add(field, "Write day and time, such as 2027-01-31 09:00.")
        return None
    return found if found.tzinfo else found.replace(tzinfo=ZoneInfo(HOME_ZONE))


def typed(cases: Sequence[Case]) -> dict[str, str]:
    """The form that reads as these cases."""
    found: dict[str, str] = {}
    rest: list[Case] = []
    rows = 0
    for case in cases:
        if rows < CASES_MAX and _fits(case):
            found |= _typed_row(case, rows)
            rows += 1
        else:
            rest.append(case)
    if rest:
        found["cases.json"] = msgspec.json.format(msgspec.json.encode(rest), indent=1).decode()
    return found


def _fits(case: Case) -> bool:
    """Whether a row can say it."""
    basket = case.basket
    line = basket.lines[0] if len(basket.lines) == 1 else None
    return (
        line is not None and line.seq == 1 and bool(line.price_id) and line.starts_at is None and basket.locale is None
    )


def _typed_row(case: Case, n: int) -> dict[str, str]:
    basket, [line] = case.basket, case.basket.lines
    at = basket.now.astimezone(ZoneInfo(HOME_ZONE))
    ahead = ""
    if line.visit_date is not None:
        ahead = str((line.visit_date - basket.now.astimezone(ZoneInfo(line.time_zone)).date()).days)
    hundredths = case.expected_gifts * 100 or case.expected_minor
    row = {
        "name": case.name, "price": line.price_id or "", "quantity": str(line.quantity), "channel": basket.channel or "", "ahead": ahead,
        "at": at.strftime("%Y-%m-%dT%H:%M"), "earlier": "" if basket.earlier is None else str(basket.earlier),
        "age": "" if basket.account_since is None else str((basket.now - basket.account_since).days),
        "code": "on" if basket.code else "", "expected": f"{hundredths // 100}.{hundredths % 100:02d}".removesuffix(".00"),
    }  # fmt: skip
    return {f"case.{n}.{name}": value for name, value in row.items()}
