"""All SQL of the ledger. Writing is one function in the database: ``ledger.write``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, LiteralString
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from holdfast.kit.db import ReadTx, Tx

from .model import Account, Balance, Difference, Journal, Leg, OpenBalance, Total

Act = Literal["record", "pend", "post", "void", "reverse"]


class Writing(msgspec.Struct, frozen=True):
    """What is to be written: a record or a claim with legs, or the answer to an earlier journal, which gives its legs."""

    act: Act
    key: str
    at: datetime
    answered: UUID | None = None
    kind: str | None = None
    subject: str | None = None
    details: dict[str, Any] = {}
    legs: Sequence[Leg] | None = None


class Written(msgspec.Struct, frozen=True):
    """The journal, or the code and fields of the problem."""

    journal: UUID | None
    problem: str | None
    fields: dict[str, Any] | None


async def write(tx: Tx, new_id: UUID, writing: Writing, now: datetime) -> Written:
    """One journal, in one round trip."""
    legs = writing.legs
    written = await tx.maybe(
        Written,
        """select journal, problem, fields from ledger.write(
             %(id)s, %(act)s, %(key)s, %(answered)s, %(what)s, %(subject)s, %(details)s, %(at)s, %(now)s, %(codes)s::text[],
             %(owners)s::text[], %(currencies)s::text[], %(sides)s::text[], %(amounts)s::bigint[])""",
        id=new_id, act=writing.act, key=writing.key, answered=writing.answered, what=writing.kind, subject=writing.subject,
        details=Jsonb(writing.details), at=writing.at, now=now,
        codes=None if legs is None else [leg.account.code for leg in legs],
        owners=None if legs is None else [leg.account.owner for leg in legs],
        currencies=None if legs is None else [leg.account.currency for leg in legs],
        sides=None if legs is None else [leg.side for leg in legs],
        amounts=None if legs is None else [leg.amount_minor for leg in legs],
    )  # fmt: skip
    assert written is not None
    return written


async def journal_of_key(tx: ReadTx, key: str) -> UUID | None:
    found: UUID | None = await tx.value("select id from ledger.journals where key = %(key)s", key=key)
    return found


_ACCOUNT: LiteralString = "jsonb_build_object('code', a.code, 'owner', a.owner, 'currency', a.currency) as account"
_SUMS: LiteralString = """coalesce(sum(a.debits_posted), 0)::bigint as debits_posted,
    coalesce(sum(a.credits_posted), 0)::bigint as credits_posted,
    coalesce(sum(a.debits_pending), 0)::bigint as debits_pending,
    coalesce(sum(a.credits_pending), 0)::bigint as credits_pending"""


async def balance(tx: ReadTx, account: Account) -> Balance | None:
    """The counters of an account that may not exist yet; None when its code does not."""
    return await tx.maybe(
        Balance,
        "select jsonb_build_object('code', c.code, 'owner', %(owner)s::text, 'currency', %(currency)s::text) as account, c.normal, "
        + _SUMS
        + """ from ledger.chart c
              left join ledger.accounts a on a.code = c.code and a.owner = %(owner)s and a.currency = %(currency)s
             where c.code = %(code)s group by c.code""",
        code=account.code, owner=account.owner, currency=account.currency,
    )  # fmt: skip


async def owned(tx: ReadTx, code: str, currency: str) -> list[Balance]:
    """The counters of a code's owners, shards added up."""
    return await tx.rows(
        Balance,
        """select jsonb_build_object('code', a.code, 'owner', split_part(a.owner, '#', 1), 'currency', a.currency) as account,
                  a.normal, """
        + _SUMS
        + """ from ledger.accounts a where a.code = %(code)s and a.currency = %(currency)s
              group by a.code, split_part(a.owner, '#', 1), a.currency, a.normal order by split_part(a.owner, '#', 1)""",
        code=code, currency=currency,
    )  # fmt: skip


async def totals(tx: ReadTx) -> list[Total]:
    """The counters by code and currency, with the chart's names."""
    return await tx.rows(
        Total,
        "select a.code, c.name_en, c.name_zh, a.currency, c.normal, count(*) as accounts, "
        + _SUMS
        + """ from ledger.accounts a join ledger.chart c on c.code = a.code
              group by a.code, c.name_en, c.name_zh, a.currency, c.normal order by a.code, a.currency""",
    )


