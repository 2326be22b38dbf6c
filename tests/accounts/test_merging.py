"""Merging: proof of both sides, a preview, nothing lost, nothing moved; and undoing."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import UUID

import pytest

from holdfast import accounts, changes, orders
from holdfast.accounts import merging_tallies
from holdfast.accounts.merging import not_me_token
from holdfast.accounts.merging_model import CAP
from holdfast.accounts.model import CodeExpired, CodeWrong
from holdfast.kit import clock, ids
from holdfast.kit.db import Db, ReadTx, Tx
from tests import invariants, staff, world

pytestmark = pytest.mark.anyio
TEST = {"means": "test"}


@pytest.fixture
async def db(db: Db):
    yield db
    await invariants.require(db)


async def merge_code(db: Db, phone: str) -> str:
    """The newest code for joining accounts in the mailbox."""
    message = next(m for m in await world.messages(db, phone) if m.template == "merge-code")
    return re.search(r"\b\d{6}\b", message.body)[0]


async def prove_both(db: Db, mei: world.Person, old: world.Person) -> None:
    """Codes to both phones, read and typed."""
    sent = await db.run(accounts.send_merge_codes, mei.account_id, old.phone, "en")
    assert len(sent) == 2
    await accounts.prove_own(db, mei.account_id, await merge_code(db, mei.phone))
    await accounts.prove_phone(db, mei.account_id, old.phone, await merge_code(db, old.phone))


async def joined(db: Db, mei: world.Person, old: world.Person) -> accounts.Merged:
    await prove_both(db, mei, old)
    preview = await db.read(accounts.preview_for, mei.actor, old.account_id)
    done = await accounts.join(db, mei.actor, old.account_id, preview.shown)
    assert isinstance(done, accounts.Merged)
    return done


async def numbers(db: Db, person: world.Person) -> list[str]:
    return [order.number for order in await db.read(orders.mine, person.account_id)]


async def book(db: Db, person: world.Person, slot: world.SlotWorld | None = None) -> str:
    slot = slot or await world.open_slot(db)
    return (await world.place(db, world.request(person, world.basket(slot)))).number


def row_of(rows: list[accounts.Row], kind: str, name: str = "") -> accounts.Row:
    return next(row for row in rows if (row.kind, row.name) == (kind, name))


# Joining


async def test_after_proof_and_preview_each_phone_finds_all_orders_and_no_row_has_moved(db):
    mei, old = await world.traveller(db), await world.traveller(db)
    one, other = await book(db, mei), await book(db, old)
    await prove_both(db, mei, old)
    preview = await db.read(accounts.preview_for, mei.actor, old.account_id)
    assert [known.id for known in preview.left] == [mei.account_id]
    held = row_of(preview.rows, "orders", "held")
    assert (held.left_count, held.left_minor, held.right_count, held.right_minor) == (1, 6000, 1, 6000)
    assert row_of(preview.rows, "holds").count == 2
    assert row_of(preview.rows, "identifiers", "phone").count == 2
    done = await accounts.join(db, mei.actor, old.account_id, preview.shown)
    for person in (mei, old):
        assert set(await numbers(db, person)) == {one, other}
    assert (await world.order_of(db, mei, other)).row.account_id == old.account_id
    told = [(await world.messages(db, person.phone))[0] for person in (mei, old)]
    assert [message.template for message in told] == ["accounts-joined"] * 2
    assert f"/account/merging/not-me/{done.link_id}/b?token=" in told[1].body


async def test_both_sides_must_be_proven_and_a_proof_counts_for_its_asker_alone(db):
    mei, old, thief = [await world.traveller(db) for _ in range(3)]
    with pytest.raises(accounts.ProofMissing) as none:
        await db.read(accounts.preview_for, mei.actor, old.account_id)
    assert none.value.fields["sides"] == ["left", "right"]
    await prove_both(db, mei, old)
    with pytest.raises(accounts.ProofMissing) as theirs:
        await db.read(accounts.preview_for, thief.actor, old.account_id)
    assert theirs.value.fields["sides"] == ["left", "right"]
    clock.move(timedelta(minutes=10))
    with pytest.raises(accounts.ProofMissing):
        await db.read(accounts.preview_for, mei.actor, old.account_id)


async def test_a_code_counts_once_for_its_phone_and_asker_and_has_five_tries(db):
    mei, old, li = [await world.traveller(db) for _ in range(3)]
    await db.run(accounts.send_merge_codes, mei.account_id, old.phone, "en")
    code = await merge_code(db, old.phone)
    with pytest.raises(CodeExpired):
        await accounts.prove_phone(db, li.account_id, old.phone, code)
    wrong = "000000" if code != "000000" else "111111"
    with pytest.raises(CodeWrong):
        await accounts.prove_phone(db, mei.account_id, old.phone, wrong)
    assert await accounts.prove_phone(db, mei.account_id, old.phone, f" {code} ") == old.account_id
    with pytest.raises(CodeExpired):
        await accounts.prove_phone(db, mei.account_id, old.phone, code)
    for tries_left in (4, 3, 2, 1, 0):
        with pytest.raises(CodeWrong) as refused:
            await accounts.prove_phone(db, mei.account_id, mei.phone, wrong)
        assert refused.value.fields["tries_left"] == tries_left
    with pytest.raises(CodeExpired):
        await accounts.prove_phone(db, mei.account_id, mei.phone, await merge_code(db, mei.phone))


async def test_a_phone_without_an_account_gets_a_code_and_whoever_reads_it_learns_that_there_is_nothing(db):
    mei, phone = await world.traveller(db), world.phone_number()
    assert len(await db.run(accounts.send_merge_codes, mei.account_id, phone, "en")) == 2
    with pytest.raises(accounts.NothingToJoin):
        await accounts.prove_phone(db, mei.account_id, phone, await merge_code(db, phone))
    with pytest.raises(accounts.SamePhone):
        await db.run(accounts.send_merge_codes, mei.account_id, mei.phone, "en")


async def test_an_account_with_an_address_alone_is_proven_by_mail(db):
    old, address = await world.traveller(db), f"mei-{ids.uuid7().hex}@example.org"
    await accounts.request_code(db, address, "en", "a-place", channel="email")
    code = re.search(r"\b\d{6}\b", (await world.messages(db, address))[0].body)[0]
    mei = await accounts.sign_in(db, address, code, channel="email", kept=True, device="test")
    assert await db.read(accounts.merge_contact, mei.account_id) == accounts.mask_email(address)
    await db.run(accounts.send_merge_codes, mei.account_id, old.phone, "en")
    await accounts.prove_own(db, mei.account_id, await merge_code(db, address))
    await accounts.prove_phone(db, mei.account_id, old.phone, await merge_code(db, old.phone))
    actor = world.Person(mei.account_id, mei.token, "").actor
    preview = await db.read(accounts.preview_for, actor, old.account_id)
    await accounts.join(db, actor, old.account_id, preview.shown)
    assert (await world.messages(db, address))[0].template == "accounts-joined"


async def test_codes_are_limited_by_phone_and_by_asker(db):
    mei, old = await world.traveller(db), await world.traveller(db)
    for _ in range(6):
        await db.run(accounts.send_merge_codes, mei.account_id, old.phone, "en")
    with pytest.raises(accounts.TooManyMergeCodes) as refused:
        await db.run(accounts.send_merge_codes, mei.account_id, old.phone, "en")
    assert 0 < refused.value.fields["retry_after_s"] <= 3600


async def test_what_has_changed_since_the_preview_must_be_seen_first(db):
    mei, old = await world.traveller(db), await world.traveller(db)
    await prove_both(db, mei, old)
    preview = await db.read(accounts.preview_for, mei.actor, old.account_id)
    await book(db, old)
    with pytest.raises(changes.PreviewStale) as stale:
        await accounts.join(db, mei.actor, old.account_id, preview.shown)
    again = await db.read(accounts.preview_for, mei.actor, old.account_id)
    assert stale.value.fields["preview_hash"] == again.shown
    assert isinstance(await accounts.join(db, mei.actor, old.account_id, again.shown), accounts.Merged)


async def test_a_limit_that_both_together_exceed_is_shown_and_takes_nothing_away(db):
    slot = await world.open_slot(db, per_account_day=2)
    mei, old = await world.traveller(db), await world.traveller(db)
    for person in (mei, old):
        await world.place(db, world.request(person, world.basket(slot, people=2)))
    preview = await db.read(accounts.merge_preview, mei.account_id, old.account_id)
    [excess] = preview.exceeded
    assert (excess.limit, excess.count, excess.allowed) == ("per-account-day", 4, 2)
    assert excess.subject.startswith(slot.venue_id)
    await world.same_person(db, mei, old)
    assert len(await numbers(db, mei)) == 2
    assert world.outcomes(await world.place_many(db, world.request(old, world.basket(slot)))) == ["too-many-that-day"]


async def test_the_same_pair_is_joined_once_and_nobody_with_themselves(db):
    mei, old = await world.traveller(db), await world.traveller(db)
    await world.same_person(db, mei, old)
    for a, b in ((mei, old), (old, mei), (mei, mei)):
        with pytest.raises(accounts.AlreadyOnePerson):
            await db.run(accounts.merge, staff.TEST, a.account_id, b.account_id, evidence=TEST)
    with pytest.raises(accounts.NoSuchAccount):
        await db.run(accounts.merge, staff.TEST, mei.account_id, ids.uuid7(), evidence=TEST)


async def test_a_person_has_at_most_so_many_accounts(db):
    people = [await world.traveller(db) for _ in range(CAP + 1)]
    await world.same_person(db, *people[:CAP])
    with pytest.raises(accounts.ClusterTooLarge) as refused:
        await db.run(accounts.merge, staff.TEST, people[0].account_id, people[-1].account_id, evidence=TEST)
    assert refused.value.fields == {"accounts": CAP + 1, "most": CAP}
    await prove_both(db, people[-1], people[3])
    preview = await db.read(accounts.preview_for, people[-1].actor, people[3].account_id)
    with pytest.raises(accounts.ClusterTooLarge):
        await accounts.join(db, people[-1].actor, people[3].account_id, preview.shown)
    assert await db.read(accounts.trail, action="accounts.merge.too-large"), "staff see that it was tried"


async def test_a_merge_that_would_not_show_everything_is_not_done(db):
    """A fault of the database's own: one account keeps its root, whoever writes it."""
    mei, old, third = [await world.traveller(db) for _ in range(3)]
    await world.same_person(db, old, third)

    async def spoil(tx: Tx) -> None:
        await tx.execute(
            """create function public.keep_root() returns trigger language plpgsql as
               $$ begin new.root := old.root; return new; end $$"""
        )
        await tx.execute(
            """create trigger keep before update on accounts.accounts for each row when (old.id <> old.root)
               execute function public.keep_root()"""
        )

    async def mend(tx: Tx) -> None:
        await tx.execute("drop trigger keep on accounts.accounts")

    await db.run(spoil)
    with pytest.raises(accounts.MergeWouldLose) as refused:
        await db.run(accounts.merge, staff.TEST, mei.account_id, old.account_id, evidence=TEST)
    assert "accounts" in refused.value.fields["kinds"]
    await db.run(mend)
    assert len(await db.read(accounts.members, old.account_id)) == 2
    assert await db.read(accounts.members, mei.account_id) == [mei.account_id]


