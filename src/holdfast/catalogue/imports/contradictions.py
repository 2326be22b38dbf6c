"""What no single field can tell: duplicates, names that lead nowhere, seasons that collide, slots outside hours. Pure.

Works on any set of entries: a file alone, or a file laid over what is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date, time
from typing import Any

from holdfast.catalogue import calendars
from holdfast.catalogue.model import Opening

from .entries import Entries, Entry
from .mistakes import Place, error

Error = dict[str, Any]


def find(entries: Entries) -> list[Error]:
    """Every contradiction."""
    rules: tuple[Callable[[Entries], Iterator[Error]], ...] = (
        _references, _hours, _special_days, _seasons, _prices, _timeslots, _shares, _policies,
    )  # fmt: skip
    return [found for rule in rules for found in rule(entries)]


def duplicates(entries: Iterable[Entry]) -> Iterator[Error]:
    """The same key twice in one file."""
    first: dict[tuple[str, tuple[str, ...]], Entry] = {}
    for entry in entries:
        known = first.setdefault((entry.table, entry.key), entry)
        if known is not entry:
            yield error(entry.place, "id", "DUPLICATE", other=str(known.place))


def warnings(entries: Entries) -> Iterator[tuple[Place, str, dict[str, Any]]]:
    """What may be meant, but deserves a look: place, sentence, values."""
    openings, timeslots, prices = (
        entries.of("openings", "venue_id"), entries.of("timeslots", "product_id"), entries.of("prices", "product_id"),
    )  # fmt: skip
    for venue in entries.by_table["venues"]:
        seasons = [calendars.days_of_year(o.values["from_day"], o.values["to_day"]) for o in openings[venue.key[0]]]
        missing = set(calendars.days_of_year("01-01", "12-31")) - {"02-29"}.union(*seasons)
        if missing:
            yield venue.place, WARNINGS["gap"], {"venue": venue.key[0], "day": min(missing)}
    yield from _venue_shares(entries)
    for product in entries.by_table["products"]:
        if not timeslots[product.key[0]]:
            yield product.place, WARNINGS["no-timeslots"], {"product": product.key[0]}
        if not prices[product.key[0]]:
            yield product.place, WARNINGS["no-prices"], {"product": product.key[0]}
    for entry in (*entries.by_table["venues"], *entries.by_table["products"], *entries.by_table["prices"]):
        if len(entry.values["name"]) < 2:
            yield entry.place, WARNINGS["one-language"], {"name": entry.key[0]}


WARNINGS = {
    "gap": "“{venue}” has no opening hours on {day}: it counts as closed on such days.",
    "no-timeslots": "“{product}” has no times of entry: nothing can be sold.",
    "no-prices": "“{product}” has no prices: nothing can be sold.",
    "shares": "The products of “{venue}” share {sum} % of its day: each gets its proportion of 100 %.",
    "one-language": "The name of “{name}” is given in one language only.",
}


def _venue_shares(entries: Entries) -> Iterator[tuple[Place, str, dict[str, Any]]]:
    own = {
        entry.values.get("product_id") for entry in entries.by_table["policies"] if entry.values["kind"] == "absolute"
    }
    timeslots = entries.of("timeslots", "product_id")
    for venue_id, products in entries.of("products", "venue_id").items():
        shared = [product for product in products if product.key[0] not in own]
        total = sum(slot.values["share_bp"] for product in shared for slot in timeslots[product.key[0]])
        if len(shared) > 1 and total > 10_000:
            yield _last(shared), WARNINGS["shares"], {"venue": venue_id, "sum": total / 100}


def _references(entries: Entries) -> Iterator[Error]:
    wanted = (
        ("openings", "venue_id", "venues"), ("special_days", "venue_id", "venues"), ("products", "venue_id", "venues"),
        ("policies", "venue_id", "venues"), ("policies", "product_id", "products"),
        ("timeslots", "product_id", "products"), ("prices", "product_id", "products"),
    )  # fmt: skip
    for table, field, target in wanted:
        for entry in entries.by_table[table]:
            name = entry.values.get(field)
            if name and not entries.exists(target, name):
                yield error(entry.place, field, f"NO_{target.upper()}", got=name)
    for entry in [entry for table in entries.by_table.values() for entry in table]:
        for field, name in _sources(entry):
            if not entries.exists("sources", name):
                yield error(entry.place, field, "NO_SOURCES", got=name)


def _sources(entry: Entry) -> Iterator[tuple[str, str]]:
    given = entry.values.get("provenance") or {}
    parts = given.items() if entry.table == "products" else [("", given)]
    for name, part in parts:
        if part.get("source"):
            yield ".".join(filter(None, ("provenance", name, "source"))), part["source"]
    for position, fact in enumerate(entry.values.get("facts") or []):
        if fact.get("source"):
            yield f"facts[{position}].source", fact["source"]


def _hours(entries: Entries) -> Iterator[Error]:
    for entry in entries.by_table["openings"]:
        yield from _last_entry(entry)


def _special_days(entries: Entries) -> Iterator[Error]:
    for entry in entries.by_table["special_days"]:
        opens, closes = entry.values.get("opens"), entry.values.get("closes")
        if (opens is None) != (closes is None):
            yield error(entry.place, "closes" if opens else "opens", "HOURS_HALF")
        elif opens is not None and entry.values.get("last_entry"):
            yield from _last_entry(entry)


def _last_entry(entry: Entry) -> Iterator[Error]:
    opens, closes, last = (entry.values[name] for name in ("opens", "closes", "last_entry"))
    after_midnight = closes <= opens
    fits = (last >= opens or last <= closes) if after_midnight else opens <= last <= closes
    if not fits:
        yield error(entry.place, "last_entry", "LAST_ENTRY", opens=opens[:5], closes=closes[:5], last=last[:5])


def _seasons(entries: Entries) -> Iterator[Error]:
    for openings in entries.of("openings", "venue_id").values():
        for day, one, other in _collisions(openings):
            yield error(other.place, "from_day", "SEASONS_OVERLAP", one=one.key[1], other=other.key[1], day=day)


def _prices(entries: Entries) -> Iterator[Error]:
    by_ticket: dict[tuple[str, str], list[Entry]] = {}
    for price in entries.by_table["prices"]:
        by_ticket.setdefault((price.values["product_id"], price.values["ticket"]), []).append(price)
    for (_, ticket), prices in by_ticket.items():
        for day, one, other in _collisions(prices):
            yield error(
                other.place, "from_day", "PRICES_OVERLAP", one=one.key[0], other=other.key[0], ticket=ticket, day=day
            )


def _collisions(entries: list[Entry]) -> Iterator[tuple[str, Entry, Entry]]:
    """For each entry the first day of the year that an earlier one claims already; stored entries come first."""
    claimed: dict[str, Entry] = {}
    for entry in sorted(entries, key=lambda entry: bool(entry.place.file)):
        days = calendars.days_of_year(entry.values["from_day"], entry.values["to_day"])
        taken = next((day for day in days if day in claimed), None)
        if taken:
            yield taken, claimed[taken], entry
        claimed |= dict.fromkeys(days, entry)


def _timeslots(entries: Entries) -> Iterator[Error]:
    openings = entries.of("openings", "venue_id")
    for entry in entries.by_table["timeslots"]:
        starts, ends = entry.values["starts"], entry.values["ends"]
        if starts == ends != "00:00:00":
            yield error(entry.place, "ends", "SLOT_EMPTY")
            continue
        product = entries.products.get(entry.values["product_id"])
        seasons = openings.get(str(product.values["venue_id"]), []) if product else []
        if seasons and not any(_fits(entry, season) for season in seasons):
            yield error(entry.place, "starts", "SLOT_OUTSIDE", starts=starts[:5], ends=ends[:5])


def _fits(slot: Entry, season: Entry) -> bool:
    day = date(2000, 1, 1)
    opens, closes, last = (time.fromisoformat(season.values[name]) for name in ("opens", "closes", "last_entry"))
    hours = calendars.hours_on([Opening("all", "01-01", "12-31", opens, closes, last)], [], day)
    starts, ends = (time.fromisoformat(slot.values[name]) for name in ("starts", "ends"))
    if isinstance(hours, calendars.Closed):
        return False
    left = calendars.within(hours, day, starts, ends)
    first, second = calendars.span(day, starts, ends)
    return left is not None and left[1] - left[0] == second - first


def _shares(entries: Entries) -> Iterator[Error]:
    sums: dict[str, int] = {}
    for product_id, slots in entries.of("timeslots", "product_id").items():
        sums[product_id] = sum(slot.values["share_bp"] for slot in slots)
        if sums[product_id] > 10_000:
            yield error(_last(slots), "share_percent", "SHARES", product=product_id, sum=sums[product_id] / 100)


def _policies(entries: Entries) -> Iterator[Error]:
    for entry in entries.by_table["policies"]:
        given = entry.values
        if given.get("to_date") and given["to_date"] < given["from_date"]:
            yield error(entry.place, "to_date", "DATES_ORDER", first=given["from_date"], last=given["to_date"])
        product = entries.products.get(given.get("product_id") or "")
        if product and product.values["venue_id"] != given["venue_id"]:
            yield error(
                entry.place, "product_id", "PRODUCT_ELSEWHERE", product=product.key[0], venue=product.values["venue_id"]
            )
        if given.get("supersedes") == entry.key[1]:
            yield error(entry.place, "supersedes", "SUPERSEDES_ITSELF")


def _last(entries: list[Entry]) -> Place:
    return next((entry.place for entry in reversed(entries) if entry.place.file), Place())