async def open_balances(tx: ReadTx, code: str, limit: int, waiting_before: datetime | None = None) -> list[OpenBalance]:
    """Accounts with posted money, first in first out: which money is still there, and which is not even leaving.

    `waiting_before`: only those with money that came before this moment and is not leaving.
    """
    return await tx.rows(
        OpenBalance,
        """with held as (
             select a.id, a.code, a.owner, a.currency, a.normal, a.available,
                    case a.normal when 'D' then a.debits_posted - a.credits_posted else a.credits_posted - a.debits_posted end as amount,
                    case a.normal when 'D' then a.credits_posted else a.debits_posted end as gone,
                    case a.normal when 'D' then a.credits_pending else a.debits_pending end as leaving
               from ledger.accounts a where a.code = %(code)s and a.debits_posted <> a.credits_posted
           ), inflow as (
             select a.id, j.effective_at, a.gone, a.leaving,
                    sum(e.amount_minor) over (partition by a.id order by j.effective_at, j.number, e.seq) as come
               from held a join ledger.entries e on e.account_id = a.id and e.side = a.normal
               join ledger.journals j on j.id = e.journal_id and j.phase in ('single', 'post')
           ), age as (
             select id, min(effective_at) filter (where come > gone) as since,
                    min(effective_at) filter (where come > gone + leaving) as waiting_since
               from inflow group by id
           )
           select """
        + _ACCOUNT
        + """, a.amount as amount_minor, a.available as available_minor, g.since, g.waiting_since
             from held a join age g on g.id = a.id
            where a.amount > 0 and (%(before)s::timestamptz is null or g.waiting_since < %(before)s)
            order by g.since, a.id limit %(limit)s""",
        code=code, limit=limit, before=waiting_before,
    )  # fmt: skip


async def story(tx: ReadTx, subject: str, *, newest_first: bool, limit: int) -> list[Journal]:
    """Journals about a subject with their entries, by number."""
    return await tx.rows(
        Journal,
        """select j.id, j.number, j.kind, j.phase, j.key, j.subject, j.details, j.effective_at, j.recorded_at, j.pending_id,
                  (select r.phase from ledger.journals r where r.pending_id = j.id) as resolution, j.reverses,
                  (select r.id from ledger.journals r where r.reverses = j.id) as reversed_by,
                  (select jsonb_agg(jsonb_build_object('side', e.side, 'amount_minor', e.amount_minor, 'account', jsonb_build_object(
                            'code', a.code, 'owner', a.owner, 'currency', a.currency)) order by e.seq)
                     from ledger.entries e join ledger.accounts a on a.id = e.account_id where e.journal_id = j.id) as entries
             from ledger.journals j where j.subject = %(subject)s
            order by case when %(newest_first)s then -j.number else j.number end limit %(limit)s""",
        subject=subject, newest_first=newest_first, limit=limit,
    )  # fmt: skip


async def differences(tx: ReadTx, limit: int) -> list[Difference]:
    """Counters that are not what all entries add up to."""
    return await tx.rows(
        Difference,
        """with found as (
             select e.account_id,
                    coalesce(sum(p.posted) filter (where e.side = 'D'), 0) as debits_posted,
                    coalesce(sum(p.posted) filter (where e.side = 'C'), 0) as credits_posted,
                    coalesce(sum(p.pending) filter (where e.side = 'D'), 0) as debits_pending,
                    coalesce(sum(p.pending) filter (where e.side = 'C'), 0) as credits_pending
               from ledger.entries e join ledger.journals j on j.id = e.journal_id
               cross join lateral (
                 select case when j.phase in ('single', 'post') then e.amount_minor else 0 end as posted,
                        case j.phase when 'pending' then e.amount_minor when 'single' then 0 else -e.amount_minor end as pending) p
              group by e.account_id
           )
           select """
        + _ACCOUNT
        + """, c.counter, c.kept as kept_minor, coalesce(c.found, 0)::bigint as entries_minor
             from ledger.accounts a left join found f on f.account_id = a.id
            cross join lateral (values
              ('debits_posted', a.debits_posted, f.debits_posted), ('credits_posted', a.credits_posted, f.credits_posted),
              ('debits_pending', a.debits_pending, f.debits_pending), ('credits_pending', a.credits_pending, f.credits_pending)
            ) c (counter, kept, found)
            where c.kept <> coalesce(c.found, 0) order by a.code, a.owner, a.currency, c.counter limit %(limit)s""",
        limit=limit,
    )  # fmt: skip