async def test_a_query_that_loses_something_stops_the_merge(db, monkeypatch):
    """What a domain counts must add up, whatever the reason."""

    async def forgetful(tx: ReadTx, groups: accounts.Groups) -> list[accounts.Tally]:
        found = await original(tx, groups)
        return [one for one in found if not (one.side == "union" and one.kind == "orders")]

    mei, old = await world.traveller(db), await world.traveller(db)
    await book(db, old)
    original = merging_tallies.COUNTED["orders"]
    monkeypatch.setitem(merging_tallies.COUNTED, "orders", forgetful)
    with pytest.raises(accounts.MergeWouldLose) as refused:
        await db.run(accounts.merge, staff.TEST, mei.account_id, old.account_id, evidence=TEST)
    assert refused.value.fields["kinds"] == ["orders held CNY"]
    assert await db.read(accounts.members, mei.account_id) == [mei.account_id]


# Undoing


async def test_undoing_gives_each_account_what_was_written_with_it_also_meanwhile(db):
    mei, old = await world.traveller(db), await world.traveller(db)
    before = {person: await book(db, person) for person in (mei, old)}
    done = await joined(db, mei, old)
    meanwhile = {person: await book(db, person) for person in (mei, old)}
    parting = await db.read(accounts.parting_of_mine, old.account_id, done.link_id)
    assert [known.id for known in parting.right] == [old.account_id]
    assert (row_of(parting.rows, "orders", "held").left_count, parting.joined_still) == (2, False)
    await db.run(accounts.undo_mine, old.actor, done.link_id, parting.shown)
    for person in (mei, old):
        assert set(await numbers(db, person)) == {before[person], meanwhile[person]}
        assert (await world.messages(db, person.phone))[0].template == "accounts-parted"
    with pytest.raises(accounts.LinkOver):
        await db.run(accounts.undo_mine, mei.actor, done.link_id, parting.shown)


