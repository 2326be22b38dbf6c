"""The ground a booking bench stands on: a durable PostgreSQL of its own, a catalogue, slots, accounts, and many old orders.

Every measurement begins with an empty order book (`wipe`); `fill` makes a second database with a full one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import msgspec
import psycopg
from psycopg import sql

from holdfast.kit import crypto, embedded, schema

ACCOUNTS = 1_000
SLOTS = 1_000
VENUE, PRODUCT, PRICE = "bench-venue", "bench-product", "bench-adult"
CAPACITY = 10_000_000


class Ground(msgspec.Struct, frozen=True):
    """A database ready to be booked in."""

    url: str
    home: Path
    hot: UUID
    spread: list[UUID]
    orders: int
    """How many old orders there are."""

    def slots(self, kind: str) -> list[str]:
        return [str(self.hot)] if kind == "hot" else [str(slot) for slot in self.spread]


@contextmanager
def server() -> Iterator[tuple[str, Path]]:
    """A temporary cluster that is durable like a real one: its URL and its home."""
    with embedded.temporary() as url:
        yield str(url), url.home


def token(number: int) -> str:
    """The session token of an account."""
    return f"bench-session-{number:029d}"


def prepare(server_url: str, home: Path, name: str, *, orders: int = 0) -> Ground:
    """Creates a database with catalogue, slots, accounts and sessions, and `orders` old orders."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    url = urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
    schema.apply(url)
    with psycopg.connect(url) as connection:
        _catalogue(connection)
        slots = _slots(connection)
        _accounts(connection)
    ground = Ground(url, home, slots[0], slots[1:], orders)
    if orders:
        _fill(url, orders)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("vacuum analyze")
    return ground


def _catalogue(connection: psycopg.Connection) -> None:
    connection.execute(
        """insert into catalogue.venues (id, name, city, kind, updated_at)
           values (%s, '{"zh": "测试", "en": "Bench"}', '{"zh": "北京", "en": "Beijing"}', 'museum', now())""",
        [VENUE],
    )
    connection.execute(
        """insert into catalogue.products (id, venue_id, name, documents, max_per_order, updated_at)
           values (%s, %s, '{"zh": "门票", "en": "Ticket"}', '{cn_resident_id,passport}', 5, now())""",
        [PRODUCT, VENUE],
    )
    connection.execute(
        """insert into catalogue.timeslots (product_id, code, starts, ends, share_bp)
           values (%s, 'c0', '09:00', '17:00', 10000)""",
        [PRODUCT],
    )
    connection.execute(
        """insert into catalogue.prices (id, product_id, ticket, name, amount_minor)
           values (%s, %s, 'adult', '{"zh": "成人", "en": "Adult"}', 6000)""",
        [PRICE, PRODUCT],
    )


def _slots(connection: psycopg.Connection) -> list[UUID]:
    """One hot slot and the spread ones, a hundred a day; all on sale, none ever full, as the policies allow."""
    connection.execute(
        """insert into inventory.policies (id, venue_id, from_date, kind, value, issued_at)
           values (gen_random_uuid(), %s, current_date, 'absolute', %s, now())""",
        [VENUE, CAPACITY * 100],
    )
    rows = connection.execute(
        """insert into inventory.slots (id, product_id, venue_id, visit_date, code, starts_at, ends_at, sale_opens_at,
                                        sale_closes_at, capacity)
           select gen_random_uuid(), %s, %s, d.day, 'c' || n %% 100, d.opens, d.opens + interval '8 hours',
                  now() - interval '1 day', d.opens + interval '8 hours', %s
           from generate_series(99, %s) n
           cross join lateral (select current_date + 2 + n / 100, (current_date + 2 + n / 100 + time '09:00')
                                 at time zone 'Asia/Shanghai') d (day, opens)
           order by n returning id""",
        [PRODUCT, VENUE, CAPACITY, SLOTS + 99],
    ).fetchall()
    return [row[0] for row in rows]


