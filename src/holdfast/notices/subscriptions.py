"""Subscriptions: who is told what at which address. They are paused, resumed and ended, never deleted.

While one is paused nothing is lost: what waited goes on waiting, and what happened meanwhile is caught up on resuming.
Secrets are sealed at rest and shown once. After a rotation the old and the new one both sign for a while.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

from holdfast.kit import actor as actors
from holdfast.kit import audit, clock, crypto, egress, ids, jobs, settings
from holdfast.kit.actor import Actor
from holdfast.kit.db import Db, ReadTx, Tx, UniqueViolation
from holdfast.kit.i18n import both

from . import outbox, signatures, subscriptions_store
from .events import EVENTS, TEST
from .model import (
    AddressSubscribed,
    Health,
    Subscription,
    SubscriptionInvalid,
    SubscriptionOver,
    SubscriptionState,
    SubscriptionUnknown,
)

SECRET = "notices.signing_secrets.secret"  # noqa: S105 - the name of the column it is sealed for
CONTACT = "notices.subscriptions.contact"
OVERLAP = timedelta(hours=24)
"""How long the old secret signs beside the new one."""
PUBLISHERS_FINISH = timedelta(minutes=5)
"""No transaction lasts longer: an event may carry a time so much before its commit."""
HEALTH_WINDOW = timedelta(hours=1)
GONE = "The address answered 410: it wants nothing more."
FAILING = "Every attempt of the last five days failed."
REFUSALS = {
    "not-a-url": "This is no address we can send to: it begins with https:// and a name, and has no # in it.",
    "plain-http": "Only addresses that begin with https:// are told.",
    "credentials": "An address with a user name or password in it is not accepted; the signature proves who sends.",
    "unresolvable": "This name cannot be found. Check its spelling, or try again later.",
    "private-address": "This name leads into a private network. Only public addresses are told.",
}
"""Why an address is not accepted: the guard's reason → a sentence."""


class Added(NamedTuple):
    """A new subscription and its secret, which is shown this once."""

    id: UUID
    secret: str


async def add(
    db: Db, actor: Actor, url: str, events: Sequence[str], *, description: str = "", contact: str = "", locale: str = "zh"
) -> Added:  # fmt: skip
    """Subscribes an address to kinds of `EVENTS`. `contact` is a phone (E.164) that hears of pauses nobody asked for.

    SubscriptionInvalid with an error per field; AddressSubscribed when the address has a subscription that has not ended.
    """
    url, contact = url.strip(), contact.strip()
    errors = [*await _errors_of_url(url), *_errors_of_events(events)]
    if contact and not re.fullmatch(r"\+[1-9][0-9]{6,14}", contact):
        errors.append(_error("contact", "Write the phone with its country code: +86 and the number."))
    if errors:
        raise SubscriptionInvalid(errors=errors)
    added = Added(ids.uuid7(), signatures.new_secret())
    try:
        await db.run(_insert, actor, added, url, sorted(set(events)), description.strip()[:200], contact, locale)
    except UniqueViolation as error:
        raise AddressSubscribed from error
    return added


async def _insert(
    tx: Tx, actor: Actor, added: Added, url: str, events: list[str], description: str, contact: str, locale: str
) -> None:
    now = clock.now()
    await subscriptions_store.insert(
        tx, subscription_id=added.id, url=url, description=description, events=events,
        contact=crypto.seal(CONTACT, contact) if contact else None,
        contact_masked=f"{contact[:3]}****{contact[-4:]}" if contact else None,
        contact_locale=locale, at=now,
    )  # fmt: skip
    await _insert_secret(tx, added.id, added.secret)
    await audit.record(tx, actor, "webhooks.add", _subject(added.id), url=url, events=events)


async def _insert_secret(tx: Tx, subscription_id: UUID, secret: str) -> None:
    await subscriptions_store.insert_secret(
        tx, secret_id=ids.uuid7(), subscription_id=subscription_id, secret=crypto.seal(SECRET, secret), at=clock.now()
    )


async def _errors_of_url(url: str) -> list[dict[str, Any]]:
    try:
        await egress.examine(url, strict=settings.current().is_production)
    except egress.Refused as refused:
        return [_error("url", REFUSALS[refused.reason], refused.reason)]
    return []


def _errors_of_events(events: Sequence[str]) -> list[dict[str, Any]]:
    unknown = sorted(set(events) - set(EVENTS))
    if unknown:
        return [_error("events", "There is no event {names}.", names=", ".join(unknown))]
    return [] if events else [_error("events", "Choose at least one event.")]


def _error(field: str, text: str, code: str = "", **values: str) -> dict[str, Any]:
    return {"field": field, "code": code or f"{field}-invalid", "message": both(text, **values)}


def _subject(subscription_id: UUID) -> str:
    return f"subscription:{subscription_id}"


