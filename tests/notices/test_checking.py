"""Is this really from you? Genuine texts are found, altered ones never pass, and the incident's text is met with a reason."""

from __future__ import annotations

import itertools
import socket

import psycopg
import pytest

from holdfast import notices
from holdfast.kit import clock, i18n
from holdfast.kit.problems import InvalidInput
from holdfast.notices import Verdict, folding, links, outbox, stamps, wordings
from holdfast.notices.rights import redact_these
from holdfast.web import message_words

from .texts import ALTERATIONS, SAME, SCAM, SCAM_EN, TRADITIONAL, VALUES, sent

pytestmark = pytest.mark.anyio
KINDS = [(template, locale) for template in outbox.TEMPLATES for locale in i18n.LOCALES]
CLAW_BACK = "绝不收回"


async def check(db, text, **more):
    return await db.read(notices.checking.check, text, **more)


def codes(found: notices.Checked) -> set[str]:
    return {reason.code for reason in found.reasons}


def positions(found: notices.Checked) -> str:
    return " ".join(one.says["zh"] for one in found.positions)


@pytest.mark.parametrize(
    "text", [SCAM, SCAM.replace("支付宝", "Holdfast"), SCAM.replace("支付宝", "Holdfast 账户"), SCAM_EN]
)
async def test_the_text_of_the_incident_is_not_ours_because_we_never_take_back_a_discount(db, text):
    found = await check(db, text)
    assert found.verdict is Verdict.NOT_OURS
    assert {"no-code", "position"} <= codes(found)
    assert CLAW_BACK in positions(found)
    assert ("our-name" in codes(found)) == ("Holdfast" in text)


async def test_every_genuine_message_is_found_word_for_word(db):
    """All templates in both languages, by text and by mail, as sent and as phones alter them: more than two hundred."""
    alterations = itertools.cycle(SAME.values())
    refused, count = [], 0
    for template, locale in KINDS:
        for channel in ("sms", "email"):
            message = await sent(db, template, locale, channel)
            for text in (message.body, next(alterations)(message.body)):
                count += 1
                found = await check(db, text)
                if found.verdict is not Verdict.SENT:
                    refused.append((template, locale, channel, found.verdict, text))
    assert count >= 200
    assert not refused


async def test_no_altered_text_passes(db):
    """Every alteration of the false text and of genuine ones: more than two hundred."""
    genuine = [(await sent(db, template, locale)).body for template, locale in KINDS[::11]]
    passed, without_reason, count = [], [], 0
    for (name, alter), text in itertools.product(ALTERATIONS.items(), [SCAM, SCAM_EN, *genuine]):
        altered = alter(text)
        if altered == text:  # it has none of the characters that are altered
            continue
        found = await check(db, altered)
        count += 1
        if found.verdict is Verdict.SENT:
            passed.append((name, altered))
        if not found.reasons:
            without_reason.append((name, altered))
    assert count >= 200
    assert not passed
    assert not without_reason


@pytest.mark.parametrize("name", [name for name in ALTERATIONS if name not in ("cut off", "the meaning turned")])
async def test_the_false_text_is_met_with_its_position_however_it_is_written(db, name):
    for text in (SCAM, SCAM_EN):
        found = await check(db, ALTERATIONS[name](text))
        assert CLAW_BACK in positions(found), text
        assert found.verdict in (Verdict.NOT_OURS, Verdict.IMITATION)


@pytest.mark.parametrize("text", [
    "尊敬的用户，您在活动中获得的折扣系系统错误，需于今日补缴差额，否则将影响征信。",
    "因系统异常，您享受的8折優惠將於24小時內從帳戶扣回，如有疑問請致電客服。",
    "您的立减金额已被撤销，请将款项退回至指定账户。",
    "Due to a system error the 20% discount on your booking must be returned. We will deduct it from your card.",
    "Your benefit was granted by mistake and will be clawed back tomorrow.",
])  # fmt: skip
async def test_reworded_false_texts_are_met_with_the_position_too(db, text):
    found = await check(db, text)
    assert found.verdict is Verdict.NOT_OURS
    assert CLAW_BACK in positions(found)