async def test_the_middle_of_three_parts_them_as_the_graph_says(db):
    """B to A, then C to B: parting A and B leaves C with B."""
    a, b, c = [await world.traveller(db) for _ in range(3)]
    link = await db.run(accounts.merge, staff.TEST, b.account_id, a.account_id, evidence=TEST)
    await db.run(accounts.merge, staff.TEST, c.account_id, b.account_id, evidence=TEST)
    parted = await db.run(accounts.undo, staff.TEST, link.link_id, "as asked")
    assert {frozenset(parted.left), frozenset(parted.right)} == {
        frozenset({a.account_id}), frozenset({b.account_id, c.account_id}),
    }  # fmt: skip
    assert await db.read(accounts.same_person, c.account_id, b.account_id)
    assert not await db.read(accounts.same_person, a.account_id, b.account_id)


async def test_what_one_side_did_with_orders_of_the_other_is_listed_before_parting(db):
    mei, old = await world.traveller(db), await world.traveller(db)
    number = await book(db, old)
    done = await joined(db, mei, old)
    await orders.cancel(db, mei.actor, await world.order_of(db, mei, number))
    parting = await db.read(accounts.parting, done.link_id)
    assert [(one.subject, one.did, one.by) for one in parting.crossed] == [(number, "cancelled", str(mei.actor))]


