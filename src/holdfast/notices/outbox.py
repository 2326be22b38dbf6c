"""The outbox of official messages."""

from __future__ import annotations

from uuid import UUID

import msgspec

from holdfast.kit import clock, crypto, http, ids, jobs, settings
from holdfast.kit.db import Db, ReadTx, Tx
from holdfast.kit.i18n import translate

from . import store
from .model import GatewayDown, Message, Row

TEMPLATES = {
    "sign-in-code": "Your Holdfast code is {code}. It is valid for 10 minutes. We never ask for it by phone or message.",
    "order-confirmed": "Your order {number} is confirmed. Your tickets: {link}",
    "order-expired": "Order {number} was not paid in time; its places were released. You were not charged.",
    "payment-refunded": "We received {amount} for order {number} after it had ended, and are sending it back in full.",
    "refund-begun": "We are returning {amount} of order {number} the way it was paid. Providers take minutes to days.",
    "promise-not-kept": "Order {number} was not paid in time; its places were released. You were not charged.",
    "webhooks-paused": "We stopped sending events to {host} because it does not accept them. Nothing is lost: they follow when it is resumed.",
}
"""English texts; Chinese in zh.po. A message is exactly one of these, filled in."""


async def send(tx: Tx, phone: str, phone_masked: str, template: str, locale: str, **values: str) -> None:
    """Puts a text message to an E.164 number into the outbox, in the transaction of its cause."""
    message_id = ids.uuid7()
    await store.insert(
        tx,
        message_id=message_id,
        recipient=crypto.seal("notices.messages.recipient", phone),
        recipient_index=crypto.blind_index("phone", phone),
        masked=phone_masked,
        template=template,
        locale=locale,
        body=crypto.seal("notices.messages.body", translate(TEMPLATES[template], locale, **values)),
        at=clock.now(),
    )
    await jobs.emit(tx, "message.queued", {"message_id": str(message_id)})


def _open(row: Row) -> Message:
    opened = {name: getattr(row, name) for name in Row.__struct_fields__}
    opened["recipient"] = crypto.unseal("notices.messages.recipient", row.recipient)
    opened["body"] = crypto.unseal("notices.messages.body", row.body)
    return Message(**opened)


async def recent(tx: ReadTx, limit: int = 50) -> list[Message]:
    """The latest messages, readable: only for the development mailbox and drills."""
    return [_open(row) for row in await store.newest(tx, limit)]


async def deliver(db: Db, message_id: UUID) -> None:
    """Hands one message to the configured text gateway. Without a gateway it stays where the mailbox page shows it.

    Raises GatewayDown, upon which the outbox tries again later; a message that is out of date is not sent any more.
    """
    gateway = settings.current().sms_url
    if not gateway:
        return
    row = await db.read(store.unsent, message_id, clock.now())
    if row is None:
        return
    message = _open(row)
    body = msgspec.json.encode({"to": message.recipient, "text": message.body, "id": str(message.id)})
    async with http.client() as client:
        try:
            answer = await http.send(client, "POST", gateway, body=body, headers={"content-type": "application/json"})
        except http.NoAnswer as missing:
            raise GatewayDown(reason=missing.reason) from missing
    if answer.status >= 300:
        raise GatewayDown(reason=f"http {answer.status}")
    await db.run(store.mark_sent, message_id, clock.now())