async def test_whoever_asks_for_a_code_or_a_transfer_is_not_us(db):
    for text in (
        "请回复您收到的验证码，以便核实身份。",
        "Please send us the verification code that you got.",
        "请将款项转账到安全账户核实。",
    ):
        assert "绝不会索要" in positions(await check(db, text)), text


async def test_a_greeting_contradicts_nothing_and_is_still_not_ours(db):
    found = await check(db, "妈，我手机坏了，这是我的新号码。")
    assert found.verdict is Verdict.NOT_OURS
    assert found.positions == []
    assert "safe" not in " ".join(reason.text["en"] for reason in found.reasons)


async def test_a_copied_code_is_told_with_what_differs(db):
    message = await sent(db, "payment-refunded", "zh")
    check_code = stamps.within(message.body)[0]
    found = await check(db, f"{SCAM}\n核验码 {stamps.show(check_code)}，可在 https://ho1dfast.com/messages 核对")
    assert found.verdict is Verdict.CODE_COPIED
    assert {"copied", "position", "link-looks-like-ours"} <= codes(found)
    assert "扣回" in "".join(one.text for one in found.difference if one.kind == "theirs")
    other = await check(db, message.body.replace("¥120.00", "¥920.00"))
    assert other.verdict is Verdict.CODE_COPIED
    assert "920" in "".join(one.text for one in other.difference if one.kind == "theirs")
    assert "120" not in str(other)


async def test_a_code_alone_shows_what_was_sent_without_personal_values(db):
    message = await sent(db, "order-confirmed", "zh")
    code = stamps.within(message.body)[0]
    for typed in (
        stamps.show(code),
        code.lower(),
        f"  {code[:5]} {code[5:10]} {code[10:]} ",
        stamps.show(code).replace("-", "—"),
    ):
        found = await check(db, typed)
        assert (found.verdict, found.message.ends_in, found.message.channel) == (Verdict.CODE_KNOWN, "1234", "sms")
        text = "".join(part.text for part in found.message.parts)
        assert "已确认" in text
        assert not [value for value in ("7K3QF", "7K3Q-", "token") if value in text]
    stranger = await check(db, stamps.show(stamps.new()))
    assert (stranger.verdict, codes(stranger)) == (Verdict.NOT_OURS, {"code-unknown"})


async def test_its_recipient_sees_it_whole_and_whoever_has_the_number_now_does_not(db):
    from holdfast.kit import crypto

    message = await sent(db, "order-confirmed", "en")
    code = stamps.show(stamps.within(message.body)[0])
    index = crypto.blind_index("phone", message.recipient)
    whole = await check(db, code, own={index: message.created_at})
    assert "".join(part.text for part in whole.message.parts) == message.body
    later = await check(db, code, own={index: clock.now()})
    assert not later.message.whole


async def test_a_redacted_message_proves_nothing(db):
    message = await sent(db, "order-confirmed", "en")
    await db.run(redact_these, [message.id])
    for text in (message.body, stamps.show(stamps.within(message.body)[0])):
        found = await check(db, text)
        assert (found.verdict, codes(found), found.message.parts) == (Verdict.CODE_KNOWN, {"not-kept"}, [])


async def test_what_is_made_after_our_texts_is_an_imitation(db):
    message = await sent(db, "cut-refunded", "zh")
    bare = message.body.split("\n")[0]
    for text in (
        bare.replace("127.0.0.1:8000", "holdfast-refund.cn"),
        bare.replace("将原路全额退回，不收任何费用", "需由您先缴手续费后退回"),
        f"{bare}\n核验码 {stamps.show(stamps.new())}，可在 http://127.0.0.1:8000/messages 核对",
    ):
        found = await check(db, text)
        assert found.verdict is Verdict.IMITATION, text
        assert {"altered", "like-ours", "like-ours-elsewhere"} & codes(found)
        assert found.difference


