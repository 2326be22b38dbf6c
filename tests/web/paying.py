"""A site whose payments go to a simulator, and hands that put ways to pay to rest."""

from __future__ import annotations

from datetime import timedelta

from holdfast.kit import clock
from holdfast.kit.db import Db, Tx
from holdfast.payments import channels

EVERYTHING = tuple((provider, method) for provider, methods in channels.METHODS.items() for method in methods)


async def rest(db: Db, *ways: tuple[str, str], state: str = "down", share: int = 0) -> None:
    """These ways to pay do not answer, as far as their calls tell."""

    async def write(tx: Tx) -> None:
        for provider, method in ways:
            for version in channels.VERSIONS[provider]:
                await tx.execute(
                    """insert into payments.channels (provider, method, adapter_version, operation, state, since, reason, share,
                                                      counted_from)
                       values (%(provider)s, %(method)s, %(version)s, 'create', %(state)s, %(at)s, 'in-a-row', %(share)s, %(at)s)
                       on conflict on constraint one_channel do update set state = excluded.state, share = excluded.share""",
                    provider=provider, method=method, version=version, state=state, share=share, at=clock.now(),
                )  # fmt: skip

    await db.run(write)


async def switch_off(db: Db, provider: str) -> None:
    """Staff turned a provider off."""

    async def write(tx: Tx) -> None:
        await tx.execute(
            """insert into payments.switches (provider, reason, by, at, until)
               values (%(provider)s, 'test', 'staff:test', %(at)s, %(until)s)""",
            provider=provider, at=clock.now(), until=clock.now() + timedelta(hours=1),
        )  # fmt: skip

    await db.run(write)


async def heal(db: Db) -> None:
    """Everything answers again."""

    async def write(tx: Tx) -> None:
        await tx.execute("delete from payments.channels")

    await db.run(write)