async def test_nobody_parts_accounts_of_others(db):
    mei, old, stranger = [await world.traveller(db) for _ in range(3)]
    done = await joined(db, mei, old)
    for link_id in (done.link_id, ids.uuid7()):
        with pytest.raises(accounts.LinkUnknown):
            await db.read(accounts.parting_of_mine, stranger.account_id, link_id)
        with pytest.raises(accounts.LinkUnknown):
            await db.run(accounts.undo_mine, stranger.actor, link_id, "")


# Not me


async def test_not_me_undoes_at_once_and_ends_what_the_other_side_began(db):
    mei, old = await world.traveller(db), await world.traveller(db)
    done = await joined(db, mei, old)
    clock.move(timedelta(minutes=1))
    since = await world.traveller(db, mei.phone)
    parted = await db.run(accounts.not_me, done.link_id, "b", not_me_token(done.link_id, "b"))
    assert parted.sessions_ended == 1
    assert await db.read(accounts.session, since.token) is None
    assert await db.read(accounts.session, mei.token) is not None, "what was there before stays"
    assert await db.read(accounts.session, old.token) is not None
    assert not await db.read(accounts.same_person, mei.account_id, old.account_id)
    again = await db.run(accounts.not_me, done.link_id, "b", not_me_token(done.link_id, "b"))
    assert again.sessions_ended == 0


async def test_a_not_me_link_is_signed_for_its_side_and_lasts_a_day(db):
    mei, old = await world.traveller(db), await world.traveller(db)
    done = await joined(db, mei, old)
    for side, token in (("a", not_me_token(done.link_id, "b")), ("c", not_me_token(done.link_id, "c")), ("b", "")):
        with pytest.raises(accounts.LinkUnknown):
            await db.run(accounts.not_me, done.link_id, side, token)
    clock.move(timedelta(hours=24))
    with pytest.raises(accounts.NotMeOver):
        await db.run(accounts.not_me, done.link_id, "a", not_me_token(done.link_id, "a"))


# Two people


async def proposed(db: Db, mei: world.Person, old: world.Person, by: staff.Colleague) -> changes.Proposal:
    return await accounts.propose_merge(
        db, by.actor, mei.account_id, old.account_id, "passport seen at the desk", "lost the old phone"
    )


