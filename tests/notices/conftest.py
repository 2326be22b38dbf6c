"""A receiver, subscriptions to it, and the invariants of notices after every test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from holdfast import notices
from holdfast.kit import settings
from holdfast.kit.actor import Actor, system
from holdfast.kit.db import Db
from tests import invariants

from .receiver import Receiver

ACTOR: Actor = system("test")


@pytest.fixture
async def db(db: Db) -> AsyncIterator[Db]:
    """This test's database; afterwards every invariant holds, and the courier's connections are closed."""
    yield db
    await notices.close_webhooks()
    await invariants.require(db)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    running = Receiver()
    yield running
    running.stop()


@pytest.fixture
async def hook(db: Db, receiver: Receiver) -> notices.subscriptions.Added:
    """A subscription of the receiver's usual address to two kinds of events."""
    return await notices.subscriptions.add(db, ACTOR, receiver.url(), ["payment.paid", "order.confirmed"])


@pytest.fixture
def production(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Settings as in production."""
    monkeypatch.setenv("HOLDFAST_ENV", "prod")
    settings.current.cache_clear()
    yield
    monkeypatch.undo()
    settings.current.cache_clear()
