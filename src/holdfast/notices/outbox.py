"""The outbox of official messages: text messages to phones, e-mails with or without files.

What is written here never changes (the database holds that); its last line bears the code under which it can be compared.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from uuid import UUID

import msgspec

from holdfast.kit import clock, crypto, http, ids, jobs, settings
from holdfast.kit.db import Db, ReadTx, Tx
from holdfast.kit.i18n import translate

from . import links, mail, stamps, store, wordings
from .mail import Attachment
from .model import GatewayDown, Message, Row

TEMPLATES = {
    "sign-in-code": "Your Holdfast code is {code}. It is valid for 10 minutes. We never ask for it by phone or message.",
    "order-confirmed": "Your order {number} is confirmed. PIN {pin}. Your tickets: {link}",
    "card-ready": "Your card is ready, order {number}. PIN {pin}. Activate it and book your visits under Account, My cards. The order: {link}",
    "order-expired": "Order {number} was not paid in time; its places were released. You were not charged.",
    "payment-refunded": "We received {amount} for order {number} after it had ended, and are sending it back in full.",
    "refund-begun": "We are returning {amount} of order {number} the way it was paid. Providers take minutes to days.",
    "promise-not-kept": "Order {number} was not paid in time; its places were released. You were not charged.",
    "merge-code": "{code} is your code to join your Holdfast account with that of {other}. Did you not ask for this? Do nothing, and tell nobody the code.",
    "accounts-joined": "Your Holdfast account and that of {other} are joined. All orders stay, and both phones find them. Was this not you? Undo it within a day: {link}",
    "accounts-parted": "Your Holdfast account and that of {other} are separate again. Each keeps its own orders.",
    "credential-added": "New way to sign in to your Holdfast account: {what}. If that was not you, sign out everywhere and change it under Account.",
    "credential-removed": "No longer a way to sign in to your Holdfast account: {what}. If that was not you, sign in and look under Account.",
    "order-cancelled": "Order {number} is cancelled. {amount} goes back the way it was paid. Providers take minutes to days.",
    "order-cancelled-kept": "Order {number} is cancelled. By the rule that was shown, nothing goes back.",
    "order-part-cancelled": "{count} of the visitors of order {number} were taken off it; {amount} goes back. New tickets for the others, the old codes are void: {link}",
    "order-changed": "Order {number} is changed to {when}. New tickets, the old codes are void: {link}",
    "change-lapsed": "The change of order {number} was not paid in time. Your visit stands as it was before.",
    "cut-choice": "Order {number}, {place} on {when}: fewer people may come than have booked. Choose another time or your money back, or keep waiting, until {until}: {link}",
    "cut-kept": "Order {number}: fewer people may come to {place} on {when}, and your places stay. You need not do anything.",
    "cut-refunded": "Order {number}: fewer people may come to {place} on {when}, and by the published order your places are not among those that stay. We are sorry. {amount} goes back the way it was paid, without any fee. Order: {link}",
    "cut-ended": "Order {number}: fewer people may come to {place} on {when}, and by the published order your places are not among those that stay. We are sorry. There was nothing to give back. Order: {link}",
    "cut-refunded-chosen": "Order {number}: as you chose, your visit to {place} on {when} is cancelled. {amount} goes back the way it was paid, without any fee. Order: {link}",
    "cut-ended-chosen": "Order {number}: as you chose, your visit to {place} on {when} is cancelled. There was nothing to give back. Order: {link}",
    "cut-card": "Order {number}: fewer people may come to {place} on {when}, so this visit is cancelled. Your card has its use back; book another time with it. Order: {link}",
    "cut-freed": "Order {number} was not paid yet, and fewer people may come to {place} on {when}: its places were released. You were not charged. Order: {link}",
    "cut-return": "More people may come to {place} on {when} again. The places you lost (order {number}) are held for you until {until}: {link}",
    "invoice-issued": "The invoice {invoice} for order {number} over {amount} is attached.",
    "invoice-reversed": "Because money of order {number} goes back, {amount} of its invoice is reversed. The red invoice {invoice} is attached.",
    "export-ready": "The copy of your Holdfast data is ready for {days} days: {link} Did you not ask for it? Sign out on every device there.",
    "erasure-asked": "You asked us to erase your Holdfast data on {day}. Changed your mind, or was it not you? Take it back here: {link}",
    "erasure-postponed": "Your Holdfast data could not be erased today: something is not over yet. We try again every day; what it is: {link}",
    "erasure-done": "Your Holdfast account is closed and what identifies you is being removed. Orders stay, without your name, as long as the law asks.",
    "benefit-kept": "Order {number}: the discount of {amount} was a mistake of ours, and it is yours to keep. You need not do anything. We never ask for it back, and never send a link to keep or return it.",
    "order-to-pay": "Order {number} is booked for you. Pay by {until}: {link} Places that are not paid by then are given back.",
    "order-link": "You asked for your order {number}: {link} The link is good for 15 minutes, once. Was it not you? Do nothing.",
    "case-opened": "We have your question, case {number}. Read along and add to it: {link}",
    "case-answered": "There is an answer to your case {number}: {link}",
    "supply-stale": "{place}: please confirm by {until} that you still take bookings; else their sale rests. One tap: {link}",
    "supply-silent": "{place}: we have not heard from you since {since}, so the sale of your places rests. One tap lets it go on: {link}",
    "supply-barred": "{place}: the sale of your places rests, because bookings were not answered or a guest was turned away. Please answer here: {link}",
    "supply-recovered": "{place}: thank you, we have heard from you. Your places are sold again.",
    "supply-asked": "{place}: {count} bookings wait for your answer until {until}: {link}",
    "waitlist-offer": "Places came free for {venue}, {when}: they are yours until {until} (local time). Pay or decline: {link}",
    "waitlist-booked": "Places came free for {venue}, {when}, and are booked for you as you asked. Can you not come? Cancel here: {link}",
    "waitlist-lapsed": "The places that we held for you at {venue}, {when}, were not paid in time; they went to the next who waits.",
    "waitlist-over": "No places came free for {venue}, {when}; the waiting list is over. You were not charged.",
    "feedback-answered": "There is an answer to what you told us, {number}: {link}",
    "webhooks-paused": "We stopped sending events to {host} because it does not accept them. Nothing is lost: they follow when it is resumed.",
}
"""English texts; Chinese in zh.po. A message is exactly one of these, filled in."""
SUBJECTS = {
    "sign-in-code": "Your Holdfast code",
    "invoice-issued": "Your invoice for order {number}",
    "invoice-reversed": "A red invoice for order {number}",
}
"""What an e-mail of a template is called, filled in as its text is; another template has this:"""
SUBJECT = "A message from Holdfast"


async def send(tx: Tx, phone: str, phone_masked: str, template: str, locale: str, **values: str) -> None:
    """Puts a text message to an E.164 number into the outbox, in the transaction of its cause."""
    await _queue(tx, "sms", phone, phone_masked, template, locale, values, ())


async def send_mail(
    tx: Tx, address: str, address_masked: str, template: str, locale: str, *, attachments: Sequence[Attachment] = (),
    **values: str,
) -> None:  # fmt: skip
    """The same for an e-mail, with files if there are any; its subject is the template's line in `SUBJECTS`."""
    await _queue(tx, "email", address, address_masked, template, locale, values, attachments)


