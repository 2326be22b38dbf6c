"""The job runner: imports every domain's jobs, then works the outbox and the timetable until it is told to stop."""

from __future__ import annotations

import asyncio
import signal

import holdfast.admission.jobs
import holdfast.campaigns.jobs
import holdfast.changes.jobs
import holdfast.inventory.jobs
import holdfast.notices.jobs
import holdfast.orders.jobs
import holdfast.partners.jobs
import holdfast.payments.jobs
import holdfast.support.jobs  # noqa: F401
from holdfast import notices, payments
from holdfast.kit import jobs, log, settings
from holdfast.kit.db import Db
from holdfast.kit.server import database_url, keep_database

__all__ = ["work"]


async def work() -> None:
    """Runs until SIGTERM or SIGINT, finishing what is in hand."""
    given = settings.current()
    log.configure(given.log_level)
    url = await asyncio.to_thread(database_url)
    db = await Db(url, size=given.pool_size).open()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    keeper = asyncio.create_task(keep_database(url))
    try:
        await jobs.work(db, stop)
    finally:
        keeper.cancel()
        await notices.close_webhooks()
        await payments.close_channels()
        await db.close()
