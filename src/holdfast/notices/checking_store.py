"""SQL of checking texts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from holdfast.kit.db import ReadTx

from .wordings import Wording


class Coded(msgspec.Struct, frozen=True):
    """A message by its code, recipient and text sealed, with the wording it was made from."""

    check_code: str
    channel: str
    recipient_index: bytes
    recipient_masked: str
    locale: str
    subject: str
    body: bytes
    wording: str
    created_at: datetime


async def by_codes(tx: ReadTx, codes: Sequence[str]) -> list[Coded]:
    return await tx.rows(
        Coded,
        """select m.check_code, m.channel, m.recipient_index, m.recipient_masked, m.locale, m.subject, m.body, w.text as wording,
                  m.created_at
           from notices.messages m join notices.wordings w on w.digest = m.wording where m.check_code = any(%(codes)s)""",
        codes=list(codes),
    )  # fmt: skip


async def wordings(tx: ReadTx) -> list[Wording]:
    """Every wording in which something was sent."""
    return await tx.rows(
        Wording, "select template, locale, text from notices.wordings order by first_at desc limit 2000"
    )


async def first_code_at(tx: ReadTx) -> datetime | None:
    """Since when every message has a code."""
    found: datetime | None = await tx.value("select min(first_at) from notices.wordings")
    return found
