"""Who may agree to what a colleague proposed: another person, in a role that they have had for a day."""

from __future__ import annotations

from datetime import timedelta

import pytest

from holdfast import accounts
from holdfast.accounts import Role
from holdfast.kit import clock
from holdfast.kit.actor import Actor, system
from holdfast.kit.db import Tx
from tests import staff, world

pytestmark = pytest.mark.anyio
WANTED = (Role.MARKETING, Role.FINANCE)
DAY = timedelta(hours=24)


async def test_a_role_counts_a_day_after_it_was_given(db):
    lin = await staff.colleague(db, "finance", "support")
    with pytest.raises(accounts.RoleTooNew) as new:
        await db.read(accounts.reviewer, lin.actor, WANTED, [])
    assert timedelta(hours=23) < new.value.fields["until"] - clock.now() <= DAY
    clock.move(DAY)
    assert await db.read(accounts.reviewer, lin.actor, WANTED, []) == (Role.FINANCE,)


async def test_a_second_role_begins_its_own_day_and_the_first_goes_on(db):
    lin = await staff.colleague(db, "finance")
    clock.move(DAY)
    await db.run(accounts.change_roles, staff.TEST, lin.id, ["finance", "marketing"], reason="holiday cover")
    assert await db.read(accounts.reviewer, lin.actor, WANTED, []) == (Role.FINANCE,)
    clock.move(DAY)
    assert await db.read(accounts.reviewer, lin.actor, WANTED, []) == WANTED


async def test_a_role_that_was_taken_and_given_back_is_new_again(db):
    lin = await staff.colleague(db, "finance")
    clock.move(DAY)
    for roles in (["support"], ["finance"]):
        await db.run(accounts.change_roles, staff.TEST, lin.id, roles, reason="a mistake")
    with pytest.raises(accounts.RoleTooNew):
        await db.read(accounts.reviewer, lin.actor, WANTED, [])


async def test_roles_that_were_written_past_the_program_are_new_too(db):
    lin = await staff.colleague(db, "support")
    await db.run(_give, lin.id)
    with pytest.raises(accounts.RoleTooNew):
        await db.read(accounts.reviewer, lin.actor, WANTED, [])


async def _give(tx: Tx, staff_id: object) -> None:
    await tx.execute("update accounts.staff set roles = array['finance'] where id = %(id)s", id=staff_id)


async def test_two_accounts_of_one_name_are_one_person(db):
    one = await staff.colleague(db, "marketing", name="Chen  Hua")
    two = await staff.colleague(db, "finance", name="chen hua")
    other = await staff.colleague(db, "finance", name="Wu Min")
    clock.move(DAY)
    with pytest.raises(accounts.NamesakeProposed):
        await db.read(accounts.reviewer, two.actor, WANTED, [str(one.actor)])
    assert await db.read(accounts.reviewer, other.actor, WANTED, [str(one.actor)]) == (Role.FINANCE,)


async def test_nobody_else_reviews(db):
    mei = await world.traveller(db)
    helper = await staff.colleague(db, "support")
    gone = await staff.colleague(db, "finance")
    clock.move(DAY)
    await db.run(accounts.disable_staff, staff.TEST, gone.id, reason="left")
    with pytest.raises(accounts.RoleMissing):
        await db.read(accounts.reviewer, helper.actor, WANTED, [])
    for actor in (mei.actor, gone.actor, system("command line"), Actor("staff", name="nobody")):
        with pytest.raises(accounts.StaffSignInNeeded):
            await db.read(accounts.reviewer, actor, WANTED, [])


async def test_a_demonstration_account_may_review_at_once(db):
    await accounts.furnish_staff(
        db, staff.TEST, login="demo@example.org", name="Demo", roles=["finance"], password=staff.PASSWORD
    )
    member = await db.read(accounts.staff_named, "demo@example.org")
    assert await db.read(accounts.reviewer, member.staff.actor, WANTED, []) == (Role.FINANCE,)
