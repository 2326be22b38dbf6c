"""Packages: a reseller sells a card together with visits. Each visit is an order of the channel ``card`` of its own.

While the package is held its visits hold places and nothing else. Confirmed, the package becomes cards, one for each holder,
and each of them pays a line of every visit: from then on these are visits like any other with a card. The first visit
activates the cards. Whatever happens, happens to the package and all its visits in one transaction.

Locks are taken in one order: the package, its visits, its cards, slots.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

import msgspec

from holdfast import catalogue, passes
from holdfast.kit import clock, ids
from holdfast.kit.db import ReadTx, Tx, lock
from holdfast.kit.i18n import both
from holdfast.passes import Card, CardRefuses, CardState
from holdfast.passes.eligibility import Wanted as WantedVisit

from . import (
    cards_store,
    changes_store,
    resale_includes,
    resale_offers,
    resale_offers_store,
    resale_seats,
    resale_store,
    resale_visits_store,
    store,
)
from .cards import CHANNEL, parties
from .model import OrderRow, PriceUnknown, State, TooManyCompanions
from .resale_model import (
    OPTION,
    BookingOver,
    BookingUuidTaken,
    Group,
    HoldOver,
    Include,
    Offered,
    OptionUnknown,
    ProductNotOffered,
    Resale,
    Seller,
    SlotOffer,
    VisitWish,
)
from .resale_package_model import IncludesUsedUp, IncludeUnknown, ItemsDiffer, NoPackage, Visit
from .resale_paying import Paying, pay
from .resale_store import NewOrder
from .resale_visits_store import PartyLine

IN_GROUP = "More than {count} were chosen of: {title}."
OF_INCLUDE = "This one may be chosen {limit} times."
OVER = (State.CANCELLED, State.EXPIRED)


class Package(msgspec.Struct, frozen=True):
    """What visits are chosen with: a package, its units in their order, and (once it is there) its order."""

    seller: Seller
    offered: Offered
    units: list[str]
    row: OrderRow | None = None
    resale: Resale | None = None
    cards: list[Card] = []
    """What it has become, once confirmed."""

    @property
    def is_test(self) -> bool:
        return self.seller.is_test if self.resale is None else self.resale.is_test


class Choice(msgspec.Struct, frozen=True):
    """A visit as it is to be: of what, when; as what it is booked already. `at`: its place in what was asked for, else None."""

    include: Include
    slot: SlotOffer
    visit: Visit | None
    at: int | None
    uuid: UUID
    reference: str | None
    moves: bool

    @property
    def day(self) -> date:
        return self.slot.slot.visit_date


class Plan(msgspec.Struct, frozen=True):
    """All visits of a package as they are to be, and how many come on each card."""

    package: Package
    choices: list[Choice]
    parties: list[list[int]]

    @property
    def slot_ids(self) -> list[UUID]:
        return [one.slot.slot.id for one in self.choices]

    def lines(self, include: Include, rules: Any) -> list[PartyLine]:
        """A line for each card: a room is one, whoever sleeps in it."""
        is_night = rules.item(include.item).unit == "night"
        return [PartyLine(n, 1 if is_night else len(party)) for n, party in enumerate(self.parties, 1)]


async def plan(tx: Tx, package: Package, wishes: Sequence[VisitWish]) -> Plan:
    """What the visits of a package are to be, when these are chosen or get another time and the others stay.

    NoPackage; TooManyCompanions; IncludeUnknown, IncludesUsedUp, ItemsDiffer; ProductNotOffered, OptionUnknown,
    AvailabilityUnknown; BookingUuidTaken, BookingOver; CardRefuses with every reason why the card would not allow it.
    """
    if not package.offered.is_package:
        if wishes:
            raise NoPackage
        return Plan(package, [], [])
    product = await passes.card_products.get(tx, package.offered.id)
    rules = package.cards[0].rules if package.cards else product.rules
    seated = parties([cards_store.kind_of(unit) for unit in package.units], rules.party)
    if sum(map(len, seated)) < len(package.units):
        raise TooManyCompanions
    groups = await resale_includes.of_card(tx, package.cards[0]) if package.cards else package.offered.groups
    there = await _there(tx, package)
    await _require_names(tx, package, there, wishes)
    choices = await _choices(tx, package, groups, there, wishes)
    _require_counts(groups, choices)
    if not package.cards:
        await _require_allowed(tx, package.offered.id, choices)
    return Plan(package, choices, seated)


async def _there(tx: Tx, package: Package) -> list[tuple[Visit, OrderRow]]:
    """The visits so far, their orders locked; also those that are over."""
    if package.row is None:
        return []
    visits = await resale_visits_store.of_parents(tx, [package.row.id])
    rows = {one: await store.locked(tx, one) for one in sorted(visit.order_id for visit in visits)}
    return [(visit, row) for visit in visits if (row := rows[visit.order_id]) is not None]


def is_open(visit: Visit, row: OrderRow, *, is_test: bool) -> bool:
    """It was not given back. The order of a trial is cancelled from the beginning."""
    return visit.cancelled_at is None and (is_test or row.state not in OVER)


async def _require_names(
    tx: Tx, package: Package, there: Sequence[tuple[Visit, OrderRow]], wishes: Sequence[VisitWish]
) -> None:
    """Each visit has a name of its own among all bookings of the partner. BookingUuidTaken."""
    partner_id = package.seller.partner_id
    named = [wish.uuid for wish in wishes if wish.uuid is not None]
    twice = [uuid for uuid, count in Counter(named).items() if count > 1]
    if twice:
        raise BookingUuidTaken(uuid=str(twice[0]))
    fresh = sorted(set(named) - {visit.uuid for visit, _row in there})
    for uuid in fresh:
        await lock(tx, f"resale:{partner_id}:{uuid}")
    taken = await resale_visits_store.other_name(tx, partner_id, fresh, package.row.id if package.row else None)
    if taken is not None:
        raise BookingUuidTaken(uuid=str(taken))


async def _choices(
    tx: ReadTx,
    package: Package,
    groups: Sequence[Group],
    there: Sequence[tuple[Visit, OrderRow]],
    wishes: Sequence[VisitWish],
) -> list[Choice]:
    known = {one.id: one for group in groups for one in group.includes}
    by_uuid = {visit.uuid: (visit, row) for visit, row in there}
    asked = {wish.uuid for wish in wishes}
    found = []
    for visit, row in there:
        if visit.uuid not in asked and is_open(visit, row, is_test=package.is_test):
            slot = await _slot_of(tx, package, visit)
            include = known.get(visit.include_id)
            if include is None:  # the card is sold by other rules since
                raise IncludeUnknown(errors=[_named(visit.include_id, "packageBookings")])
            found.append(Choice(include, slot, visit, None, visit.uuid, visit.reseller_reference, moves=False))
    for at, wish in enumerate(wishes):
        old = by_uuid.get(wish.uuid) if wish.uuid else None
        if old and not is_open(*old, is_test=package.is_test):
            raise BookingOver(status="CANCELLED")
        found.append(await _choice(tx, package, known, old[0] if old else None, at, wish))
    return found


async def _slot_of(tx: ReadTx, package: Package, visit: Visit) -> SlotOffer:
    lines = (await store.lines(tx, [visit.order_id]))[visit.order_id]
    [slot] = await resale_offers_store.slots_of(tx, package.seller.partner_id, [lines[0].slot_id])
    return slot


async def _choice(
    tx: ReadTx, package: Package, known: dict[str, Include], visit: Visit | None, at: int, wish: VisitWish
) -> Choice:
    include = known.get(wish.include_id or (visit.include_id if visit else ""))
    if include is None:
        raise IncludeUnknown(errors=[_named(wish.include_id, f"packageBookings[{at}].packageIncludeId")])
    if visit is not None and visit.include_id != include.id:
        raise BookingUuidTaken(uuid=str(visit.uuid))
    if wish.product_id is not None and wish.product_id != include.offered.id:
        raise ProductNotOffered(product_id=wish.product_id)
    if wish.option_id is not None and wish.option_id != OPTION:
        raise OptionUnknown(option_id=wish.option_id)
    if wish.units is not None and Counter(wish.units) != Counter(package.units):
        raise ItemsDiffer
    was = await _slot_of(tx, package, visit) if visit else None
    if was is not None and not wish.availability_id:
        slot = was
    else:
        slot = await resale_offers.one_named(tx, package.seller.partner_id, include.offered, wish.availability_id)
    reference = wish.reference or (visit.reseller_reference if visit else None)
    moves = was is None or was.slot.id != slot.slot.id
    return Choice(include, slot, visit, at, wish.uuid or ids.uuid7(), reference, moves)


def _named(include_id: str, field: str) -> dict[str, Any]:
    return {"field": field, "message": {"en": include_id, "zh": include_id}}


def _require_counts(groups: Sequence[Group], choices: Sequence[Choice]) -> None:
    """IncludesUsedUp names the first that is one too many."""
    for group in groups:
        mine = {one.id for one in group.includes}
        chosen = [choice for choice in choices if choice.include.id in mine]
        for include in group.includes:
            same = [choice for choice in chosen if choice.include.id == include.id]
            if len(same) > include.limit:
                raise IncludesUsedUp(errors=[_error(same[-1], both(OF_INCLUDE, limit=include.limit))])
        if len(chosen) > group.count:
            says = both(IN_GROUP, count=group.count, title="{title}")
            named = {locale: text.format(title=group.title.get(locale, "")) for locale, text in says.items()}
            raise IncludesUsedUp(errors=[_error(chosen[-1], named)])


def _error(choice: Choice, says: dict[str, str]) -> dict[str, Any]:
    return {"field": "" if choice.at is None else f"packageBookings[{choice.at}]", "message": says}


async def _require_allowed(tx: ReadTx, product_id: str, choices: Sequence[Choice]) -> None:
    """CardRefuses when the card that the package will be would not allow these visits together."""
    if choices:
        names = {choice.include.item: choice.include.offered.venue_name for choice in choices}
        card = await resale_includes.prospect(tx, product_id, names, min(choice.day for choice in choices))
        require_card(card, choices)


def require_card(card: Card, choices: Sequence[Choice]) -> None:
    """CardRefuses with every reason why a card does not allow these visits besides those it has."""
    wanted = [WantedVisit(one.include.id, one.day, one.slot.slot.starts_at) for one in choices]
    found = passes.eligibility.refusals(card, wanted, clock.now())
    if found:
        raise CardRefuses(errors=[_error(choices[one.visit], one.says) for one in found])


async def lock_slots(tx: Tx, made: Plan, slot_ids: Sequence[UUID]) -> None:
    """Locks the slots that a plan touches, and others, together: nobody waits for anybody who waits for them."""
    before: set[UUID] = set()
    for choice in made.choices:
        if choice.visit is not None:
            lines = (await store.lines(tx, [choice.visit.order_id]))[choice.visit.order_id]
            before |= {line.slot_id for line in lines}
    if not made.package.is_test:
        await changes_store.lock_slots(tx, list({*made.slot_ids, *slot_ids, *before}))


async def hold(tx: Tx, package: Package, made: Plan, *, resized: bool = False) -> None:
    """Takes the places of a plan for a package that is held (or a trial). `resized`: others come than before.

    The problem that stands in the way, as of placing; PlacesUsedUp. The caller has locked the slots.
    """
    if not made.choices:
        return
    rules = (await passes.card_products.get(tx, package.offered.id)).rules
    prices = await prices_of(tx, made.choices)
    for choice in made.choices:
        if choice.moves or resized:
            await _hold(tx, package, choice, made.lines(choice.include, rules), prices[choice.include.id])
        await note(tx, package, choice, choice.visit.order_id if choice.visit else None)


async def prices_of(tx: ReadTx, choices: Sequence[Choice]) -> dict[str, str]:
    """Product → the price of it that a card pays. PriceUnknown where there is none yet."""
    found = await catalogue.card_prices.of(tx, [choice.include.id for choice in choices])
    missing = [choice.include.id for choice in choices if choice.include.id not in found]
    if missing:
        raise PriceUnknown(price_id=missing[0])
    return found


async def _hold(tx: Tx, package: Package, choice: Choice, lines: list[PartyLine], price_id: str) -> None:
    """New places first, as far as the database sees them; what the visit gives up in the same slot counts as free."""
    live, need = not package.is_test, sum(line.quantity for line in lines)
    freed, first = 0, 0
    if choice.visit is not None:
        order_id = choice.visit.order_id
        old = (await store.lines(tx, [order_id]))[order_id]
        freed = sum(line.places for line in old if line.slot_id == choice.slot.slot.id) if live else 0
        first, _travellers, _items = await resale_store.last_seqs(tx, order_id)
        await require_room(tx, package, choice, need, freed)
        await resale_store.leave(tx, order_id, [line.seq for line in old])
    else:
        await require_room(tx, package, choice, need, 0)
        order_id = await begin(tx, package, choice, State.CANCELLED if package.is_test else State.HELD)
    numbered = [msgspec.structs.replace(line, seq=first + line.seq) for line in lines]
    await resale_visits_store.enter(tx, order_id, choice.slot.slot.id, price_id, numbered, live=live)


async def require_room(tx: ReadTx, package: Package, choice: Choice, need: int, freed: int) -> None:
    """The slot is on sale and has room for so many more; read again, because visits before this one may have taken some."""
    [slot] = await resale_offers_store.slots_of(tx, package.seller.partner_id, [choice.slot.slot.id])
    resale_seats.require_room(choice.include.offered, package.seller.terms, slot, need, freed)


async def begin(tx: Tx, package: Package, choice: Choice, state: State) -> UUID:
    """The order of a visit, without lines yet; the row beside it is written or follows."""
    assert package.row is not None
    assert package.resale is not None
    now, parent = clock.now(), package.row
    held = state is State.HELD
    made = NewOrder(
        id=ids.uuid7(), number=ids.new_code(), account_id=parent.account_id, state=State.HELD if held else state,
        currency=parent.currency, phone_index=await resale_store.phone_index(tx, parent.id), locale=parent.locale,
        channel=parent.channel if package.is_test else CHANNEL, placed_at=now,
        expires_at=package.resale.held_until if held else None,
    )  # fmt: skip
    await resale_store.insert_order(tx, made)
    await store.add_event(tx, made.id, "placed", now, str(package.seller.actor), {"channel": made.channel})
    if package.is_test:
        await store.add_event(tx, made.id, "cancelled", now, str(package.seller.actor), {"test": True})
    if choice.visit is None:
        visit = Visit(
            package.seller.partner_id, choice.uuid, parent.id, made.id, choice.include.id, choice.reference, now, None
        )
        await resale_visits_store.insert(tx, visit)
    return made.id


async def note(tx: Tx, package: Package, choice: Choice, order_id: UUID | None) -> None:
    """Writes as which order a visit that was there is booked now, and what the reseller calls it."""
    if choice.visit is not None and order_id is not None:
        changed = msgspec.structs.replace(choice.visit, order_id=order_id, reseller_reference=choice.reference)
        if changed != choice.visit:
            await resale_visits_store.update(tx, changed)


async def confirm(tx: Tx, package: Package) -> None:
    """The package has just become cards: they pay its visits. HoldOver, SaleOver, SlotClosed, CardRefuses.

    A visit that a house has cancelled meanwhile stays cancelled, and another may be chosen instead.
    """
    assert package.row is not None
    everything = [(visit, row) for visit, row in await _there(tx, package) if visit.cancelled_at is None]
    there = [(visit, row) for visit, row in everything if row.state is not State.CANCELLED]
    if not there:
        return
    if any(row.state is not State.HELD for _visit, row in there):
        assert package.resale is not None
        raise HoldOver(uuid=str(package.resale.uuid))
    groups = await resale_includes.of_card(tx, package.cards[0])
    choices = await _choices(tx, package, groups, there, [])
    cards = await active(tx, package, choices)
    for card in cards:
        require_card(card, choices)
    for choice in choices:
        assert choice.visit is not None
        resale_offers.require_on_sale(choice.slot, clock.now())
        await pay(tx, Paying(package.seller.actor, choice.visit.order_id, choice.include, choice.slot.slot), cards)


async def active(tx: Tx, package: Package, choices: Sequence[Choice]) -> list[Card]:
    """The cards of a package, locked, in the order of their holders; the first visit has activated them."""
    assert package.row is not None
    await passes.cards.lock_of_order(tx, package.row.id)
    cards, found = await passes.cards.of_order(tx, package.row.id), []
    for card in cards:
        start = min(choice.day for choice in choices)
        if card.state is CardState.ISSUED:
            actor, owner = package.seller.actor, card.row.account_id
            found.append(await passes.cards.activate(tx, actor, owner, card.number, start))
        elif card.state is not CardState.REFUNDED:
            found.append(card)
    return found
