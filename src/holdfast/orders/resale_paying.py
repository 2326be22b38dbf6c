"""Cards pay a visit of a package: their people come in by name, a use is held of each card, the order is confirmed."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec

from holdfast import passes
from holdfast.accounts import documents
from holdfast.inventory.model import Slot
from holdfast.kit import clock, jobs
from holdfast.kit.actor import Actor
from holdfast.kit.db import Tx
from holdfast.passes import Card

from . import resale_people, resale_store, store
from .model import DocumentNotAccepted, State
from .resale_model import Include, NamesMissing, VisitorInvalid


class Paying(msgspec.Struct, frozen=True):
    """A visit whose places are taken: by whom, its order, of what, when."""

    actor: Actor
    order_id: UUID
    include: Include
    slot: Slot


async def pay(tx: Tx, given: Paying, cards: Sequence[Card]) -> None:
    """Confirms the order of a visit: its lines, one for each card, are uses of these cards in their order.

    The caller has asked the cards, locked, whether they allow it. DocumentNotAccepted, VisitorInvalid.
    """
    row = await store.locked(tx, given.order_id)
    assert row is not None
    lines = (await store.lines(tx, [row.id]))[row.id]
    now = clock.now()
    _line, seq, _item = await resale_store.last_seqs(tx, row.id)
    for card, line in zip(cards, lines, strict=True):
        people = await passes.cards.people_of(tx, card)
        if len(people) < len(card.people):
            raise NamesMissing
        if given.include.offered.product.real_name:
            for person in people.values():
                seq += 1
                visitor = _visitor(given, person)
                sealed = resale_people.sealed_traveller(visitor, seq, line.seq, given.slot.id)
                await resale_store.insert_traveller(tx, row.id, sealed)
        covered = card.covering(given.include.id)
        assert covered is not None, "the card has allowed it"
        hold = passes.Hold(
            item=covered.item, line_seq=line.seq, product_id=given.include.id, slot_id=given.slot.id,
            visit_date=given.slot.visit_date, starts_at=given.slot.starts_at, ends_at=given.slot.ends_at,
            people=len(card.people), list_minor=covered.prices[given.include.id],
        )  # fmt: skip
        await passes.hold(tx, given.actor, card, row.id, row.number, [hold])
    await store.set_state(tx, row.id, State.CONFIRMED, expires_at=None, confirmed_at=now)
    await store.add_event(tx, row.id, "confirmed", now, str(given.actor), {"card": True})
    await jobs.emit(tx, "order.confirmed", {"order_id": str(row.id)})


def _visitor(given: Paying, person: passes.cards.NewPerson) -> documents.Traveller:
    found, findings = documents.check_traveller(person.name, person.document_type, person.document, clock.now().date())
    if found is None:
        raise VisitorInvalid(errors=[msgspec.to_builtins(one) for one in findings if one.severity == "error"])
    if found.document.type not in given.include.offered.product.documents:
        raise DocumentNotAccepted(accepted=given.include.offered.product.documents)
    return found
