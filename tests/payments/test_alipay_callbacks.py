"""Notices of Alipay: believed when proven, refused when not, unknown when they make no sense; refunds are not payments."""

from __future__ import annotations

import base64
import time
from datetime import timedelta
from urllib.parse import parse_qsl, urlencode

import msgspec
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from holdfast.kit import clock, http
from holdfast.payments.providers.alipay import Alipay, load_config
from holdfast.payments.providers.base import Acknowledgement, Forged, PaymentState, RefundState, Source

from .alipay_app import paid, scanned
from .conftest import QUICK, Receiver
from .merchant import charge, number, refund_of

pytestmark = pytest.mark.anyio


@pytest.fixture
async def alipay(sim):
    async with http.client() as client:
        yield Alipay(load_config(sim.config("alipay")), client, QUICK)


@pytest.fixture
def merchant_url(receiver: Receiver) -> Receiver:
    """A callback address that says what Alipay wants to hear."""
    receiver.body = Alipay.acknowledgement.body
    return receiver


async def test_a_notice_tells_of_the_payment(alipay, sim, merchant_url):
    ref = await paid(alipay, sim, url=merchant_url.url)
    notice = alipay.notification(*merchant_url.next())
    seen = notice.observation
    assert (notice.kind, notice.refund_observation, len(notice.dedupe_key)) == ("TRADE_SUCCESS", None, 34)
    assert (seen.source, seen.state, seen.merchant_ref) == (Source.CALLBACK, PaymentState.SUCCEEDED, ref)
    assert (seen.amount_minor, seen.payer_minor, seen.currency) == (12_800, 12_800, "CNY")
    assert seen.provider_txn == sim.order(ref)["transaction_id"]
    assert abs(seen.occurred_at - clock.now()) < timedelta(seconds=10)


async def test_a_notice_is_repeated_until_it_hears_the_word(alipay, sim, receiver):
    assert Alipay.acknowledgement == Acknowledgement(200, b"success")
    ref = await paid(alipay, sim, url=receiver.url)
    refused = receiver.next()  # 204 without a word is no success
    receiver.body = b"fail"
    again = receiver.next()
    receiver.body = b"success"
    last = receiver.next(8)
    assert len({alipay.notification(*one).dedupe_key for one in (refused, again, last)}) == 1
    assert receiver.silent_for(0.5)
    entries = sim.http.get("/_sim/journal").json()["entries"]
    outcomes = [entry["outcome"] for entry in entries if entry["kind"] == "callback" and entry["subject"] == ref]
    assert outcomes == ["waiting", "waiting", "delivered"]


async def test_a_partial_refund_is_told_as_a_refund_and_not_as_a_second_payment(alipay, sim, merchant_url):
    ref = await paid(alipay, sim, url=merchant_url.url)
    payment = alipay.notification(*merchant_url.next())
    for part, (amount, kind) in enumerate([(2_800, "TRADE_SUCCESS.refund"), (10_000, "TRADE_CLOSED.refund")]):
        refund = msgspec.structs.replace(refund_of(ref, amount), refund_ref=f"R{part}{ref}")
        await alipay.refund(refund)
        received = merchant_url.next()
        notice = alipay.notification(*received)
        assert (notice.kind, notice.observation) == (kind, None)
        assert notice.dedupe_key != payment.dedupe_key
        seen = notice.refund_observation
        assert (seen.state, seen.refund_ref, seen.merchant_ref) == (RefundState.SUCCEEDED, refund.refund_ref, ref)
        assert seen.amount_minor is None  # the notice tells the sum of all refunds
        assert abs(seen.occurred_at - clock.now()) < timedelta(seconds=10)
    assert dict(parse_qsl(received.raw.decode()))["refund_fee"] == "128.00"


async def test_a_trade_that_nobody_paid_is_told_as_closed(alipay, sim, merchant_url):
    until, seen_refs = clock.now() + timedelta(minutes=10), []
    for _ in range(2):
        ref = number()
        asked, _ = await alipay.create(charge(ref, url=merchant_url.url, expires_at=until))
        scanned(sim, asked.code_url)
        seen_refs.append(ref)
    await alipay.close(seen_refs[0])
    sim.advance(601)
    for ref in seen_refs:
        notice = alipay.notification(*merchant_url.next())
        assert (notice.kind, notice.observation.state) == ("TRADE_CLOSED", PaymentState.CLOSED)
        assert (notice.observation.merchant_ref, notice.observation.payer_minor) == (ref, None)


async def test_what_a_notice_tells_is_reported_as_it_was_told(alipay, sim, merchant_url):
    for fault, expected in {
        "wrong_amount": ("succeeded", 12_801, "CNY", None),
        "wrong_currency": ("succeeded", 12_800, "USD", None),
        "new_enum": ("unknown", 12_800, "CNY", "trade-state:TRADE_HALF_PAID"),
        "renamed_field": ("unknown", None, None, "unreadable"),
    }.items():
        sim.script({"fault": fault, "match": "callback"})
        ref = await paid(alipay, sim, url=merchant_url.url)
        seen = alipay.notification(*merchant_url.next()).observation
        assert (seen.state, seen.amount_minor, seen.currency, seen.error_code) == expected
        assert seen.merchant_ref == ref
        assert sim.order(ref)["paid_amount"] == 12_800


async def test_the_notice_may_come_before_the_response(alipay, sim, merchant_url):
    sim.script({"fault": "callback_before_response"})
    ref = number()
    await alipay.create(charge(ref, url=merchant_url.url))
    assert alipay.notification(*merchant_url.inbox.get_nowait()).observation.merchant_ref == ref
    await alipay.refund(refund_of(ref))
    notice = alipay.notification(*merchant_url.inbox.get_nowait())
    assert notice.refund_observation.refund_ref == f"R{ref}"


