"""Every rule of writing: what is booked, what is refused, what counts once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from holdfast import ledger
from holdfast.kit import clock, ids
from holdfast.ledger import Account, credit, debit

from . import books

pytestmark = pytest.mark.anyio


async def test_a_journal_moves_money_at_once(shared):
    provider, order = await books.received(shared, 8000)
    assert await books.left(shared, provider) == (8000, 8000)
    assert await books.left(shared, order) == (8000, 8000)


async def test_an_account_that_was_never_used_stands_at_zero(shared):
    found = await shared.read(ledger.balance, books.new("2010"))
    assert (found.normal, found.debits_posted, found.credits_posted, found.debits_pending, found.credits_pending) == (
        "C", 0, 0, 0, 0,
    )  # fmt: skip


async def test_a_claim_is_gone_from_where_it_leaves_and_not_yet_where_it_comes(shared):
    provider, order = await books.received(shared, 10_000)
    supplier = books.new("2020")
    await books.pend(shared, books.move(order, supplier, 4000))
    assert await books.left(shared, order) == (10_000, 6000)
    assert await books.left(shared, supplier) == (0, 0)
    assert (await shared.read(ledger.balance, supplier)).credits_pending == 4000
    assert await books.left(shared, provider) == (10_000, 10_000)


async def test_a_post_carries_a_claim_out(shared):
    provider, order = await books.received(shared, 10_000)
    await books.post(shared, await books.pend(shared, books.move(order, provider, 4000)))
    assert await books.left(shared, order) == (6000, 6000)
    assert await books.left(shared, provider) == (6000, 6000)


async def test_a_void_gives_a_claim_up(shared):
    provider, order = await books.received(shared, 10_000)
    await books.void(shared, await books.pend(shared, books.move(order, provider, 10_000)))
    assert await books.left(shared, order) == (10_000, 10_000)
    await books.pend(shared, books.move(order, provider, 10_000))


@pytest.mark.parametrize("second", [books.post, books.void])
@pytest.mark.parametrize("first", [books.post, books.void])
async def test_a_claim_is_resolved_once(shared, first, second):
    provider, order = await books.received(shared, 100)
    claim = await books.pend(shared, books.move(order, provider, 60))
    done = await first(shared, claim)
    with pytest.raises(ledger.AlreadyResolved) as refusal:
        await second(shared, claim)
    assert refusal.value.fields["by"] == str(done)
    assert refusal.value.fields["as"] == first.__name__


async def test_a_reversal_undoes_a_journal_and_can_itself_be_undone(shared):
    provider, order = books.new("1010"), books.new("2010")
    journal = await books.record(shared, books.move(provider, order, 500))
    undone = await books.reverse(shared, journal)
    assert await books.left(shared, order) == (0, 0)
    assert (await shared.read(ledger.balance, order)).debits_posted == 500
    await books.reverse(shared, undone)
    assert await books.left(shared, order) == (500, 500)
    with pytest.raises(ledger.AlreadyReversed):
        await books.reverse(shared, journal)


async def test_a_posted_claim_is_undone_by_reversing_its_post(shared):
    provider, order = await books.received(shared, 100)
    claim = await books.pend(shared, books.move(order, provider, 60))
    posted = await books.post(shared, claim)
    with pytest.raises(ledger.JournalNotPosted):
        await books.reverse(shared, claim)
    await books.reverse(shared, posted)
    assert await books.left(shared, order) == (100, 100)


async def test_only_claims_are_resolved(shared):
    provider, order = books.new("1010"), books.new("2010")
    journal = await books.record(shared, books.move(provider, order, 500))
    with pytest.raises(ledger.JournalNotPending):
        await books.post(shared, journal)
    with pytest.raises(ledger.JournalUnknown):
        await books.void(shared, ids.uuid7())


async def test_a_guarded_account_gives_no_more_than_it_has(shared):
    provider, order = await books.received(shared, 10_000)
    await books.pend(shared, books.move(order, provider, 6000))
    with pytest.raises(ledger.GuardBroken) as refusal:
        await books.record(shared, books.move(order, provider, 4001))
    assert refusal.value.fields == {
        "code": "2010", "owner": order.owner, "currency": "CNY", "available_minor": 4000, "asked_minor": 4001,
    }  # fmt: skip
    await books.record(shared, books.move(order, provider, 4000))
    assert await books.left(shared, order) == (6000, 0)


async def test_pending_money_that_would_come_covers_nothing(shared):
    provider, order = books.new("1010"), books.new("2010")
    await books.pend(shared, books.move(provider, order, 500))
    with pytest.raises(ledger.GuardBroken):
        await books.pend(shared, books.move(order, provider, 1))


async def test_a_reversal_obeys_the_guard(shared):
    provider, order = books.new("1010"), books.new("2010")
    journal = await books.record(shared, books.move(provider, order, 500))
    await books.record(shared, books.move(order, provider, 200))
    with pytest.raises(ledger.GuardBroken):
        await books.reverse(shared, journal)


async def test_money_that_passes_through_a_guarded_account_needs_no_balance(shared):
    provider, order, supplier = books.new("1010"), books.new("2010"), books.new("2020")
    legs = [debit(provider, 300), credit(order, 300), debit(order, 300), credit(supplier, 300)]
    await books.record(shared, legs)
    assert await books.left(shared, order) == (0, 0)
    with pytest.raises(ledger.GuardBroken):
        await books.pend(shared, legs)


async def test_an_account_without_guard_may_stand_on_the_other_side(shared):
    provider, bank = books.new("1010"), books.new("1020")
    await books.record(shared, books.move(bank, provider, 700))
    assert await books.left(shared, provider) == (-700, -700)


async def test_a_refusal_leaves_the_transaction_usable_and_empty(shared):
    provider, order = await books.received(shared, 100)
    name = books.key()

    async def refund(tx):
        with pytest.raises(ledger.GuardBroken):
            await ledger.record(tx, "refund", name, books.move(order, provider, 101), subject="s", at=clock.now())
        return await ledger.record(tx, "refund", name, books.move(order, provider, 100), subject="s", at=clock.now())

    await shared.run(refund)
    assert await books.left(shared, order) == (0, 0)


async def test_the_same_key_and_content_count_once(shared):
    provider, order = books.new("1010"), books.new("2010")
    legs, name = [debit(provider, 80), debit(books.new("5010"), 20), credit(order, 100)], books.key()
    first = await books.record(shared, legs, name, details={"source": "callback"})
    clock.move(timedelta(minutes=5))
    assert await books.record(shared, legs[::-1], name, details={"source": "query"}) == first
    assert await books.left(shared, order) == (100, 100)
    assert await shared.read(ledger.find, name) == first


@pytest.mark.parametrize("act", [books.post, books.void, books.reverse])
async def test_an_answer_repeated_under_its_key_is_the_same_journal(shared, act):
    provider, order = await books.received(shared, 100)
    write = books.record if act is books.reverse else books.pend
    journal, name = await write(shared, books.move(order, provider, 60)), books.key()
    assert await act(shared, journal, name) == await act(shared, journal, name)


async def test_a_replay_is_answered_even_when_the_guard_would_refuse_it_now(shared):
    provider, order = await books.received(shared, 100)
    legs, name = books.move(order, provider, 100), books.key()
    first = await books.record(shared, legs, name)
    assert await books.record(shared, legs, name) == first


async def test_a_key_with_other_content_is_refused(shared):
    provider, order = await books.received(shared, 1000)
    legs, name = books.move(order, provider, 100), books.key()
    first = await books.record(shared, legs, name)
    others = [
        lambda: books.record(shared, books.move(order, provider, 101), name),
        lambda: books.record(shared, books.move(order, books.new("1010"), 100), name),
        lambda: books.record(shared, legs, name, kind="other"),
        lambda: books.record(shared, legs, name, subject="other"),
        lambda: books.pend(shared, legs, name),
        lambda: books.reverse(shared, first, name),
    ]
    for other in others:
        with pytest.raises(ledger.KeyReusedOtherwise):
            await other()
    assert await books.left(shared, order) == (900, 900)


async def test_posting_and_voiding_under_one_key_is_refused(shared):
    provider, order = await books.received(shared, 100)
    claim, name = await books.pend(shared, books.move(order, provider, 60)), books.key()
    await books.post(shared, claim, name)
    with pytest.raises(ledger.KeyReusedOtherwise):
        await books.void(shared, claim, name)


async def test_sides_that_differ_in_a_currency_are_refused(shared):
    yuan, dollars = books.new("1010"), books.new("1010", "USD")
    for legs in ([], [debit(yuan, 5)], [debit(yuan, 100), credit(dollars, 100)]):
        with pytest.raises(ledger.Unbalanced):
            await books.record(shared, legs)


async def test_one_journal_may_hold_several_currencies_each_balanced(shared):
    legs = [
        *books.move(books.new("1010"), books.new("2030"), 100),
        *books.move(books.new("1010", "USD"), books.new("2030", "USD"), 7),
    ]
    await books.record(shared, legs)
    await books.require_invariants(shared)


async def test_a_code_outside_the_chart_is_refused(shared):
    with pytest.raises(ledger.AccountUnknown) as refusal:
        await books.record(shared, books.move(books.new("1010"), Account("7777", "x", "CNY"), 5))
    assert refusal.value.fields == {"code": "7777"}
    with pytest.raises(ledger.AccountUnknown):
        await shared.read(ledger.balance, Account("7777", "x", "CNY"))


@pytest.mark.parametrize("amount", [0, -1, 2**63])
def test_a_leg_has_an_amount(amount):
    with pytest.raises(ValueError, match="not an amount"):
        debit(Account("1010", "x", "CNY"), amount)


async def test_several_journals_of_one_transaction_stand_or_fall_together(shared):
    provider, order = await books.received(shared, 100)

    async def two(tx):
        await ledger.record(tx, "one", books.key(), books.move(order, provider, 60), subject="s", at=clock.now())
        await ledger.record(tx, "two", books.key(), books.move(order, provider, 60), subject="s", at=clock.now())

    with pytest.raises(ledger.GuardBroken):
        await shared.run(two)
    assert await books.left(shared, order) == (100, 100)


async def test_a_budget_is_held_used_and_released(shared):
    available, used = books.new("9010"), books.new("9011")
    await books.record(shared, books.move(used, available, 1000))
    holds = [await books.pend(shared, books.move(available, used, 400)) for _ in range(2)]
    with pytest.raises(ledger.GuardBroken):
        await books.pend(shared, books.move(available, used, 201))
    await books.post(shared, holds[0])
    await books.void(shared, holds[1])
    assert await books.left(shared, available) == (600, 600)
    await books.require_invariants(shared)
