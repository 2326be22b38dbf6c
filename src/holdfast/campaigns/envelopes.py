"""Envelopes: what finance allows, by itself and before any campaign: how much, where, out of whose money, under which name.

proposal = await envelopes.propose(db, actor, wish, reason)      # marketing or finance
# somebody of finance types the figures again and approves (`review.approve`), then it is applied and never changes
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

from holdfast import accounts, changes
from holdfast.accounts import Role
from holdfast.kit import clock
from holdfast.kit.actor import Actor
from holdfast.kit.db import Db, ReadTx, Tx
from holdfast.kit.i18n import both
from holdfast.kit.problems import InvalidInput, NotFound

from . import envelopes_store as store
from .model import Envelope

KIND = "campaign-envelope"
TTL = timedelta(hours=72)
MAKERS = (Role.MARKETING, Role.FINANCE)
PAYERS = ("platform", "merchant", "government")
VALID_MOST = timedelta(days=366)
BUDGET_MOST = 100_000_000_00
Payer = Literal["platform", "merchant", "government"]
Minor = Annotated[int, msgspec.Meta(ge=1, le=BUDGET_MOST)]


class Wish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An envelope as it is wanted. Money in minor units, `max_bp` in basis points of an order's price."""

    name: dict[str, str]
    payer: Payer
    label: dict[str, str]
    max_minor: Minor
    max_bp: Annotated[int, msgspec.Meta(ge=1, le=10_000)]
    kinds: Annotated[list[str], msgspec.Meta(min_length=1, max_length=50)]
    channels: Annotated[list[str], msgspec.Meta(min_length=1, max_length=20)]
    budget_minor: Minor
    valid_until: Annotated[datetime, msgspec.Meta(tz=True)]
    agreement: str | None = None
    currency: Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$")] = "CNY"


class EnvelopeUnknown(NotFound):
    """There is no such envelope."""

    next_step = "Look at the list of envelopes; finance approves new ones."


def check(wish: Wish) -> None:
    """InvalidInput with every finding at once: field, code, message."""
    found = []

    def wrong(field: str, text: str) -> None:
        found.append({"field": field, "code": f"ENVELOPE_{field.upper()}", "message": both(text), "severity": "error"})

    for field, texts in (("name", wish.name), ("label", wish.label)):
        if any(not 2 <= len(texts.get(tongue, "").strip()) <= 60 for tongue in ("zh", "en")):
            wrong(field, "Write it in Chinese and in English, 2 to 60 characters each.")
    if wish.payer == "government" and not (wish.agreement or "").strip():
        wrong("agreement", "Public money needs the agreement it is paid under.")
    if wish.payer != "government" and _speaks_of_government(wish.label):
        wrong("label", "Only an envelope that public money pays for may be called a government subsidy.")
    if wish.max_minor > wish.budget_minor:
        wrong("max_minor", "One order cannot get more than the whole budget.")
    now = clock.now()
    if not now < wish.valid_until <= now + VALID_MOST:
        wrong("valid_until", "It ends after now, and within a year.")
    if found:
        raise InvalidInput(errors=found)


GOVERNMENT_WORDS = (
    "政府",
    "财政",
    "国补",
    "政补",
    "国家补贴",
    "government",
    "state subsid",
    "public subsid",
    "treasury",
)


def _speaks_of_government(texts: dict[str, str]) -> bool:
    said = " ".join(texts.values()).lower()
    return any(word in said for word in GOVERNMENT_WORDS)


async def propose(db: Db, actor: Actor, wish: Wish, reason: str) -> changes.Proposal:
    """Asks finance for an envelope. InvalidInput; ReasonNeeded; what `accounts.reviewer` raises is for approvers alone."""
    check(wish)
    return await changes.propose(db, actor, KIND, {"wish": msgspec.to_builtins(wish)}, reason)


async def usable(tx: ReadTx) -> list[Envelope]:
    """Envelopes that are still valid, the newest first."""
    return await store.newest(tx, clock.now(), 200)


async def newest(tx: ReadTx, limit: int = 100) -> list[Envelope]:
    """Every envelope, the newest first."""
    return await store.newest(tx, None, limit)


async def require(tx: ReadTx, envelope_id: UUID) -> Envelope:
    """One envelope. EnvelopeUnknown."""
    found = await store.find(tx, envelope_id)
    if found is None:
        raise EnvelopeUnknown
    return found


async def spent(tx: ReadTx) -> dict[UUID, int]:
    """Envelope → minor units of it that are promised to campaigns that run, or were used by those that are over."""
    return await store.committed(tx)


async def committed(tx: ReadTx, besides: str) -> dict[UUID, int]:
    """The same, if the next version of a campaign took the place of its last one."""
    return await store.committed(tx, besides)


def figures(payload: dict[str, Any]) -> dict[str, str]:
    """What whoever approves types again: the most an order gets, in which unit, of how many basis points, and who pays."""
    wish = msgspec.convert(payload["wish"], Wish)
    return {"amount": str(wish.max_minor), "unit": "most", "cap": str(wish.max_bp), "payer": wish.payer}


async def _apply(tx: Tx, actor: Actor, draft: changes.Draft) -> dict[str, Any]:
    wish = msgspec.convert(draft.payload["wish"], Wish)
    check(wish)
    await store.insert(tx, draft.id, wish, changes.hashed(draft.payload["wish"]), draft.id, clock.now())
    return {"envelope": str(draft.id)}


async def _preview(tx: ReadTx, draft: changes.Draft, effects: dict[str, Any]) -> dict[str, Any]:
    """It is what is asked for: an envelope alone gives nothing to anybody."""
    return {"wish": draft.payload["wish"]}


async def _approver(tx: ReadTx, actor: Actor, proposal: changes.Proposal) -> tuple[str, ...]:
    others = [proposal.proposed_by, *await changes.agreed(tx, proposal)]
    return await accounts.reviewer(tx, actor, [Role.FINANCE], others)


def _demands(payload: dict[str, Any], preview: dict[str, Any]) -> changes.Demand:
    return changes.Demand(1, (Role.FINANCE.value,))


changes.register(
    KIND, apply=_apply, preview=_preview, ttl=TTL, demands=_demands, approver=_approver, approved_ttl=timedelta(days=7),
    figures=figures,
)  # fmt: skip