async def _queue(
    tx: Tx, channel: str, to: str, masked: str, template: str, locale: str, values: dict[str, str],
    attachments: Sequence[Attachment],
) -> None:  # fmt: skip
    message_id = ids.uuid7()
    subject = translate(SUBJECTS.get(template, SUBJECT), locale, **values) if channel == "email" else ""
    wording, check = wordings.Wording(template, locale, translate(TEMPLATES[template], locale)), stamps.new()
    text = translate(TEMPLATES[template], locale, **values)
    body = f"{text}\n{stamps.line(check, locale, beside_a_code='{code}' in TEMPLATES[template])}"
    await store.insert(
        tx, message_id=message_id, channel=channel, recipient=crypto.seal("notices.messages.recipient", to),
        recipient_index=crypto.blind_index("phone" if channel == "sms" else "email", to), masked=masked, wording=wording,
        subject=subject, body=crypto.seal("notices.messages.body", body), check_code=check, link_hosts=links.hosts(text), at=clock.now(),
    )  # fmt: skip
    for file in attachments:
        content = crypto.seal("notices.attachments.content", base64.b64encode(file.content).decode())
        await store.insert_attachment(tx, message_id, name=file.name, media_type=file.media_type, content=content)
    await jobs.emit(tx, "message.queued", {"message_id": str(message_id)})


def opened(row: Row) -> Message:
    """A message as its recipient gets it."""
    fields = {name: getattr(row, name) for name in Row.__struct_fields__}
    fields["recipient"] = crypto.unseal("notices.messages.recipient", row.recipient)
    fields["body"] = crypto.unseal("notices.messages.body", row.body)
    return Message(**fields)


async def recent(tx: ReadTx, limit: int = 50) -> list[Message]:
    """The latest messages, readable: only for the development mailbox and drills."""
    return [opened(row) for row in await store.newest(tx, limit)]


async def attachments(tx: ReadTx, message_id: UUID) -> list[Attachment]:
    """The files of a message, in the order in which they were given."""
    return [
        Attachment(name, kind, base64.b64decode(crypto.unseal("notices.attachments.content", bytes(content))))
        for name, kind, content in await store.attachments(tx, message_id)
    ]


async def deliver(db: Db, message_id: UUID) -> None:
    """Hands one message to the configured gateway of its channel. Without one it stays where the mailbox page shows it.

    Raises GatewayDown, upon which the outbox tries again later; a message that is out of date is not sent any more.
    """
    row = await db.read(store.unsent, message_id, clock.now())
    if row is None:
        return
    message = opened(row)
    gateway = settings.current().smtp_url if message.channel == "email" else settings.current().sms_url
    if not gateway:
        return
    if message.channel == "email":
        files = await db.read(attachments, message_id)
        await mail.hand_over(mail.composed(message, message.subject, files))
    else:
        await _to_text_gateway(gateway, message)
    await db.run(store.mark_sent, message_id, clock.now())


async def _to_text_gateway(gateway: str, message: Message) -> None:
    body = msgspec.json.encode({"to": message.recipient, "text": message.body, "id": str(message.id)})
    async with http.client() as client:
        try:
            answer = await http.send(client, "POST", gateway, body=body, headers={"content-type": "application/json"})
        except http.NoAnswer as missing:
            raise GatewayDown(reason=missing.reason) from missing
    if answer.status >= 300:
        raise GatewayDown(reason=f"http {answer.status}")
