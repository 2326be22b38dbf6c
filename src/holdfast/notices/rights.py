"""What messages hold about people: for copies of their data, for erasure, and how long codes stay in them.

Notices knows no accounts; whoever asks brings the blind indexes of phones and addresses.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from holdfast.kit import clock, crypto, retention
from holdfast.kit.db import ReadTx, Tx

from . import outbox, rights_store
from .model import Message

ON_ITS_WAY = timedelta(hours=1)
"""A message that no gateway has taken for so long is out of date and no longer sent."""
_CODE = re.compile(r"\b[0-9]{6,8}\b")


def code_templates() -> list[str]:
    """The messages that bring a code."""
    return [name for name, text in outbox.TEMPLATES.items() if "{code}" in text]


def without_codes(message: Message) -> str:
    """The text with its code blotted out: a code proves who somebody is, also to those who read it in a copy."""
    return _CODE.sub("••••••", message.body) if message.template in code_templates() else message.body


async def held(tx: ReadTx, contacts: Sequence[bytes], since: datetime | None = None) -> list[Message]:
    """The messages to these phones and addresses, oldest first."""
    return [outbox.opened(row) for row in await rights_store.to_contacts(tx, contacts, since)]


async def count_held(tx: ReadTx, contacts: Sequence[bytes], until: datetime | None = None) -> int:
    """How many messages to these phones and addresses still say what they said."""
    return await rights_store.count(tx, contacts, until)


async def redact(tx: Tx, contacts: Sequence[bytes], until: datetime, limit: int) -> int:
    """Takes text, files and recipient out of messages that are not on their way; how many, at most `limit`."""
    found = await rights_store.settled(tx, contacts, until, clock.now() - ON_ITS_WAY, limit)
    await redact_these(tx, found)
    return len(found)


async def redact_these(tx: Tx, message_ids: Sequence[UUID]) -> None:
    """The same for certain messages, whatever became of them."""
    if message_ids:
        empty = [crypto.seal(f"notices.messages.{column}", "") for column in ("recipient", "body")]
        await rights_store.empty(tx, message_ids, *empty)


@retention.rule("codes in messages", "codes_kept_days")
async def forget_codes(tx: Tx, before: datetime, limit: int) -> int:
    """That a code was sent stays, to whom and which one goes."""
    found = await rights_store.of_templates(tx, code_templates(), before, limit)
    await redact_these(tx, found)
    return len(found)
