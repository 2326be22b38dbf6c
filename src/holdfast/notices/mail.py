"""E-mail: how a message of the outbox becomes one (RFC 5322) and is handed to the operator's mail server (RFC 6409).

``HOLDFAST_SMTP_URL`` is ``smtps://user:password@host:465`` (TLS from the start) or ``smtp://…:587``, where TLS is demanded
by STARTTLS unless the server is on this host. Plain text; files such as an invoice are attached.
"""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from urllib.parse import unquote, urlsplit

import msgspec

from holdfast.kit import settings, txstate

from .model import GatewayDown, Message

TIMEOUT_S = 20.0
PORTS = {"smtp": 587, "smtps": 465}
THIS_HOST = frozenset({"localhost", "127.0.0.1", "::1"})


class Attachment(msgspec.Struct, frozen=True):
    """A file that goes with a message; `media_type` such as ``application/pdf``."""

    name: str
    media_type: str
    content: bytes


def composed(message: Message, subject: str, attachments: list[Attachment]) -> EmailMessage:
    """The message as it goes over the wire. Its Message-ID is its id here, so that a repetition is recognised."""
    sender = settings.current().mail_from
    made = EmailMessage(SMTP)
    made["From"], made["To"], made["Subject"] = sender, message.recipient, subject
    made["Date"] = format_datetime(message.created_at)
    made["Message-ID"] = f"<{message.id}@{sender.rpartition('@')[2].strip('> ')}>"
    made["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday answers it
    made.set_content(message.body)
    for file in attachments:
        kind, _, subkind = file.media_type.partition("/")
        made.add_attachment(file.content, maintype=kind, subtype=subkind, filename=file.name)
    return made


async def hand_over(message: EmailMessage) -> None:
    """Gives it to the mail server, in a thread. GatewayDown when the server did not take it."""
    txstate.assert_none_open()
    try:
        await asyncio.to_thread(_hand_over, settings.current().smtp_url, message)
    except (OSError, smtplib.SMTPException) as error:
        raise GatewayDown(reason=type(error).__name__) from error


def _hand_over(url: str, message: EmailMessage) -> None:
    parts = urlsplit(url)
    host, port = parts.hostname or "localhost", parts.port or PORTS[parts.scheme]
    secure = ssl.create_default_context()
    with (
        smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_S, context=secure)
        if parts.scheme == "smtps"
        else smtplib.SMTP(host, port, timeout=TIMEOUT_S)
    ) as server:
        if parts.scheme == "smtp" and host not in THIS_HOST:
            server.starttls(context=secure)
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
        server.send_message(message)
