"""SQL of the drill of joining accounts: its ground, and what those do who move rows."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from holdfast import accounts
from holdfast.kit import clock, crypto, ids
from holdfast.kit.db import Tx

PLACES = 1_000_000


class Slot(NamedTuple):
    """What is booked."""

    id: UUID
    price_id: str


async def make_slot(tx: Tx) -> Slot:
    """A slot that never sells out, without names, at a price."""
    starts_at = (clock.now() + timedelta(days=2)).replace(minute=0, second=0, microsecond=0)
    slot = Slot(ids.uuid7(), "drill-adult")
    await tx.execute(
        """insert into catalogue.venues (id, name, city, kind, updated_at)
           values ('drill-venue', '{"zh": "演练", "en": "Drill"}', '{"zh": "南京", "en": "Nanjing"}', 'museum', %(at)s)""",
        at=clock.now(),
    )
    await tx.execute(
        """insert into catalogue.products (id, venue_id, name, real_name, documents, max_per_order, once_per_document_day, updated_at)
           values ('drill-product', 'drill-venue', '{"zh": "门票", "en": "Ticket"}', false, '{}', 5, false, %(at)s)""",
        at=clock.now(),
    )
    await tx.execute(
        """insert into catalogue.timeslots (product_id, code, starts, ends, share_bp, capacity)
           values ('drill-product', 'all', '00:00', '23:59', 10000, %(places)s)""",
        places=PLACES,
    )
    await tx.execute(
        """insert into catalogue.prices (id, product_id, ticket, name, amount_minor)
           values (%(id)s, 'drill-product', 'adult', '{"zh": "成人票", "en": "Adult"}', 6000)""",
        id=slot.price_id,
    )
    await tx.execute(
        """insert into inventory.slots (id, product_id, venue_id, visit_date, code, starts_at, ends_at, sale_opens_at, sale_closes_at, capacity)
           values (%(id)s, 'drill-product', 'drill-venue', %(day)s, 'all', %(starts)s, %(ends)s, %(now)s, %(ends)s, %(places)s)""",
        id=slot.id, day=(starts_at + timedelta(hours=8)).date(), starts=starts_at, ends=starts_at + timedelta(hours=2),
        now=clock.now() - timedelta(hours=1), places=PLACES,
    )  # fmt: skip
    await tx.execute(
        """insert into inventory.policies (id, venue_id, from_date, kind, value, issued_at)
           values (gen_random_uuid(), 'drill-venue', current_date, 'absolute', %(places)s, %(at)s)""",
        places=PLACES, at=clock.now(),
    )  # fmt: skip
    return slot


async def open_accounts(tx: Tx) -> tuple[UUID, UUID]:
    """Two accounts with a phone each."""
    made = (ids.uuid7(), ids.uuid7())
    for account in made:
        phone = f"+86138{account.int % 10**8:08d}"
        await tx.execute(
            "insert into accounts.accounts (id, root, created_at) values (%(id)s, %(id)s, %(at)s)",
            id=account,
            at=clock.now(),
        )
        await tx.execute(
            """insert into accounts.identifiers (id, account_id, kind, value, value_index, masked, verified_at)
               values (%(id)s, %(account)s, 'phone', %(value)s, %(index)s, %(masked)s, %(at)s)""",
            id=ids.uuid7(), account=account, value=crypto.seal("accounts.identifiers.value", phone),
            index=crypto.blind_index("phone", phone), masked=accounts.mask_phone(phone), at=clock.now(),
        )  # fmt: skip
    return made


async def move_orders(tx: Tx, absorbed: UUID, stays: UUID) -> None:
    """The table everybody thinks of."""
    await tx.execute(
        "update orders.orders set account_id = %(to)s where account_id = %(from)s", **{"to": stays, "from": absorbed}
    )


async def move_sessions(tx: Tx, absorbed: UUID, stays: UUID) -> None:
    """Whoever is signed in to the absorbed account is now signed in to the other."""
    await tx.execute(
        "update accounts.sessions set account_id = %(to)s where account_id = %(from)s",
        **{"to": stays, "from": absorbed},
    )


async def move_identifiers(tx: Tx, absorbed: UUID, stays: UUID) -> None:
    """The absorbed phone signs in to the other account from now on."""
    await tx.execute(
        "update accounts.identifiers set account_id = %(to)s where account_id = %(from)s",
        **{"to": stays, "from": absorbed},
    )


MOVES = (move_orders, move_sessions, move_identifiers)
"""In the order in which they are done. Nobody thought of the remembered replies: they have no column of that name."""
