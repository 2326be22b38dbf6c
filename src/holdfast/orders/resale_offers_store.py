"""SQL of what resellers may sell: products with their venues, and slots with what is left."""

from __future__ import annotations

from datetime import date, datetime
from typing import LiteralString
from uuid import UUID

import msgspec

from holdfast.kit.db import ReadTx

from .resale_model import Offered, SlotOffer

_OFFERED: LiteralString = """select jsonb_build_object(
    'venue_id', v.id, 'venue_name', v.name, 'city', v.city, 'province', v.province, 'kind', v.kind, 'summary', v.summary,
    'latitude', v.latitude, 'longitude', v.longitude, 'time_zone', v.time_zone,
    'product', to_jsonb(p) || jsonb_build_object(
      'timeslots', coalesce((select jsonb_agg(t order by t.starts, t.code) from catalogue.timeslots t
                              where t.product_id = p.id and (t.retired_at is null or p.retired_at is not null)), '[]'),
      'prices', coalesce((select jsonb_agg(c order by c.position, c.id) from catalogue.prices c
                           where c.product_id = p.id and not c.with_card and (c.retired_at is null or p.retired_at is not null)), '[]')))
  from catalogue.products p join catalogue.venues v on v.id = p.venue_id """


async def offered(
    tx: ReadTx, product_ids: list[str] | None, *, cards: bool = False, cards_only: bool = False
) -> list[Offered]:
    """What is on sale now, `cards` too or only those; those that ask for no names first, tables before rooms before sights
    that have no timeslots."""
    found = await tx.values(
        _OFFERED
        + """where p.retired_at is null and v.retired_at is null
               and case when v.kind = 'card' then %(cards)s or %(only)s else not %(only)s end
               and (%(ids)s::text[] is null or p.id = any(%(ids)s))
               and exists (select 1 from catalogue.timeslots t where t.product_id = p.id and t.retired_at is null)
               and exists (select 1 from catalogue.prices c where c.product_id = p.id and c.retired_at is null and not c.with_card)
             order by v.kind = 'card', p.real_name, v.kind = 'hotel', v.position, v.id, p.id""",
        ids=product_ids, cards=cards, only=cards_only,
    )  # fmt: skip
    return msgspec.convert(found, list[Offered])


async def known(tx: ReadTx, product_ids: list[str]) -> list[Offered]:
    """These products, whether they are still on sale or not: bookings name them."""
    found = await tx.values(_OFFERED + "where p.id = any(%(ids)s)", ids=product_ids)
    return msgspec.convert(found, list[Offered])


_SLOT: LiteralString = """select jsonb_build_object('slot', to_jsonb(s),
    'twin', exists (select 1 from inventory.slots o where o.product_id = s.product_id and o.starts_at = s.starts_at and o.code < s.code),
    'mine', coalesce((select sum(l.places) from orders.lines l left join orders.resales r on r.order_id = l.order_id
                        left join orders.resale_visits w on w.order_id = l.order_id
                       where l.slot_id = s.id and l.live and coalesce(r.partner_id, w.partner_id) = %(partner)s), 0))
  from inventory.slots s """
_TIMED: LiteralString = """ exists (select 1 from catalogue.timeslots t where t.product_id = s.product_id and t.code = s.code
    and t.retired_at is null) """


async def slots(tx: ReadTx, partner_id: str, product_id: str, first: date, last: date) -> list[SlotOffer]:
    """The slots of a product between two dates, in the order of the clock."""
    found = await tx.values(
        _SLOT
        + "where s.product_id = %(product)s and s.visit_date between %(first)s and %(last)s and "
        + _TIMED
        + "order by s.starts_at, s.code",
        partner=partner_id, product=product_id, first=first, last=last,
    )  # fmt: skip
    return msgspec.convert(found, list[SlotOffer])


async def slots_at(tx: ReadTx, partner_id: str, product_id: str, moments: list[datetime]) -> list[SlotOffer]:
    """The slots of a product that begin at these moments."""
    found = await tx.values(
        _SLOT
        + "where s.product_id = %(product)s and s.starts_at = any(%(moments)s) and "
        + _TIMED
        + "order by s.starts_at, s.code",
        partner=partner_id, product=product_id, moments=moments,
    )  # fmt: skip
    return msgspec.convert(found, list[SlotOffer])


async def slots_of(tx: ReadTx, partner_id: str, slot_ids: list[UUID]) -> list[SlotOffer]:
    """These slots, whatever has become of them."""
    found = await tx.values(_SLOT + "where s.id = any(%(ids)s)", partner=partner_id, ids=slot_ids)
    return msgspec.convert(found, list[SlotOffer])
