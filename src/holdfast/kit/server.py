"""Which PostgreSQL: the configured one, or the embedded one of this home, which is kept alive."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from . import embedded, log, settings


def database_url() -> str:
    """The configured database, or the embedded one, started if need be."""
    given = settings.current()
    return given.database_url or embedded.start(given.home)


async def keep_database(url: str) -> None:
    """Restarts the embedded server if somebody killed it; the requests of that moment get an honest answer meanwhile."""
    given = settings.current()
    while not given.database_url:
        await asyncio.sleep(1)
        if await asyncio.to_thread(embedded.status, given.home) is None:
            log.get().warning("database.restarting", url=url)
            with suppress(embedded.EmbeddedUnavailable):
                await asyncio.to_thread(embedded.start, given.home)