async def test_staff_join_accounts_with_a_document_and_a_second_person(db):
    mei, old = await world.traveller(db), await world.traveller(db)
    await book(db, old)
    lin, anna = await staff.colleague(db, "support"), await staff.colleague(db, "support")
    proposal = await proposed(db, mei, old, lin)
    assert await db.read(accounts.members, mei.account_id) == [mei.account_id], "the trial left nothing"
    assert not [one for one in await world.messages(db, old.phone) if one.template == "accounts-joined"]
    assert row_of([accounts.Row(**row) for row in proposal.preview["rows"]], "orders", "held").right_count == 1
    with pytest.raises(changes.SamePerson):
        await changes.approve(db, lin.actor, proposal.id, proposal.shown)
    await changes.approve(db, anna.actor, proposal.id, proposal.shown)
    applied = await changes.apply(db, anna.actor, proposal.id)
    assert await db.read(accounts.same_person, mei.account_id, old.account_id)
    [link] = await db.read(accounts.joined, mei.account_id)
    assert (link.made_by, link.approved_by) == (str(lin.actor), str(anna.actor))
    assert link.evidence["document"] == "passport seen at the desk"
    await db.run(changes.revert, lin.actor, applied.id, "the wrong Mei")
    assert not await db.read(accounts.same_person, mei.account_id, old.account_id)


async def test_an_approval_is_of_what_was_shown_and_not_of_what_came_since(db):
    mei, old = await world.traveller(db), await world.traveller(db)
    lin, anna = await staff.colleague(db, "support"), await staff.colleague(db, "support")
    proposal = await proposed(db, mei, old, lin)
    await book(db, old)
    with pytest.raises(changes.PreviewStale) as stale:
        await changes.approve(db, anna.actor, proposal.id, proposal.shown)
    await changes.approve(db, anna.actor, proposal.id, stale.value.fields["preview_hash"])
    await book(db, old)
    with pytest.raises(changes.PreviewStale):
        await changes.apply(db, anna.actor, proposal.id)
    waiting = await db.read(changes.require, proposal.id)
    assert (waiting.state, waiting.approved_by) == (changes.State.PROPOSED, None)
    await changes.approve(db, anna.actor, proposal.id, waiting.shown)
    assert (await changes.apply(db, anna.actor, proposal.id)).state is changes.State.APPLIED


@pytest.mark.parametrize("why", ["dormant", "disputed"])
async def test_a_phone_that_may_have_changed_hands_waits_for_a_colleague(db, why):
    old = await world.traveller(db)
    if why == "dormant":
        clock.move(timedelta(days=91))
    mei = await world.traveller(db)
    if why == "disputed":
        done = await joined(db, mei, old)
        await db.run(accounts.not_me, done.link_id, "b", not_me_token(done.link_id, "b"))
    await prove_both(db, mei, old)
    preview = await db.read(accounts.preview_for, mei.actor, old.account_id)
    waiting = await accounts.join(db, mei.actor, old.account_id, preview.shown)
    assert isinstance(waiting, changes.Proposal)
    again = await accounts.join(db, mei.actor, old.account_id, preview.shown)
    assert again.id == waiting.id
    assert [one.id for one in await db.read(changes.queue, accounts.MERGE_KIND)] == [waiting.id]
    anna = await staff.colleague(db, "support")
    await changes.approve(db, anna.actor, waiting.id, waiting.shown)
    await changes.apply(db, anna.actor, waiting.id)
    assert await db.read(accounts.same_person, mei.account_id, old.account_id)


async def test_the_database_keeps_links_as_they_were_made(db):
    mei, old = await world.traveller(db), await world.traveller(db)
    done = await joined(db, mei, old)

    async def rewrite(tx: Tx, sql: str) -> None:
        await tx.execute(sql, id=done.link_id)

    for sql in (
        "delete from accounts.links where id = %(id)s",
        "update accounts.links set evidence = '{}' where id = %(id)s",
        "truncate accounts.links",
    ):
        with pytest.raises(Exception, match=r"never deleted|can only end|stays as it is"):
            await db.run(rewrite, sql)
    assert isinstance(done.link_id, UUID)
