"""SQL of what partners supply, of their messages and their price news."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from holdfast.kit.db import ReadTx, Tx

from .feeds_model import Message, PriceNews, Supply

_SUPPLY: LiteralString = """select s.product_id, p.name as product_name, v.id as venue_id, v.name as venue_name, v.kind as venue_kind,
    v.time_zone, s.partner_id, s.minutes, s.day_minutes, s.answer_minutes, s.price_band_bp, s.since, w.said_at, w.barred_at,
    array(select t.code from catalogue.timeslots t where t.product_id = p.id and t.retired_at is null order by t.starts, t.code) as codes
    from partners.supplies s join catalogue.products p on p.id = s.product_id join catalogue.venues v on v.id = p.venue_id
    join inventory.words w on w.product_id = s.product_id """
_MESSAGE: LiteralString = (
    "select id, partner_id, way, key, body, said_at, received_at, outcome, results, said_by from partners.messages "
)
_PRICE: LiteralString = """select n.id, n.partner_id, n.price_id, c.name as price_name, p.name as product_name, c.currency, n.was_minor,
    n.amount_minor, n.said_at, n.state, n.decided_by, n.decided_at, n.reason
    from partners.price_news n join catalogue.prices c on c.id = n.price_id join catalogue.products p on p.id = c.product_id """


async def set_supply(
    tx: Tx, partner_id: str, product_id: str, minutes: int, day_minutes: int, answer_minutes: int | None, band_bp: int,
    at: datetime,
) -> None:  # fmt: skip
    await tx.execute(
        """insert into partners.supplies (product_id, partner_id, minutes, day_minutes, answer_minutes, price_band_bp, since)
           values (%(product)s, %(partner)s, %(minutes)s, %(day)s, %(answer)s, %(band)s, %(at)s)
           on conflict (product_id) do update set minutes = excluded.minutes, day_minutes = excluded.day_minutes,
             answer_minutes = excluded.answer_minutes, price_band_bp = excluded.price_band_bp""",
        product=product_id, partner=partner_id, minutes=minutes, day=day_minutes, answer=answer_minutes, band=band_bp, at=at,
    )  # fmt: skip


async def product_known(tx: ReadTx, product_id: str) -> bool:
    return bool(
        await tx.value("select true from catalogue.products where id = %(id)s and retired_at is null", id=product_id)
    )


async def supplies(tx: ReadTx, partner_id: str) -> list[Supply]:
    """What a partner vouches for."""
    return await tx.rows(
        Supply, _SUPPLY + "where s.partner_id = %(partner)s order by v.position, s.product_id", partner=partner_id
    )


async def all_supplies(tx: ReadTx) -> list[Supply]:
    """Everything that anybody vouches for."""
    return await tx.rows(Supply, _SUPPLY + "order by s.partner_id, v.position, s.product_id")


async def supplies_of(tx: ReadTx, product_ids: Sequence[str]) -> list[Supply]:
    """Of these products those that somebody vouches for."""
    return await tx.rows(Supply, _SUPPLY + "where s.product_id = any(%(ids)s)", ids=list(product_ids))


async def message(tx: ReadTx, partner_id: str, way: str, key: str) -> tuple[Message, bytes] | None:
    """The message of that key, and the hash of its body."""
    found = await tx.maybe(
        Message,
        _MESSAGE + "where partner_id = %(partner)s and way = %(way)s and key = %(key)s",
        partner=partner_id, way=way, key=key,
    )  # fmt: skip
    if found is None:
        return None
    return found, bytes(await tx.value("select body_hash from partners.messages where id = %(id)s", id=found.id))


async def keep(tx: Tx, kept: Message, body_hash: bytes) -> None:
    """A message and what came of it, for good."""
    await tx.execute(
        """insert into partners.messages (id, partner_id, way, key, body, body_hash, said_at, received_at, outcome, results, said_by)
           values (%(id)s, %(partner)s, %(way)s, %(key)s, %(body)s, %(hash)s, %(said)s, %(received)s, %(outcome)s, %(results)s, %(by)s)""",
        id=kept.id, partner=kept.partner_id, way=kept.way, key=kept.key, body=Jsonb(kept.body), hash=body_hash,
        said=kept.said_at, received=kept.received_at, outcome=kept.outcome, results=Jsonb(kept.results), by=kept.said_by,
    )  # fmt: skip


async def messages(tx: ReadTx, partner_id: str, *, before: UUID | None = None, limit: int = 50) -> list[Message]:
    """The newest messages of a partner, before that one."""
    return await tx.rows(
        Message,
        _MESSAGE
        + """where partner_id = %(partner)s and (%(before)s::uuid is null or id < %(before)s) order by id desc limit %(limit)s""",
        partner=partner_id, before=before, limit=limit,
    )  # fmt: skip


class Beat(msgspec.Struct, frozen=True):
    """When a partner was last heard of, and how often in a day."""

    partner_id: str
    received_at: datetime
    today: int


async def heard(tx: ReadTx, since: datetime) -> dict[str, Beat]:
    """Partner → when its last message came, and how many since."""
    found = await tx.rows(
        Beat,
        """select partner_id, max(received_at) as received_at, count(*) filter (where received_at > %(since)s) as today
             from partners.messages where outcome <> 'refused' group by partner_id""",
        since=since,
    )  # fmt: skip
    return {beat.partner_id: beat for beat in found}


async def latest_price_news(tx: ReadTx, price_id: str) -> datetime | None:
    """When the newest news of this price was said."""
    found: datetime | None = await tx.value(
        "select max(said_at) from partners.price_news where price_id = %(id)s", id=price_id
    )
    return found


async def add_price_news(
    tx: Tx, news_id: UUID, message_id: UUID, partner_id: str, price_id: str, was: int, amount: int, said_at: datetime,
    state: str, at: datetime,
) -> None:  # fmt: skip
    """One more; what waited for the same price does not any more."""
    await tx.execute(
        """update partners.price_news set state = 'superseded', decided_at = %(at)s
            where price_id = %(price)s and state = 'waiting'""",
        price=price_id, at=at,
    )  # fmt: skip
    await tx.execute(
        """insert into partners.price_news (id, message_id, partner_id, price_id, was_minor, amount_minor, said_at, state,
                                            decided_by, decided_at)
           values (%(id)s, %(message)s, %(partner)s, %(price)s, %(was)s, %(amount)s, %(said)s, %(state)s::text,
                   case when %(state)s = 'waiting' then '' else 'system:price-band' end,
                   case when %(state)s = 'waiting' then null else %(at)s::timestamptz end)""",
        id=news_id, message=message_id, partner=partner_id, price=price_id, was=was, amount=amount, said=said_at,
        state=state, at=at,
    )  # fmt: skip


async def price_news(tx: ReadTx, partner_id: str, *, limit: int = 30) -> list[PriceNews]:
    """Price news of a partner; what waits comes first."""
    return await tx.rows(
        PriceNews,
        _PRICE
        + "where n.partner_id = %(partner)s order by n.state <> 'waiting', n.said_at desc, n.id desc limit %(limit)s",
        partner=partner_id, limit=limit,
    )  # fmt: skip


async def one_price_news(tx: Tx, news_id: UUID) -> PriceNews | None:
    """One of them, locked."""
    return await tx.maybe(PriceNews, _PRICE + "where n.id = %(id)s for no key update of n", id=news_id)


async def decide_price_news(tx: Tx, news_id: UUID, state: str, by: str, reason: str, at: datetime) -> None:
    await tx.execute(
        """update partners.price_news set state = %(state)s, decided_by = %(by)s, decided_at = %(at)s, reason = %(reason)s
            where id = %(id)s""",
        id=news_id, state=state, by=by, at=at, reason=reason,
    )  # fmt: skip


async def kind_of(tx: ReadTx, product_id: str) -> str:
    """The kind of venue that a product is of."""
    return str(
        await tx.value(
            "select v.kind from catalogue.products p join catalogue.venues v on v.id = p.venue_id where p.id = %(id)s",
            id=product_id,
        )
    )
