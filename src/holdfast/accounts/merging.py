"""Merging: two accounts are asserted to be one person. Nothing moves, so nothing can be left behind.

A merge writes one link and the root beside each account; orders, payments and sessions stay where they were written and
are found from either side, also those that are being written at that moment. It needs fresh proof of both sides, shows
beforehand what comes together, aborts unless *union = left + right*, tells every phone of both sides, and can be undone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from holdfast import changes
from holdfast.kit import audit, clock, crypto, ids, jobs, log, settings
from holdfast.kit.actor import Actor
from holdfast.kit.db import Db, ReadTx, Tx

from . import links, merging_proofs, merging_tallies, reaching
from . import merging_store as graph
from .merging_model import (
    CAP,
    DIFFERENCES,
    DORMANT,
    AlreadyOnePerson,
    ClusterTooLarge,
    Link,
    Merged,
    MergeWouldLose,
    NoSuchAccount,
    Preview,
)
from .merging_tallies import CHECKED_MOST, LEFT, RIGHT, SHOWN_MOST, UNION, Groups, Tally, counted

KIND = "accounts.merge"
NOT_ME_SUBJECT = "merge-not-me"
REVIEWS = {
    "dormant": "The other phone has not signed in for ninety days: it may belong to somebody else by now.",
    "disputed": "Somebody said “not me” about joining these accounts a short while ago.",
}
"""Why a proven merge waits for a colleague all the same: word → the reason of the proposal."""


@counted("accounts")
async def _own(tx: ReadTx, groups: Groups) -> list[Tally]:
    """What accounts itself has: identifiers and live sessions."""
    return await graph.tallies(tx, groups, clock.now())


async def preview(tx: ReadTx, a: UUID, b: UUID) -> Preview:
    """What joining the persons behind two accounts would bring together. AlreadyOnePerson; NoSuchAccount."""
    left, right = await _sides(tx, a, b)
    return await show(tx, left, right)


async def show(tx: ReadTx, left: list[UUID], right: list[UUID]) -> Preview:
    """The preview of these two sides, whether they are joined by now or not."""
    tallies = await merging_tallies.tally(tx, SHOWN_MOST, {LEFT: left, RIGHT: right})
    return Preview(
        await graph.known(tx, left), await graph.known(tx, right), merging_tallies.side_by_side(tallies),
        await merging_tallies.exceeded(tx, left, right), list(DIFFERENCES),
    )  # fmt: skip


async def _sides(tx: ReadTx, a: UUID, b: UUID) -> tuple[list[UUID], list[UUID]]:
    left, right = await links.members(tx, a), await links.members(tx, b)
    if not left or not right:
        raise NoSuchAccount
    if b in left:
        raise AlreadyOnePerson
    return left, right


async def preview_for(tx: ReadTx, actor: Actor, other: UUID) -> Preview:
    """The same for a traveller, who has proven both sides. ProofMissing."""
    assert actor.account_id
    left, right = await _sides(tx, actor.account_id, other)
    await merging_proofs.require_proofs(tx, actor.account_id, left, right)
    return await show(tx, left, right)


async def join(db: Db, actor: Actor, other: UUID, shown: str) -> Merged | changes.Proposal:
    """A traveller joins their account with another they have proven, as the preview with this hash showed it.

    A proposal, which a colleague must approve, when the other phone was not used for long or somebody said "not me" about
    this before. ProofMissing; PreviewStale; AlreadyOnePerson; ClusterTooLarge, which is written down for staff.
    """
    assert actor.account_id
    try:
        outcome = await db.run(_join, actor, other, shown)
    except ClusterTooLarge as problem:
        await db.run(_note_too_large, actor, other, problem.fields["accounts"])
        raise
    if isinstance(outcome, Merged):
        return outcome
    payload = {"a": str(actor.account_id), "b": str(other), "evidence": {"means": "proofs", "why": outcome}}
    waiting = [one for one in await db.read(changes.queue, KIND) if one.payload == payload]
    return waiting[0] if waiting else await changes.propose(db, actor, KIND, payload, REVIEWS[outcome])


async def _note_too_large(tx: Tx, actor: Actor, other: UUID, accounts: int) -> None:
    await audit.record(tx, actor, f"{KIND}.too-large", f"account:{other}", accounts=accounts)


async def _join(tx: Tx, actor: Actor, other: UUID, shown: str) -> Merged | str:
    """The merge, or the word that says why it must be looked at."""
    assert actor.account_id
    await links.hold(tx, actor.account_id, other)
    left, right = await _sides(tx, actor.account_id, other)
    means = await merging_proofs.require_proofs(tx, actor.account_id, left, right)
    seen = await show(tx, left, right)
    if seen.shown != shown:
        raise changes.PreviewStale(preview_hash=seen.shown)
    since = clock.now() - DORMANT
    if not await graph.seen_since(tx, other, since):
        return "dormant"
    if await graph.disputed(tx, left, right, since):
        return "disputed"
    done = await merge(tx, actor, actor.account_id, other, evidence={"means": "proofs", **means})
    await graph.end_proofs(tx, left + right, clock.now())
    return done


async def merge(
    tx: Tx, actor: Actor, a: UUID, b: UUID, *, evidence: Mapping[str, Any], made_by: str = "", approved_by: str | None = None
) -> Merged:  # fmt: skip
    """Asserts that two accounts are one person. Proofs are the caller's matter; `evidence` says which there were.

    AlreadyOnePerson; NoSuchAccount; ClusterTooLarge; MergeWouldLose aborts when what both have is not found together.
    """
    await links.hold(tx, a, b)
    left, right = await _sides(tx, a, b)
    if len(left) + len(right) > CAP:
        raise ClusterTooLarge(accounts=len(left) + len(right), most=CAP)
    link_id, now = ids.uuid7(), clock.now()
    await graph.insert_link(tx, link_id, a, b, dict(evidence), made_by or str(actor), now, approved_by)
    await links.derive(tx, a)
    await require_nothing_lost(tx, left, right)
    await audit.record(
        tx,
        actor,
        KIND,
        f"account:{a}",
        other=str(b),
        link=str(link_id),
        approved_by=approved_by,
        evidence=dict(evidence),
    )
    found = await graph.link(tx, link_id)
    assert found is not None
    await tell_changed(tx, found, left, right, "accounts-joined")
    return Merged(link_id, left, right)


async def require_nothing_lost(tx: Tx, left: Sequence[UUID], right: Sequence[UUID]) -> None:
    """What each account of the person now finds must be left and right together. MergeWouldLose, with the kinds.

    The accounts are compared whole, from every one of them; what they have is counted with the queries of the preview, in
    one statement for left, right and union.
    """
    whole = sorted([*left, *right])
    found = [await links.members(tx, account) for account in whole]
    union = found[0]
    await _require(tx, left, right, union, right_accounts=all(one == whole for one in found))


async def require_nothing_lost_apart(tx: Tx, left: Sequence[UUID], right: Sequence[UUID]) -> None:
    """The same after an undo: both sides find their own, which together are what the person had."""
    found = [(await links.members(tx, account), side) for side in (left, right) for account in side]
    union = sorted({one for members, _side in found for one in members})
    await _require(tx, left, right, union, right_accounts=all(one == list(side) for one, side in found))


async def _require(
    tx: Tx, left: Sequence[UUID], right: Sequence[UUID], union: Sequence[UUID], *, right_accounts: bool
) -> None:
    wrong = [] if right_accounts else ["accounts"]
    tallies = await merging_tallies.tally(tx, CHECKED_MOST, {LEFT: left, RIGHT: right, UNION: union})
    wrong += merging_tallies.lost(tallies)
    if wrong:
        log.get().error("accounts.merge.would_lose", kinds=wrong, left=[str(one) for one in left])
        raise MergeWouldLose(kinds=wrong)


async def tell_changed(tx: Tx, link: Link, left: Sequence[UUID], right: Sequence[UUID], template: str) -> None:
    """Every account of both sides hears of it, on all its phones, and so do those who keep something by person."""
    whole = sorted([*left, *right])
    await jobs.emit(tx, "accounts.cluster_changed", {"accounts": [str(one) for one in whole], "link_id": str(link.id)})
    for account in whole:
        side = "a" if account in left else "b"
        values = {"other": link.b_masked if side == "a" else link.a_masked}
        if template == "accounts-joined":
            values["link"] = not_me_url(link.id, side)
        await reaching.tell(tx, account, template, **values)


def not_me_url(link_id: UUID, side: str) -> str:
    """The link by which a side undoes a merge at once: signed, for a day."""
    return f"{settings.current().base_url}/account/merging/not-me/{link_id}/{side}?token={not_me_token(link_id, side)}"


def not_me_token(link_id: UUID, side: str) -> str:
    """The signature of that link."""
    return crypto.link_token(NOT_ME_SUBJECT, f"{link_id}:{side}")


async def account_of_phone(tx: ReadTx, phone: str) -> UUID:
    """The account that a phone (E.164) identifies: for staff, who have looked at a document. NoSuchAccount."""
    found = await graph.account_of_phone(tx, crypto.blind_index("phone", phone))
    if found is None:
        raise NoSuchAccount
    return found
