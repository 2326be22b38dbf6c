"""What can be asked: balances, owners, totals, stories, what lies unapplied; and that a wrong balance is found."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from holdfast import ledger
from holdfast.kit import checks, clock, ids
from holdfast.ledger import checks as ledger_checks
from holdfast.ledger import credit, debit

from . import books

pytestmark = pytest.mark.anyio


async def sentence(db, check) -> list:
    """What one invariant names."""
    async with db.reading() as tx:
        return await check(tx)


async def test_the_chart_knows_every_code_of_the_books(shared):
    codes = ["1010", "1020", "1030", "1040", "1090", "2010", "2020", "2030", "2040", "2050", "4010", "4020"]
    codes += ["5010", "5020", "5030", "5040", "5050", "9010", "9011"]
    guarded = {"2010", "2030", "2040", "2050", "9010"}
    for code in codes:
        found = await shared.read(ledger.balance, books.new(code))
        assert found.normal == ("C" if code[0] in "24" or code == "9010" else "D")
        if code not in guarded:
            legs = [debit if found.normal == "C" else credit, credit if found.normal == "C" else debit]
            await books.record(shared, [legs[0](books.new(code), 1), legs[1](books.new("1090"), 1)])
            continue
        with pytest.raises(ledger.GuardBroken):
            await books.record(shared, books.move(books.new(code), books.new("1090"), 1))


def test_a_payment_keeps_its_clearing_row():
    payments = [ids.uuid7() for _ in range(2000)]
    rows = [ledger.clearing("wechatpay", payment, "CNY") for payment in payments]
    assert rows == [ledger.clearing("wechatpay", payment, "CNY") for payment in payments]
    owners = {row.owner for row in rows}
    assert owners == {f"wechatpay#{shard:02d}" for shard in range(16)}
    known = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
    assert ledger.clearing("alipay", known, "CNY") == ledger.Account("1010", "alipay#04", "CNY")


async def test_the_shards_of_a_provider_are_one_balance(db):
    for amount in range(1, 41):
        payment = ids.uuid7()
        await books.record(db, books.move(ledger.clearing("wechatpay", payment, "CNY"), books.new("2010"), amount))
    await books.record(db, books.move(ledger.clearing("alipay", ids.uuid7(), "CNY"), books.new("2010"), 7))
    await books.record(db, books.move(ledger.clearing("wechatpay", ids.uuid7(), "USD"), books.new("2010", "USD"), 99))
    found = {balance.account.owner: balance.amount_minor for balance in await db.read(ledger.owned, "1010", "CNY")}
    assert found == {"alipay": 7, "wechatpay": 820}


async def test_totals_add_up_by_code_and_currency(db):
    provider, order = await books.received(db, 500)
    await books.received(db, 700)
    await books.record(db, books.move(books.new("1010", "JPY"), books.new("2010", "JPY"), 30))
    await books.pend(db, books.move(order, provider, 200))
    found = {(total.code, total.currency): total for total in await db.read(ledger.totals)}
    assert set(found) == {("1010", "CNY"), ("1010", "JPY"), ("2010", "CNY"), ("2010", "JPY")}
    orders = found["2010", "CNY"]
    assert (orders.accounts, orders.amount_minor, orders.leaving_minor, orders.available_minor) == (2, 1200, 200, 1000)
    assert (orders.name_en, orders.name_zh) == ("Order money", "订单预收款")
    assert found["1010", "JPY"].amount_minor == 30


async def test_a_story_tells_all_that_was_booked_about_a_subject_in_order(shared):
    provider, order = books.new("1010"), books.new("2010")
    subject, at = f"intent:{ids.uuid7()}", clock.now() - timedelta(days=2)
    paid = await books.record(
        shared, books.move(provider, order, 100), kind="payment", subject=subject, at=at, details={"by": "callback"}
    )
    claims = [await books.pend(shared, books.move(order, provider, 40), kind="refund", subject=subject) for _ in "ab"]
    posted = await books.post(shared, claims[0])
    voided = await books.void(shared, claims[1])
    undone = await books.reverse(shared, posted)
    told = await shared.read(ledger.story, subject)
    assert [journal.id for journal in told] == [paid, *claims, posted, voided, undone]
    assert [journal.phase for journal in told] == ["single", "pending", "pending", "post", "void", "single"]
    assert [journal.kind for journal in told] == ["payment"] + ["refund"] * 5
    assert [journal.resolution for journal in told[1:3]] == ["post", "void"]
    assert (told[3].pending_id, told[3].reversed_by, told[5].reverses) == (claims[0], undone, posted)
    assert (told[0].details, told[0].effective_at) == ({"by": "callback"}, at)
    assert told[0].entries == [ledger.Entry(provider, "D", 100), ledger.Entry(order, "C", 100)]
    assert told[5].entries == [ledger.Entry(order, "C", 40), ledger.Entry(provider, "D", 40)]
    newest = await shared.read(ledger.story, subject, newest_first=True, limit=2)
    assert [journal.id for journal in newest] == [undone, voided]


async def test_open_balances_name_who_has_money_and_since_when(db):
    now = clock.now()
    provider, old, new = books.new("1010"), books.new("2030"), books.new("2030")
    hours = {hour: now - timedelta(hours=hour) for hour in (5, 3, 2, 1)}
    await books.record(db, books.move(provider, old, 100), at=hours[5])
    await books.record(db, books.move(provider, old, 50), at=hours[3])
    await books.record(db, books.move(provider, new, 70), at=hours[2])
    await books.record(db, books.move(provider, gone := books.new("2030"), 10), at=hours[5])
    await books.record(db, books.move(gone, provider, 10))
    claim = await books.pend(db, books.move(old, provider, 100))
    found = await db.read(ledger.open_balances, "2030", 10)
    assert found == [
        ledger.OpenBalance(old, 150, 50, hours[5], hours[3]),
        ledger.OpenBalance(new, 70, 70, hours[2], hours[2]),
    ]
    await books.post(db, claim)
    await books.pend(db, books.move(new, provider, 70))
    assert await db.read(ledger.open_balances, "2030", 10) == [
        ledger.OpenBalance(old, 50, 50, hours[3], hours[3]),
        ledger.OpenBalance(new, 70, 0, hours[2], None),
    ]
    assert len(await db.read(ledger.open_balances, "2030", 1)) == 1


async def test_money_nobody_asked_for_is_named_when_it_stays(db):
    provider, unapplied = books.new("1010"), books.new("2030")
    await books.record(db, books.move(provider, unapplied, 100))
    assert await sentence(db, ledger_checks.unapplied_money_leaves) == []
    clock.move(timedelta(minutes=ledger_checks.UNAPPLIED_MINUTES + 1))
    [named] = await sentence(db, ledger_checks.unapplied_money_leaves)
    assert named["account"] == {"code": "2030", "owner": unapplied.owner, "currency": "CNY"}
    await books.pend(db, books.move(unapplied, provider, 100))
    assert await sentence(db, ledger_checks.unapplied_money_leaves) == []


async def test_a_balance_that_is_not_the_sum_of_its_entries_is_found(db):
    _, order = await books.received(db, 100)
    await books.require_invariants(db)
    assert await db.read(ledger.verify) == []

    async def tamper(tx):
        await tx.execute("update ledger.accounts set credits_posted = credits_posted + 5 where code = '2010'")

    await db.run(tamper)
    assert await db.read(ledger.verify) == [ledger.Difference(order, "credits_posted", 105, 100)]
    broken = {result.sentence for result in await checks.run_all(db) if not result.holds}
    assert broken == {
        "All debits equal all credits in every currency, posted and pending",
        "Every balance of the ledger is the sum of its entries",
    }


async def test_what_the_database_would_refuse_is_found_if_it_got_in(db):
    provider, order = await books.received(db, 100)
    claim = await books.pend(db, books.move(order, provider, 60))
    await books.post(db, claim)

    async def tamper(tx):
        await tx.execute("set local session_replication_role = replica")
        await tx.execute("alter table ledger.accounts drop constraint guard_broken")
        await tx.execute("update ledger.accounts set debits_pending = 41 where code = '2010'")
        await tx.execute("update ledger.entries set amount_minor = 61 where journal_id = %(id)s and seq = 1", id=claim)

    await db.run(tamper)
    assert len(await sentence(db, ledger_checks.guards_hold)) == 1
    assert [found["id"] for found in await sentence(db, ledger_checks.journals_balance)] == [claim]
    assert [found["id"] for found in await sentence(db, ledger_checks.claims_resolve_once)] == [claim]