async def test_notices_are_dropped_late_and_doubled_when_the_scenario_says_so(alipay, sim, merchant_url):
    sim.script(
        {"fault": "drop_callback", "count": 1},
        {"fault": "late_callback", "seconds": 0.6},
        {"fault": "double_callback"},
    )
    await paid(alipay, sim, url=merchant_url.url)
    assert merchant_url.silent_for(0.3)
    await paid(alipay, sim, url=merchant_url.url)
    started = time.monotonic()
    first, second = (alipay.notification(*merchant_url.next()) for _ in range(2))
    assert 0.3 < time.monotonic() - started < 3
    assert first.dedupe_key == second.dedupe_key


async def test_of_forged_changed_old_and_huge_notices_only_the_proven_are_believed(alipay, sim, merchant_url):
    extras = ("forged_callback", "tampered_callback", "stale_callback", "huge_callback")
    sim.script(*({"fault": extra} for extra in extras))
    ref = await paid(alipay, sim, url=merchant_url.url)
    received = [merchant_url.next() for _ in range(5)]
    outcomes, keys = [], set()
    for headers, raw in received:
        try:
            notice = alipay.notification(headers, raw)
        except Forged as forged:
            outcomes.append(forged.reason)
        else:
            outcomes.append(notice.observation.merchant_ref)
            keys.add(notice.dedupe_key)
    assert sorted(outcomes) == sorted(["bad-signature", "bad-signature", ref, ref, ref])
    assert len(keys) == 1  # an old one or a large one is the same notice: told once


class Teller:
    """Signs whatever a test wants told."""

    def __init__(self, config, client) -> None:
        self._key = load_pem_private_key(config.private_key_pem.encode(), None)
        public = self._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        self.alipay = Alipay(msgspec.structs.replace(config, alipay_public_key_pem=public), client)
        self.fields = {
            "app_id": config.app_id,
            "seller_id": config.seller_id,
            "notify_id": "n1",
            "notify_type": "trade_status_sync",
            "trade_no": "42",
            "out_trade_no": "T1",
            "trade_status": "TRADE_SUCCESS",
            "total_amount": "1.00",
        }

    def form(self, fields: dict[str, str], **unsigned: str) -> bytes:
        content = "&".join(f"{name}={fields[name]}" for name in sorted(fields)).encode()
        sign = base64.b64encode(self._key.sign(content, PKCS1v15(), hashes.SHA256())).decode()
        return urlencode({**fields, "sign_type": "RSA2", "sign": sign} | unsigned).encode()

    def told(self, **changes: str | None):
        fields = {name: value for name, value in (self.fields | changes).items() if value is not None}
        return self.alipay.notification({}, self.form(fields))


@pytest.fixture
async def teller(sim):
    async with http.client() as client:
        yield Teller(load_config(sim.config("alipay")), client)


async def test_what_is_not_proven_or_not_for_us_is_refused(teller):
    def refused(raw: bytes) -> str:
        with pytest.raises(Forged) as caught:
            teller.alipay.notification({}, raw)
        return caught.value.reason

    genuine = teller.form(teller.fields)
    teller.alipay.notification({}, genuine)
    assert refused(genuine.replace(b"total_amount=1.00", b"total_amount=9.00")) == "bad-signature"
    assert refused(genuine + b"&more=1") == "bad-signature"
    assert refused(genuine + b"&total_amount=1.00") == "not-a-form"
    assert refused(teller.form(teller.fields, sign="")) == "unsigned"
    assert refused(teller.form(teller.fields, sign="AAAA")) == "bad-signature"
    assert refused(teller.form(teller.fields, sign="不是")) == "bad-signature"
    assert refused(teller.form(teller.fields, sign_type="RSA")) == "signature-type"
    for raw in (b"\xff=1", "名=值".encode(), b"app_id", b"{}", b"a=%ff", b"<html>"):
        assert refused(raw) == "not-a-form"
    assert refused(b"") in ("not-a-form", "unsigned")
    for foreign in ({"app_id": "2021000000000000"}, {"seller_id": "2088000000000000"}, {"seller_id": None}):
        with pytest.raises(Forged, match="other-merchant"):
            teller.told(**foreign)


@pytest.mark.parametrize(
    ("changes", "state", "code"),
    [
        ({}, "succeeded", None),
        ({"subject": "a=b&c 中文+ %20 😀", "body": ""}, "succeeded", None),
        ({"trade_status": "TRADE_FINISHED"}, "succeeded", None),
        ({"trade_status": "TRADE_CLOSED"}, "closed", None),
        ({"trade_status": "TRADE_CLOSED", "gmt_payment": "2026-11-22 10:00:00"}, "succeeded", None),
        ({"trade_status": "WAIT_BUYER_PAY"}, "awaiting_user", None),
        ({"trade_status": "NEW"}, "unknown", "trade-state:NEW"),
        ({"total_amount": "1"}, "unknown", "incomplete"),
        ({"total_amount": None}, "unknown", "unreadable"),
    ],
)
async def test_a_proven_notice_is_read_with_care(teller, changes, state, code):
    seen = teller.told(**changes).observation
    assert (seen.state, seen.error_code, seen.merchant_ref) == (state, code, "T1")


async def test_other_news_is_for_a_person_to_look_at(teller):
    notice = teller.told(notify_type="agreement_sync", notify_id=None)
    assert (notice.kind, notice.observation, notice.refund_observation) == ("agreement_sync", None, None)
    assert notice.dedupe_key.startswith("sha256:")
    nameless = teller.told(refund_fee="1.00").refund_observation
    assert (nameless.state, nameless.error_code) == (RefundState.UNKNOWN, "incomplete")