def _accounts(connection: psycopg.Connection) -> None:
    digests = [crypto.digest(token(number)) for number in range(ACCOUNTS)]
    connection.execute(
        """with fresh as (select gen_random_uuid() as id, digest from unnest(%s::bytea[]) digest),
                people as (insert into accounts.accounts (id, root, created_at) select id, id, now() from fresh)
           insert into accounts.sessions (token_hash, account_id, kept, device, created_at, expires_at)
           select digest, id, true, 'bench', now(), now() + interval '1 day' from fresh""",
        [digests],
    )


WIPED = "orders.orders, orders.lines, orders.travellers, orders.events, kit.replies, kit.outbox"


def wipe(ground: Ground) -> None:
    """An empty order book and untouched counters; a full one (`fill`) stays as it is, its log written to disk."""
    with psycopg.connect(ground.url, autocommit=True) as connection:
        if not ground.orders:
            with connection.transaction():
                connection.execute(
                    "set local session_replication_role = replica"
                )  # some tables are never emptied otherwise
                connection.execute(f"truncate {WIPED} cascade")
                connection.execute("update inventory.slots set taken = 0 where taken <> 0")
            connection.execute("vacuum inventory.slots")
        connection.execute("checkpoint")


FILL = (
    """insert into orders.orders (id, number, account_id, state, amount_minor, currency, phone, phone_index, phone_masked,
                                  locale, channel, placed_at, confirmed_at)
       select o.id, o.number, o.account_id, 'confirmed', 0, 'CNY', substr(o.noise || o.noise, 1, 43), o.noise,
              '138****0000', 'zh', 'api', o.at, o.at from old o""",
    """insert into orders.lines (order_id, seq, slot_id, price_id, quantity, places, unit_minor)
       select o.id, 1, o.slot_id, 'bench-adult', 1, 1, 0 from old o""",
    """insert into orders.travellers (order_id, seq, line_seq, venue_id, visit_date, name, name_masked, document_type,
                                      document, document_index, document_last4, once)
       select o.id, 1, 1, 'bench-venue', s.visit_date, substr(o.noise || o.noise, 1, 38), '王*明', 'passport',
              substr(o.noise || o.noise, 1, 38), sha256(o.noise), '0000', true
       from old o join inventory.slots s on s.id = o.slot_id""",
    """insert into orders.events (order_id, seq, kind, at, actor, details)
       select o.id, e.seq, e.kind, o.at, 'traveller:' || o.account_id, e.details::jsonb from old o
       cross join (values (1, 'placed', '{"channel": "api"}'), (2, 'confirmed', '{"free": true}')) e (seq, kind, details)""",
    """insert into kit.replies (scope, key, body_hash, result, created_at)
       select o.account_id, o.id::text, o.noise, jsonb_build_object('order_id', o.id, 'number', o.number, 'state', 'confirmed',
              'currency', 'CNY', 'expires_at', null, 'amount_minor', 0), o.at from old o""",
    """update inventory.slots s set taken = n.n
       from (select slot_id, count(*) as n from orders.lines group by slot_id) n where n.slot_id = s.id""",
)
"""From the unlogged table `old` to orders with lines, travellers, events and replies: free ones, so nobody had to pay."""


def _fill(url: str, orders: int) -> None:
    """`orders` confirmed orders of the last weeks, spread over all slots and accounts; written without foreign key checks."""
    with psycopg.connect(url) as connection:
        connection.execute("set local session_replication_role = replica")
        connection.execute("set local synchronous_commit = off")
        connection.execute("set local work_mem = '256MB'")
        connection.execute(
            """create temp table old on commit drop as
               with a as (select array_agg(id) as ids from accounts.accounts), s as (select array_agg(id) as ids from inventory.slots)
               select ((lpad(to_hex((extract(epoch from t.at) * 1000)::bigint), 12, '0') || '7'
                        || substr(md5(n::text), 1, 3) || '8' || substr(md5(n::text), 4, 15))::uuid) as id, 'OLD' || n as number,
                      a.ids[1 + n %% cardinality(a.ids)] as account_id, s.ids[1 + n %% cardinality(s.ids)] as slot_id,
                      sha256(n::text::bytea) as noise, t.at
               from generate_series(1, %s) n cross join a cross join s
               cross join lateral (select now() - interval '1 hour' - (%s - n) * interval '1 second') t (at)""",
            [orders, orders],
        )
        for statement in FILL:
            connection.execute(statement)
