"""Drafts: campaigns that are being written. What was typed is kept, right or wrong, until it is proposed; then it stays as it is."""

from __future__ import annotations

import re
from uuid import UUID

import msgspec

from holdfast.kit import audit, clock, ids
from holdfast.kit.actor import Actor
from holdfast.kit.db import ReadTx, Tx
from holdfast.kit.i18n import both
from holdfast.kit.problems import Conflict, InvalidInput, NotFound

from . import drafts_store as store
from .drafts_store import Draft
from .model import Content

SHOWN = 50
RESERVED = frozenset({"new", "drafts", "proposals", "envelopes", "incidents"})
"""Names that are addresses of pages."""
_ID = re.compile(r"[a-z0-9][a-z0-9-]{2,39}").fullmatch


class DraftUnknown(NotFound):
    """There is no such draft."""

    next_step = "Look at the list of campaigns: drafts stand at its end."


class DraftOver(Conflict):
    """This draft was proposed or dropped and stays as it is."""

    safe = "Nothing was changed."
    next_step = "Take it up again: that makes a new draft with the same words."


class DraftMoved(Conflict):
    """A colleague has changed this draft since you opened it."""

    safe = "Your words are still in the form; theirs are kept too."
    next_step = "Open the draft in another tab, compare, and save yours again if it should count."


class DraftIncomplete(Conflict):
    """Something in this draft is still wrong or missing."""

    safe = "The draft is kept as it was typed."
    next_step = "Open it, correct the marked fields and save it; then go on."


async def begin(tx: Tx, actor: Actor, campaign_id: str, typed: dict[str, str], content: Content | None) -> Draft:
    """A new draft, of a new campaign or for the next version of one. InvalidInput for a name that cannot be an address."""
    if not _ID(campaign_id) or campaign_id in RESERVED:
        text = "Use 3 to 40 small letters, digits and hyphens, such as spring-2027."
        raise InvalidInput(errors=[{"field": "campaign", "code": "CAMPAIGN_ID", "message": both(text)}])
    now = clock.now()
    name = (
        content.names
        if content
        else {tongue: typed.get(f"name_{tongue}", "") or campaign_id for tongue in ("zh", "en")}
    )
    await store.insert_campaign(tx, campaign_id, name, str(actor), now)
    draft = Draft(
        ids.uuid7(), campaign_id, name, typed, _plain(content), content.hash if content else None, 1, str(actor), now, str(actor),
        now, (str(actor),), None, None,
    )  # fmt: skip
    await store.insert(tx, draft)
    await audit.record(tx, actor, "campaign.draft", f"campaign:{campaign_id}", draft=str(draft.id))
    return await require(tx, draft.id)


def _plain(content: Content | None) -> dict[str, object] | None:
    return None if content is None else dict(msgspec.to_builtins(content))


async def save(
    tx: Tx, actor: Actor, draft_id: UUID, revision: int, typed: dict[str, str], content: Content | None
) -> Draft:
    """The next revision of a draft. DraftUnknown; DraftOver; DraftMoved when somebody else has saved one since."""
    found = await require(tx, draft_id)
    if not found.is_open:
        raise DraftOver
    saved = await store.save(
        tx, draft_id, revision, typed, _plain(content), content.hash if content else None, str(actor), clock.now()
    )
    if not saved:
        raise DraftMoved
    return await require(tx, draft_id)


async def again(tx: Tx, actor: Actor, draft_id: UUID) -> Draft:
    """A new draft with the words of an old one."""
    old = await require(tx, draft_id)
    return await begin(tx, actor, old.campaign_id, old.typed, content_of(old) if old.content is not None else None)


async def drop(tx: Tx, actor: Actor, draft_id: UUID) -> None:
    """It is not wanted any more. DraftOver."""
    found = await require(tx, draft_id)
    if not await store.drop(tx, draft_id, clock.now()):
        raise DraftOver
    await audit.record(tx, actor, "campaign.draft-dropped", f"campaign:{found.campaign_id}", draft=str(draft_id))


async def require(tx: ReadTx, draft_id: UUID) -> Draft:
    """A draft. DraftUnknown."""
    found = await store.find(tx, draft_id)
    if found is None:
        raise DraftUnknown
    return found


async def open_ones(tx: ReadTx) -> list[Draft]:
    """Drafts that are still written, the last changed first."""
    return await store.open_ones(tx, SHOWN)


def content_of(draft: Draft) -> Content:
    """What a draft says. DraftIncomplete while something in it is wrong."""
    if draft.content is None:
        raise DraftIncomplete
    return msgspec.convert(draft.content, Content)
