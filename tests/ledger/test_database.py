"""What the database itself refuses, whoever writes and however."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import errors, sql

from holdfast import ledger
from holdfast.kit import ids
from holdfast.kit.db import Db

from . import books

pytestmark = pytest.mark.anyio

JOURNAL = """insert into ledger.journals (id, kind, phase, key, content, subject, details, effective_at, recorded_at)
             values (%(id)s::uuid, 'test', 'single', %(id)s::text, '', 's', '{}', now(), now())"""
ENTRY = """insert into ledger.entries (journal_id, seq, account_id, side, amount_minor)
           select %(journal)s::uuid, %(seq)s, id, %(side)s, %(amount)s from ledger.accounts where code = %(code)s and owner = %(owner)s"""


async def run(db: Db, *statements, **parameters) -> None:
    async def all_of_them(tx):
        for statement in statements:
            await tx.execute(statement, **parameters)

    await db.run(all_of_them)


@pytest.mark.parametrize(
    "statement",
    [
        "update ledger.journals set kind = 'other'",
        "delete from ledger.journals",
        "update ledger.entries set amount_minor = amount_minor + 1",
        "delete from ledger.entries",
        "update ledger.accounts set owner = 'other'",
        "update ledger.accounts set guarded = false",
        "delete from ledger.accounts",
        "truncate ledger.entries",
        "truncate ledger.journals, ledger.entries cascade",
        "truncate ledger.accounts, ledger.journals, ledger.entries cascade",
    ],
)
async def test_what_is_written_stays(shared, statement):
    await books.received(shared, 100)
    with pytest.raises(errors.RestrictViolation) as refusal:
        await run(shared, statement)
    assert refusal.value.diag.constraint_name == "append_only"
    await books.require_invariants(shared)


async def test_nobody_takes_from_a_guarded_account_past_the_function(shared):
    _, order = await books.received(shared, 100)
    with pytest.raises(errors.CheckViolation) as refusal:
        await run(
            shared,
            "update ledger.accounts set debits_pending = debits_pending + 101 where code = '2010' and owner = %(owner)s",
            owner=order.owner,
        )
    assert refusal.value.diag.constraint_name == "guard_broken"


async def test_guard_and_side_of_an_account_are_those_of_its_chart(shared):
    with pytest.raises(errors.ForeignKeyViolation):
        await run(
            shared,
            """insert into ledger.accounts (code, owner, currency, normal, guarded) values ('2010', 'x', 'CNY', 'C', false)""",
        )


async def test_a_journal_without_entries_is_refused_at_commit(shared):
    with pytest.raises(errors.CheckViolation) as refusal:
        await run(shared, JOURNAL, id=str(ids.uuid7()))
    assert refusal.value.diag.constraint_name == "journal_balanced"


async def test_entries_that_do_not_balance_are_refused_at_commit(shared):
    provider, order = await books.received(shared, 100)
    journal = str(ids.uuid7())

    async def write(tx):
        await tx.execute(JOURNAL, id=journal)
        for seq, account, side, amount in ((1, provider, "D", 100), (2, order, "C", 99)):
            await tx.execute(
                ENTRY, journal=journal, seq=seq, code=account.code, owner=account.owner, side=side, amount=amount
            )

    with pytest.raises(errors.CheckViolation) as refusal:
        await shared.run(write)
    assert refusal.value.diag.constraint_name == "journal_balanced"


async def test_a_journal_of_an_earlier_transaction_gets_no_more_entries(shared):
    provider = books.new("1010")
    journal = await books.record(shared, books.move(provider, books.new("2010"), 100))
    with pytest.raises(errors.RestrictViolation):
        await run(shared, ENTRY, journal=journal, seq=3, code="1010", owner=provider.owner, side="D", amount=1)


async def test_a_role_that_may_only_call_the_function_can_write_nothing_else(shared):
    role = f"ledger_test_{ids.uuid7().hex}"
    named = sql.Identifier(role)
    async with await psycopg.AsyncConnection.connect(shared.url, autocommit=True) as connection:
        await connection.execute(sql.SQL("create role {}").format(named))
        try:
            await connection.execute(sql.SQL("grant usage on schema ledger to {}").format(named))
            await connection.execute(sql.SQL("grant select on all tables in schema ledger to {}").format(named))
            await connection.execute(sql.SQL("set role {}").format(named))
            [journal] = await (
                await connection.execute(
                    """select journal from ledger.write(gen_random_uuid(), 'record', %s, null, 'test', 's', '{}', now(), now(),
                         array['1010', '2010'], array['role', 'role'], array['CNY', 'CNY'], array['D', 'C'], array[5, 5])""",
                    [role],
                )
            ).fetchone()
            assert journal is not None
            for statement in (JOURNAL, "update ledger.accounts set credits_posted = 0"):
                with pytest.raises(errors.InsufficientPrivilege):
                    await connection.execute(statement, {"id": str(ids.uuid7())})
        finally:
            await connection.execute("reset role")
            await connection.execute(sql.SQL("drop owned by {}").format(named))
            await connection.execute(sql.SQL("drop role {}").format(named))
    assert await books.left(shared, ledger.Account("2010", "role", "CNY")) == (5, 5)