async def listed(tx: ReadTx, *, ended: bool = False) -> list[Subscription]:
    """The subscriptions, oldest first; with `ended`, those too that are over."""
    return await subscriptions_store.listed(tx, ended=ended)


async def require(tx: ReadTx, subscription_id: UUID) -> Subscription:
    """The subscription; SubscriptionUnknown."""
    found = await subscriptions_store.one(tx, subscription_id)
    if found is None:
        raise SubscriptionUnknown
    return found


async def health(tx: ReadTx) -> dict[UUID, Health]:
    """How each subscription that has not ended fared in the last hour, and what still waits for it."""
    return {row.subscription_id: row for row in await subscriptions_store.health(tx, clock.now() - HEALTH_WINDOW)}


async def pause(tx: Tx, actor: Actor, subscription_id: UUID, reason: str) -> None:
    """Sends nothing more until it is resumed. One that is paused already keeps its reason. SubscriptionOver."""
    subscription = await require_open(tx, subscription_id)
    if subscription.state is SubscriptionState.ACTIVE:
        await _set_state(tx, actor, subscription, SubscriptionState.PAUSED, reason)


async def resume(tx: Tx, actor: Actor, subscription_id: UUID, *, catch_up: bool = True) -> int:
    """Goes on, with what waited at once; how many deliveries are due now. SubscriptionOver.

    Catching up adds what happened during the pause and what was given up because the address was failing before it.
    """
    subscription = await require_open(tx, subscription_id)
    if subscription.state is SubscriptionState.ACTIVE:
        return 0
    now = clock.now()
    await _set_state(tx, actor, subscription, SubscriptionState.ACTIVE, None, catch_up=catch_up)
    failing = subscription.failing_since if catch_up else None
    due = await subscriptions_store.hurry(tx, subscription_id, failing, TEST, now)
    if catch_up:
        since = max(subscription.state_since - PUBLISHERS_FINISH, subscription.created_at)
        due += await subscriptions_store.catch_up(tx, subscription_id, since, now)
    return due


async def rotate(tx: Tx, actor: Actor, subscription_id: UUID, *, overlap: timedelta = OVERLAP, reason: str = "") -> str:
    """A new secret, returned this once. Until `overlap` is over the old one signs too; zero ends a leaked one at once."""
    await require_open(tx, subscription_id)
    secret, until = signatures.new_secret(), clock.now() + overlap
    await subscriptions_store.expire_secrets(tx, subscription_id, until)
    await _insert_secret(tx, subscription_id, secret)
    told = {"overlap_s": int(overlap.total_seconds())} | ({"reason": reason} if reason else {})
    await audit.record(tx, actor, "webhooks.rotate", _subject(subscription_id), **told)
    return secret


async def end(tx: Tx, actor: Actor, subscription_id: UUID, reason: str) -> None:
    """Ends it for good: what waits is not sent any more, its secrets sign no more, its record stays."""
    subscription = await require_open(tx, subscription_id)
    await _set_state(tx, actor, subscription, SubscriptionState.ENDED, reason)
    await subscriptions_store.expire_secrets(tx, subscription_id, clock.now())
    await subscriptions_store.end_deliveries(tx, subscription_id, clock.now())


async def give_up(tx: Tx, subscription: Subscription, reason: str) -> None:
    """Pauses an active subscription whose address wants nothing or has failed for days, and tells its contact.

    The subscription is locked by the caller. News goes up as ``webhooks.paused``.
    """
    await _set_state(tx, actors.system("webhooks"), subscription, SubscriptionState.PAUSED, reason)
    await jobs.emit(
        tx, "webhooks.paused", {"subscription_id": str(subscription.id), "url": subscription.url, "reason": reason}
    )
    if subscription.contact and subscription.contact_masked:
        await outbox.send(
            tx, crypto.unseal(CONTACT, subscription.contact), subscription.contact_masked, "webhooks-paused",
            subscription.contact_locale, host=urlsplit(subscription.url).hostname or subscription.url,
        )  # fmt: skip


async def require_open(tx: Tx, subscription_id: UUID) -> Subscription:
    """The subscription, locked; SubscriptionUnknown, and SubscriptionOver when it has ended."""
    found = await subscriptions_store.locked(tx, subscription_id)
    if found is None:
        raise SubscriptionUnknown
    if found.state is SubscriptionState.ENDED:
        raise SubscriptionOver
    return found


async def _set_state(
    tx: Tx, actor: Actor, subscription: Subscription, state: SubscriptionState, reason: str | None, **details: Any
) -> None:
    verb = {"active": "resume", "paused": "pause", "ended": "end"}[state]
    reason = None if reason is None else reason.strip()[:500] or "—"
    await subscriptions_store.set_state(tx, subscription.id, state, reason, clock.now())
    told = {"url": subscription.url} | ({"reason": reason} if reason else {}) | details
    await audit.record(tx, actor, f"webhooks.{verb}", _subject(subscription.id), **told)
