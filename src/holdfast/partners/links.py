"""The one-tap link of a small supplier, and the secrets with which programs of suppliers sign what they send us.

The link opens one partner's page and nothing else; made anew, the old one is void.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

import msgspec

from holdfast.kit import audit, clock, crypto, ids, settings
from holdfast.kit.actor import Actor
from holdfast.kit.db import Db, ReadTx, Tx
from holdfast.kit.problems import Denied, NotFound
from holdfast.notices import signatures, subscriptions

from . import freshness_store, registration
from .model import Partner

SECRET = "partners.feed_secrets.secret"  # noqa: S105 - the name of the column it is sealed for
OVERLAP = timedelta(hours=24)
"""How long an old secret counts beside a new one."""
EVENTS = ("supply.stale", "supply.silent", "supply.barred", "supply.recovered", "supply.asked")


class SupplyLinkUnknown(NotFound):
    """This link does not open anything, or not any more."""

    safe = "Nothing was changed."
    next_step = "Ask us for a new link; we have your telephone number."


class SignatureWrong(Denied):
    """This message is not signed as it should be."""

    safe = "Nothing was changed."
    next_step = "Sign the exact bytes with your secret as Standard Webhooks has it, with the present time."


async def link(tx: ReadTx, partner_id: str) -> str:
    """The address of a partner's own page."""
    return f"{settings.current().base_url}/supply/{await token(tx, partner_id)}"


async def token(tx: ReadTx, partner_id: str) -> str:
    """What stands in the address: the partner and a signature."""
    version = (await freshness_store.feed(tx, partner_id)).link_version
    return f"{partner_id}.{crypto.link_token('supply', f'{partner_id}|{version}')}"


async def by_link(tx: ReadTx, given: str) -> Partner:
    """The partner whose link this is. SupplyLinkUnknown, also for a partner that is switched off."""
    partner_id, _, signed = given.partition(".")
    version = (await freshness_store.feed(tx, partner_id)).link_version
    if not crypto.link_token_fits("supply", f"{partner_id}|{version}", signed):
        raise SupplyLinkUnknown
    partner = await registration.require(tx, partner_id)
    if not partner.is_active:
        raise SupplyLinkUnknown
    return partner


async def renew(tx: Tx, actor: Actor, partner_id: str, *, reason: str) -> str:
    """A new link; the old one is void at once."""
    await registration.require(tx, partner_id)
    feed = await freshness_store.feed(tx, partner_id)
    await freshness_store.set_feed(tx, msgspec.structs.replace(feed, link_version=feed.link_version + 1))
    await audit.record(tx, actor, "partner.link-renewed", f"partner:{partner_id}", reason=reason)
    return await link(tx, partner_id)


async def set_locale(tx: Tx, actor: Actor, partner_id: str, locale: str) -> None:
    """The language in which the partner is told."""
    feed = await freshness_store.feed(tx, partner_id)
    await freshness_store.set_feed(tx, msgspec.structs.replace(feed, locale="en" if locale == "en" else "zh"))
    await audit.record(tx, actor, "partner.language", f"partner:{partner_id}", locale=locale)


async def make_secret(tx: Tx, actor: Actor, partner_id: str) -> str:
    """A new secret for the webhooks that the partner sends us, shown once; an old one counts a day longer."""
    await registration.require(tx, partner_id)
    secret, secret_id, now = signatures.new_secret(), ids.uuid7(), clock.now()
    await freshness_store.insert_secret(tx, secret_id, partner_id, crypto.seal(SECRET, secret), now)
    await freshness_store.end_secrets(tx, partner_id, secret_id, now, now + OVERLAP)
    await audit.record(tx, actor, "partner.secret-made", f"partner:{partner_id}")
    return secret


async def signed_by(db: Db, partner_id: str, headers: Mapping[str, str], body: bytes) -> Partner:
    """The partner, if one of its secrets signed exactly this. SignatureWrong, also when there is no such partner."""
    sealed = await db.read(freshness_store.secrets, partner_id, clock.now())
    keys = [crypto.unseal(SECRET, one) for one in sealed]
    if not signatures.verifies(keys, headers, body, clock.now()):
        raise SignatureWrong
    return await db.read(registration.require, partner_id)


async def subscribe(db: Db, actor: Actor, partner_id: str, url: str) -> str:
    """Has the partner told by webhook at this address; the secret of what we send, shown once.

    SubscriptionInvalid; AddressSubscribed. An address that was told before is told no more.
    """
    await db.read(registration.require, partner_id)
    added = await subscriptions.add(db, actor, url, EVENTS, description=f"partner {partner_id}")
    before = await db.run(_note_subscription, partner_id, added.id)
    if before is not None:
        await db.run(subscriptions.end, actor, before, "another address is told instead")
    return added.secret


async def _note_subscription(tx: Tx, partner_id: str, subscription_id: UUID) -> UUID | None:
    feed = await freshness_store.feed(tx, partner_id)
    await freshness_store.set_feed(tx, msgspec.structs.replace(feed, subscription_id=subscription_id))
    return feed.subscription_id
