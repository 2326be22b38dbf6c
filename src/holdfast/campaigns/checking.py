"""Lint with the world around it: what runs, of what kind the venues are that conditions name, what a minute may cost."""

from __future__ import annotations

from uuid import UUID

import msgspec

from holdfast.kit.db import ReadTx

from . import catalogued, envelopes, lint
from . import start_store as store
from .lint import Around, Report
from .model import Content, Envelope, Version


def as_version(campaign_id: str, content: Content, envelope: Envelope) -> Version:
    """A content as if it were a version already, for all that only looks at it."""
    return Version(UUID(bytes=content.hash[:16]), campaign_id, 1, content, content.hash, envelope)


async def check(
    tx: ReadTx, campaign_id: str, content: Content, envelope: Envelope, per_minute_minor: int | None = None
) -> Report:
    """What lint says of a content, among all that is on offer now. `per_minute_minor`: by its forecast, if there is one."""
    running = [one for one in await offered(tx) if one.campaign_id != campaign_id]
    around = Around(await catalogued.kinds(tx), running, per_minute_minor)
    return lint.lint(as_version(campaign_id, content, envelope), around)


async def offered(tx: ReadTx) -> list[Version]:
    """What bookings may get, now or after a pause, in the order of their ids."""
    found = []
    for one in await store.live(tx):
        envelope = await envelopes.require(tx, one.envelope_id)
        content = msgspec.convert(one.content, Content)
        found.append(Version(one.version_id, one.campaign_id, one.n, content, one.content_hash, envelope))
    return found
