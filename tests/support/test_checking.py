"""Checking and reporting with their limits, and official positions: one person proposes, a second one publishes and ends."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from holdfast import accounts, changes, notices, support
from holdfast.kit import clock
from holdfast.kit.problems import InvalidInput
from holdfast.notices import Verdict, stamps
from tests import staff, world

pytestmark = pytest.mark.anyio
SOURCE = "192.0.2.7"
SAYS = {
    "zh": "1月16日的八折优惠归您所有，我们不会扣回，也不会发短信催还。",
    "en": "The 20% of 16 January is yours. We take nothing back and send no texts about it.",
}
KEYWORDS = "扣回, 追回, take back\n1月16日，16 january"
TEXT = "您1月16日的订单将扣回，请知悉"


async def check(db, text, source=SOURCE, account_id=None):
    return await support.checking.check(db, source, text, account_id=account_id)


async def test_finding_messages_by_trying_codes_is_limited_and_checking_texts_is_not(db):
    for _ in range(support.checking.MISSES):
        assert (await check(db, stamps.new())).verdict is Verdict.NOT_OURS
    with pytest.raises(support.ChecksTooOften) as refused:
        await check(db, f"订单已确认 核验码 {stamps.show(stamps.new())}")
    assert 0 < refused.value.fields["retry_after_s"] <= 60
    assert (await check(db, "不带核验码的内容")).verdict is Verdict.NOT_OURS
    assert (await check(db, stamps.new(), source="198.51.100.9")).verdict is Verdict.NOT_OURS
    clock.move(timedelta(seconds=61))
    assert (await check(db, stamps.new())).verdict is Verdict.NOT_OURS


async def test_a_network_is_counted_once_however_many_addresses_it_has(db):
    for n in range(support.checking.MISSES):
        await check(db, stamps.new(), source=f"2001:db8:1:2::{n + 1:x}")
    with pytest.raises(support.ChecksTooOften):
        await check(db, stamps.new(), source="2001:db8:1:2:ffff::9")


async def test_real_codes_use_up_nothing_and_guesses_cannot_hide_behind_one(db):
    mei = await world.traveller(db)
    [message] = await world.messages(db, mei.phone)
    code = stamps.within(message.body)[0]
    for _ in range(support.checking.MISSES + 5):
        assert (await check(db, code)).verdict is Verdict.CODE_KNOWN
    guesses = f"{stamps.show(stamps.new())} {stamps.show(stamps.new())} {stamps.show(code)}"
    for _ in range(support.checking.MISSES // 2 - 1):
        await check(db, guesses)
    with pytest.raises(support.ChecksTooOften):
        await check(db, guesses)


async def test_whoever_is_signed_in_sees_their_own_message_whole(db):
    mei, other = await world.traveller(db), await world.traveller(db)
    message = (await world.messages(db, mei.phone))[0]
    code = stamps.show(stamps.within(message.body)[0])
    assert (await check(db, code, account_id=mei.account_id)).message.whole
    assert not (await check(db, code, account_id=other.account_id)).message.whole
    assert not (await check(db, code)).message.whole


async def test_reports_are_limited_and_keep_what_the_check_said(db):
    for _ in range(support.checking.REPORTS):
        heap = await support.checking.report(db, SOURCE, TEXT, sender="106", locale="zh")
    with pytest.raises(support.ReportsTooOften):
        await support.checking.report(db, SOURCE, TEXT, sender="", locale="zh")
    [one, *_rest] = await db.read(notices.reports.within, heap)
    assert (one.text, one.sender, one.verdict) == (TEXT, "106", "not-ours")


async def test_checking_keeps_nothing(db):
    await check(db, TEXT)
    assert await db.read(notices.reports.clusters) == []


async def two(db):
    """Two colleagues who have had their roles for more than a day."""
    found = (
        await staff.colleague(db, "operations", name="Lin Wen"),
        await staff.colleague(db, "marketing", name="Qiao An"),
    )
    clock.move(timedelta(hours=25))
    return found


async def propose(db, who, **more):
    given = {
        "says": SAYS,
        "keywords": KEYWORDS,
        "is_urgent": True,
        "valid_until": None,
        "reason": "false texts go round",
    } | more
    return await support.positions.propose(db, who.actor, **given)


async def publish(db, who, proposal):
    await changes.approve(db, who.actor, proposal.id, proposal.shown)
    return await changes.apply(db, who.actor, proposal.id)


async def test_a_position_stands_when_a_second_person_published_it(db):
    lin, qiao = await two(db)
    proposal = await propose(db, lin)
    assert SAYS not in [one.says for one in (await check(db, TEXT)).positions]
    with pytest.raises(changes.SamePerson):
        await changes.approve(db, lin.actor, proposal.id, proposal.shown)
    await publish(db, qiao, proposal)
    found = await check(db, TEXT)
    assert SAYS in [one.says for one in found.positions]
    [urgent] = await db.read(notices.positions.urgent)
    assert (urgent.says, urgent.proposed_by, urgent.approved_by) == (SAYS, str(lin.actor), str(qiao.actor))


async def test_two_accounts_of_one_person_are_one(db):
    lin, again = (
        await staff.colleague(db, "operations", name="Lin Wen"),
        await staff.colleague(db, "operations", name="Lin Wen"),
    )
    clock.move(timedelta(hours=25))
    proposal = await propose(db, lin)
    with pytest.raises(accounts.NamesakeProposed):
        await changes.approve(db, again.actor, proposal.id, proposal.shown)


async def test_a_position_ends_on_a_day_that_two_people_agreed_on(db):
    lin, qiao = await two(db)
    await publish(db, qiao, await propose(db, lin))
    [standing] = await db.read(notices.positions.urgent)
    until = clock.now() + timedelta(hours=2)
    ending = await support.positions.propose_end(db, qiao.actor, standing.id, until, "everybody was told")
    with pytest.raises(changes.SamePerson):
        await changes.approve(db, qiao.actor, ending.id, ending.shown)
    await publish(db, lin, ending)
    assert [one.id for one in await db.read(notices.positions.urgent)] == [standing.id]
    clock.move(timedelta(hours=3))
    assert await db.read(notices.positions.urgent) == []
    with pytest.raises(notices.PositionOver):
        await support.positions.propose_end(db, qiao.actor, standing.id, clock.now() + timedelta(hours=1), "once more")
    with pytest.raises(changes.NotRevertible):
        await db.run(changes.revert, lin.actor, ending.id, "never mind")


async def test_a_position_has_both_languages_and_words_that_do_not_fit_everything(db):
    lin = await staff.colleague(db, "operations")
    with pytest.raises(InvalidInput) as refused:
        await propose(db, lin, says={"zh": "短", "en": ""}, keywords="a\n")
    assert {one["field"] for one in refused.value.errors} == {"says_zh", "says_en", "keywords"}
    with pytest.raises(notices.PositionEndsBeforeNow):
        await propose(db, lin, valid_until=clock.now() - timedelta(minutes=1))


async def test_what_we_stood_by_stays_as_it_was(db):
    for statement in (
        "update notices.positions set says = '{\"zh\": \"x\", \"en\": \"x\"}'", "update notices.positions set valid_until = now()",
        "delete from notices.positions",
        "insert into notices.positions select gen_random_uuid(), says, keywords, is_urgent, valid_from, null, null, 'x', 'x', made_at, null, null from notices.positions limit 1",
    ):  # fmt: skip
        with pytest.raises(psycopg.errors.IntegrityError):
            await db.run(_execute, statement)


async def _execute(tx, statement):
    await tx.execute(statement)
