"""Parting: a merge is undone. Whatever was written since belongs to the account it was written with, so nothing moves back.

The preview says who gets what, which other links still keep the accounts together, and what one side did meanwhile with
things of the other, which only people can settle.
"""

from __future__ import annotations

from uuid import UUID

import msgspec

from holdfast import changes
from holdfast.kit import audit, clock, crypto
from holdfast.kit.actor import Actor
from holdfast.kit.db import ReadTx, Tx

from . import links, merging_tallies
from . import merging_store as graph
from .merging import NOT_ME_SUBJECT, require_nothing_lost_apart, tell_changed
from .merging_model import NOT_ME, NOT_ME_TTL, Link, LinkUnknown, NotMeOver, Parted, Parting
from .merging_tallies import LEFT, RIGHT, SHOWN_MOST


async def parting(tx: ReadTx, link_id: UUID) -> Parting:
    """What ending a link would do. LinkUnknown; LinkOver. Callers authorise."""
    return await _show(tx, await links.require(tx, link_id))


async def parting_of_mine(tx: ReadTx, account_id: UUID, link_id: UUID) -> Parting:
    """The same for a traveller: LinkUnknown when the link is not theirs."""
    return await _show(tx, await links.require_mine(tx, account_id, link_id))


async def _show(tx: ReadTx, link: Link) -> Parting:
    left, right = await _sides(tx, link)
    tallies = await merging_tallies.tally(tx, SHOWN_MOST, {LEFT: left, RIGHT: right})
    return Parting(
        link, await graph.known(tx, left), await graph.known(tx, right), merging_tallies.side_by_side(tallies),
        await merging_tallies.crossings(tx, left, right, link.made_at), joined_still=not right,
    )  # fmt: skip


async def _sides(tx: ReadTx, link: Link) -> tuple[list[UUID], list[UUID]]:
    """The two components without the link; everything is left when other links keep them together."""
    left = await graph.connected(tx, link.a, link.id)
    right = [] if link.b in left else await graph.connected(tx, link.b, link.id)
    return left, right


async def undo_mine(tx: Tx, actor: Actor, link_id: UUID, shown: str) -> Parted:
    """A traveller parts their accounts, as the preview with this hash showed it. LinkUnknown; LinkOver; PreviewStale."""
    assert actor.account_id
    await links.require_mine(tx, actor.account_id, link_id)
    return await undo(tx, actor, link_id, "asked for by its owner", shown=shown)


async def undo(tx: Tx, actor: Actor, link_id: UUID, reason: str, *, shown: str | None = None) -> Parted:
    """Ends a link; each side finds what was written with its accounts, also what was written while they were one.

    PreviewStale when `shown` is the hash of another preview than that of now. LinkUnknown; LinkOver.
    """
    asked = await links.require(tx, link_id)
    await links.hold(tx, asked.a, asked.b)
    link = await links.require(tx, link_id)
    if shown is not None and (now_shown := (await _show(tx, link)).shown) != shown:
        raise changes.PreviewStale(preview_hash=now_shown)
    left, right = await _sides(tx, link)
    ended = await graph.end_link(tx, link_id, str(actor), clock.now(), reason)
    assert ended == 1, link_id
    await links.derive(tx, link.a)
    await links.derive(tx, link.b)
    await require_nothing_lost_apart(tx, left, right)
    await audit.record(
        tx, actor, "accounts.part", f"account:{link.a}", other=str(link.b), link=str(link_id), reason=reason
    )
    if right:
        await tell_changed(tx, link, left, right, "accounts-parted")
    return Parted(link_id, left, right, joined_still=not right)


async def not_me(tx: Tx, link_id: UUID, side: str, token: str) -> Parted:
    """Somebody who was told of a merge says that it was not them: undone at once; sessions the other side began since end.

    Again: nothing more happens. LinkUnknown for a link that we did not sign; NotMeOver after a day.
    """
    link = await not_me_link(tx, link_id, side, token)
    account_id = link.a if side == "a" else link.b
    actor = Actor("traveller", account_id, NOT_ME)
    if link.ended_at is not None:
        return Parted(link_id, [], [], joined_still=False)
    parted = await undo(tx, actor, link_id, NOT_ME)
    other = parted.right if side == "a" else parted.left
    now = clock.now()
    await graph.end_proofs(tx, parted.left + parted.right, now)
    ended = await graph.end_sessions_since(tx, other, link.made_at, now)
    return msgspec.structs.replace(parted, sessions_ended=ended)


async def not_me_link(tx: ReadTx, link_id: UUID, side: str, token: str) -> Link:
    """What a "not me" link is about. LinkUnknown; NotMeOver."""
    if side not in ("a", "b") or not crypto.link_token_fits(NOT_ME_SUBJECT, f"{link_id}:{side}", token):
        raise LinkUnknown
    link = await graph.link(tx, link_id)
    if link is None:
        raise LinkUnknown
    if link.ended_at is None and clock.now() >= link.made_at + NOT_ME_TTL:
        raise NotMeOver
    return link
