"""E-mails: queued in their cause's transaction, handed to a real mail server with their files, tried again when it refuses."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from holdfast import notices
from holdfast.kit import jobs, settings
from tests import world

from .mail_server import MailServer

pytestmark = pytest.mark.anyio
ADDRESS, MASKED = "mei@example.org", "m***@example.org"


@pytest.fixture
def mail_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[MailServer]:
    with MailServer() as running:
        given = msgspec.structs.replace(
            settings.current(), smtp_url=running.url, mail_from="Holdfast <hello@holdfast.test>"
        )
        monkeypatch.setattr(settings, "current", lambda: given)
        yield running


async def test_an_e_mail_arrives_with_its_files(db, mail_server):
    invoice = notices.Attachment("发票.pdf", "application/pdf", b"%PDF-1.7 \x00\xff")
    await db.run(notices.send_mail, ADDRESS, MASKED, "sign-in-code", "zh", attachments=[invoice], code="123456")
    await jobs.drain(db)
    [mail] = mail_server.inbox
    assert (mail["to"], mail["from"], mail["subject"]) == (
        ADDRESS,
        "Holdfast <hello@holdfast.test>",
        "您的 Holdfast 验证码",
    )
    assert "123456" in mail.get_body().get_content()
    [file] = mail.iter_attachments()
    assert (file.get_filename(), file.get_content_type(), file.get_content()) == msgspec.structs.astuple(invoice)
    [kept] = await db.read(notices.recent, 10)
    assert kept.sent_at is not None
    assert mail["message-id"] == f"<{kept.id}@holdfast.test>"


async def test_a_refused_e_mail_is_tried_again_under_the_same_id(db, mail_server):
    mail_server.refuses = True
    await db.run(notices.send_mail, ADDRESS, MASKED, "sign-in-code", "en", code="123456")
    await jobs.drain(db)
    assert mail_server.inbox == []
    mail_server.refuses = False
    await world.hurry(db)
    await jobs.drain(db)
    assert [mail["subject"] for mail in mail_server.inbox] == ["Your Holdfast code"]


async def test_without_a_mail_server_it_stays_where_the_mailbox_shows_it(db):
    await db.run(notices.send_mail, ADDRESS, MASKED, "sign-in-code", "en", code="123456")
    await jobs.drain(db)
    [kept] = await db.read(notices.recent, 10)
    assert (kept.channel, kept.recipient, kept.subject, kept.sent_at) == ("email", ADDRESS, "Your Holdfast code", None)


async def test_the_database_holds_neither_address_nor_file(db):
    await db.run(
        notices.send_mail,
        ADDRESS,
        MASKED,
        "sign-in-code",
        "en",
        attachments=[notices.Attachment("a", "text/plain", b"secret")],
        code="1",
    )
    for table in ("messages", "attachments"):
        rows = await world.value(db, f"select string_agg(t::text, ' ') from notices.{table} t")
        for secret in (ADDRESS, ADDRESS.encode().hex(), b"secret".hex()):
            assert secret not in rows