async def test_a_mistyped_code_is_told_from_none(db):
    code = stamps.new()
    wrong = stamps.show(code[:-1] + next(one for one in "0123456789" if one != code[-1]))
    assert "code-false" in codes(await check(db, f"您好，核验码 {wrong}"))


async def test_a_check_calls_nobody(db, monkeypatch):
    message = await sent(db, "order-confirmed", "zh")

    def refuse(*_given, **_named):
        raise AssertionError("a check wanted to reach the network")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    for name in ("getaddrinfo", "gethostbyname", "create_connection"):
        monkeypatch.setattr(socket, name, refuse)
    monkeypatch.setattr(links._SUFFIXES, "_extractor", None)  # the list of suffixes is read anew
    links._own.cache_clear()
    found = await check(db, message.body.replace("127.0.0.1:8000", "evil.example.com.cn"))
    assert next((link.site, link.is_ours) for link in found.links) == ("example.com.cn", False)


async def test_the_thresholds_have_room_on_both_sides():
    """Words of ours with one thing altered lie far above `NEAR`, false texts far below; what has our shape is `SAME`."""
    known = wordings.current(outbox.TEMPLATES)
    far = [
        wordings.nearest(known, text)[1]
        for text in (SCAM, SCAM_EN, SCAM.translate(TRADITIONAL), "妈，我手机坏了", "Your parcel is held at customs")
    ]
    close = []
    for one in known:
        text = (
            one.text.format(**{name: VALUES.get(name, "12345") for name in VALUES} | {"code": "482915"})
            if "{" in one.text
            else one.text
        )
        assert wordings.nearest(known, text)[1] == 100
        cut = text[: int(len(text) * 0.9)] + ("请致电客服" if one.locale == "zh" else " call us")
        close.append(wordings.nearest(known, cut)[1])
    assert max(far) < wordings.NEAR - 5, far
    assert sorted(close)[len(close) // 20] > wordings.NEAR + 10, sorted(close)[:10]


@pytest.mark.parametrize(("written", "findings"), [
    ("https://ho1dfast.com/a", {"looks-like-ours", "not-ours"}),
    ("https://hoIdfast.com", {"looks-like-ours", "not-ours"}),
    ("https://hоldfast.com", {"looks-like-ours", "foreign-letters", "not-ours"}),
    ("https://xn--hldfast-2fg.com/", {"looks-like-ours", "foreign-letters", "not-ours"}),
    ("https://holdfast.example.evil.cn", {"looks-like-ours", "not-ours"}),
    ("https://holdfast-pay.cn", {"looks-like-ours", "not-ours"}),
    ("https://holdfsat.com", {"looks-like-ours", "not-ours"}),
    ("https://travel.example@evil.cn/x", {"user-name", "not-ours"}),
    ("http://evil.cn", {"not-https", "not-ours"}),
    ("https://evil.cn:8443/x", {"port", "not-ours"}),
    ("https://203.0.113.9/x", {"number", "not-ours"}),
    ("https://0x7f000001/", {"number", "not-ours"}),
    ("https://[2001:db8::1]/", {"number", "not-ours"}),
    ("https://t.cn/A6x", {"shortener", "not-ours"}),
    ("https://metropolis.com", {"not-ours"}),
    ("https://pay.travel.example/x", set()),
    ("https://travel.example/x", set()),
    ("http://travel.example/x", {"not-https"}),
    ("https://travel.example:444/x", {"port"}),
    ("https://u@travel.example/x", {"user-name"}),
    ("https://nottravel.example/x", {"not-ours"}),
])  # fmt: skip
def test_links_are_judged_by_where_they_lead(monkeypatch, written, findings):
    import msgspec

    from holdfast.kit import settings

    given = msgspec.structs.replace(
        settings.current(), base_url="https://book.travel.example", official_domains="travel.example"
    )
    monkeypatch.setattr(settings, "current", lambda: given)
    [link] = links.find(f"请看{written}。")
    assert (set(link.findings), link.is_ours) == (findings, not findings)


@pytest.mark.parametrize(
    "written",
    [
        "evil.com",
        "evil。com",
        "请登录evil.com",
        "ｅｖｉｌ.ｃｏｍ",
        "ev\u200bil.com",
        "HTTPS://EVIL.COM/x",
        "https:/evil.com",
    ],
)
def test_links_are_found_however_they_are_written(written):
    [link] = links.find(f"退款 {written} 办理")
    assert (link.host, link.is_ours) == ("evil.com", False)


def test_words_are_folded_alike():
    assert folding.skeleton("攴付寳 優惠 扣\u200b回") == folding.skeleton("支付宝优惠扣回")
    assert {
        folding.host_skeleton(one)
        for one in ("h0ldfast", "hoIdfast", "hоldfast", "ＨＯＬＤＦＡＳＴ", "hôldfast", "hold\u200bfast")
    } == {"holdfast"}
    assert folding.host_skeleton("rnetro") == folding.host_skeleton("metro")


def test_a_text_has_bounds():
    for typed in ("", "   \n", "a" * 4001):
        with pytest.raises(InvalidInput):
            notices.checking.read_text(typed)


async def test_what_was_sent_never_changes(db):
    message = await sent(db, "order-confirmed", "en")
    for change in (
        "body = '\\x00'",
        "template = 'x'",
        "check_code = 'X'",
        "recipient_masked = 'x'",
        "link_hosts = '{}'",
        "created_at = now()",
        "sent_at = now(), locale = 'zh'",
    ):
        with pytest.raises(psycopg.errors.RestrictViolation):
            await db.run(_execute, f"update notices.messages set {change} where id = %(id)s", message.id)
    for statement in (
        "delete from notices.messages where id = %(id)s",
        "update notices.wordings set text = 'x' where %(id)s is not null",
    ):
        with pytest.raises(psycopg.errors.RestrictViolation):
            await db.run(_execute, statement, message.id)
    await db.run(_execute, "update notices.messages set sent_at = now() where id = %(id)s", message.id)
    with pytest.raises(psycopg.errors.RestrictViolation):
        await db.run(
            _execute, "update notices.messages set sent_at = now() + interval '1 hour' where id = %(id)s", message.id
        )
    await db.run(redact_these, [message.id])
    [left] = await db.read(notices.recent)
    assert left.body == left.recipient == ""


async def test_files_stay_as_long_as_their_message(db):
    await db.run(
        notices.send_mail,
        "mei@example.org",
        "m***",
        "sign-in-code",
        "en",
        attachments=[notices.Attachment("a", "text/plain", b"a")],
        code="482915",
    )
    [message] = await db.read(notices.recent)
    with pytest.raises(psycopg.errors.RestrictViolation):
        await db.run(_execute, "delete from notices.attachments where message_id = %(id)s", message.id)
    await db.run(redact_these, [message.id])
    assert await db.read(notices.attachments, message.id) == []


async def test_every_message_has_a_code_of_its_own_that_signs_nobody_in(db):
    seen = set()
    for template, locale in KINDS:
        body = (await sent(db, template, locale)).body
        [code] = stamps.within(body)
        seen.add(code)
        last = body.rpartition("\n")[2]
        assert ("核验码" in last) == (locale == "zh")
        assert "验证码" not in last
        assert ("不能用来登录" in last or "signs nobody in" in last) == ("{code}" in outbox.TEMPLATES[template])
    assert len(seen) == len(KINDS)


def test_what_the_pages_say_about_a_verdict_exists_in_chinese():
    spoken = [text for _tone, *texts in message_words.VERDICTS.values() for text in texts]
    spoken += [
        *message_words.CHANNELS.values(),
        *message_words.DIFFERENCES.values(),
        *(word for _tone, word in message_words.STATES.values()),
    ]
    spoken += [word for _tone, word in message_words.PROPOSALS.values()] + [stamps.PLAIN, stamps.BESIDE_A_CODE]
    assert set(message_words.VERDICTS) == set(Verdict)
    assert not [text for text in spoken if text not in i18n.catalogue()]


async def _execute(tx, statement, message_id):
    await tx.execute(statement, id=message_id)
