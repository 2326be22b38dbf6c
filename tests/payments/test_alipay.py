"""Our Alipay adapter against the simulator, over real connections."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import anyio
import httpx2
import msgspec
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from holdfast.kit import clock, http, settings
from holdfast.payments.providers import alipay_protocol
from holdfast.payments.providers.alipay import Alipay, load_config
from holdfast.payments.providers.base import OutcomeClass, PaymentState, RefundState, Source

from .alipay_app import paid, scanned
from .conftest import QUICK
from .merchant import charge, number, refund_of

pytestmark = pytest.mark.anyio

OK, USER, CONFIG, DECLINE = OutcomeClass.OK, OutcomeClass.USER, OutcomeClass.CONFIG, OutcomeClass.DECLINE
UNKNOWN, TECHNICAL = OutcomeClass.UNKNOWN_OUTCOME, OutcomeClass.TECHNICAL


@pytest.fixture
async def alipay(sim):
    """Our adapter, pointed at the simulator."""
    async with http.client() as client:
        yield Alipay(load_config(sim.config("alipay")), client, QUICK)


class Mishap(NamedTuple):
    fault: str
    code: str
    deed: OutcomeClass
    question: OutcomeClass
    done: bool
    """Whether what was asked happened all the same."""


MISHAPS = [
    Mishap("hang", "timeout", UNKNOWN, TECHNICAL, True),
    Mishap("reset", "connection-lost", UNKNOWN, TECHNICAL, False),
    Mishap("lost_response", "connection-lost", UNKNOWN, TECHNICAL, True),
    Mishap("html_502", "http-502", UNKNOWN, TECHNICAL, False),
    Mishap("system_error", "ACQ.SYSTEM_ERROR", UNKNOWN, TECHNICAL, False),
    Mishap("rate_limit", "isv.app-call-limited", OutcomeClass.RATE_LIMIT, OutcomeClass.RATE_LIMIT, False),
    Mishap("unsigned", "unsigned", UNKNOWN, TECHNICAL, True),
    Mishap("bad_signature", "bad-signature", UNKNOWN, TECHNICAL, True),
    Mishap("truncated_json", "unreadable", UNKNOWN, TECHNICAL, True),
]
BY_FAULT = pytest.mark.parametrize("mishap", MISHAPS, ids=[mishap.fault for mishap in MISHAPS])


async def test_a_code_is_asked_for_scanned_paid_and_given_back_in_parts(alipay, sim):
    ref = number()
    asked, call = await alipay.create(charge(ref, expires_at=clock.now() + timedelta(minutes=15)))
    assert (asked.state, asked.source, call.outcome_class, call.host) == ("awaiting_user", "response", OK, "127.0.0.1")
    assert asked.code_url.startswith("https://qr.alipay.com/bax")
    unseen, call = await alipay.query(ref)
    assert (unseen.state, unseen.error_code, call.outcome_class) == ("not_found", "ACQ.TRADE_NOT_EXIST", OK)

    page = scanned(sim, asked.code_url)
    waiting, _ = await alipay.query(ref)
    assert (waiting.state, waiting.amount_minor, waiting.payer_minor) == ("awaiting_user", 12_800, None)
    sim.http.post(page, data={"action": "pay"})
    found, _ = await alipay.query(ref)
    assert (found.state, found.amount_minor, found.payer_minor, found.currency) == ("succeeded", 12_800, 12_800, "CNY")
    assert found.provider_txn == sim.order(ref)["transaction_id"]
    assert abs(found.occurred_at - clock.now()) < timedelta(seconds=10)
    assert len(found.raw_digest) == 64

    given, _ = await alipay.refund(refund_of(ref))
    assert (given.state, given.source, given.merchant_ref) == (RefundState.SUCCEEDED, Source.REFUND, ref)
    again, _ = await alipay.refund(refund_of(ref))
    assert again.state is RefundState.PROCESSING  # this call moved nothing, which proves nothing
    done, _ = await alipay.query_refund(f"R{ref}", ref)
    assert (done.state, done.amount_minor, done.currency) == (RefundState.SUCCEEDED, 2_800, "CNY")
    assert abs(done.occurred_at - clock.now()) < timedelta(seconds=10)

    rest = msgspec.structs.replace(refund_of(ref, 10_000), refund_ref=f"S{ref}")
    assert (await alipay.refund(rest))[0].state is RefundState.SUCCEEDED
    assert sim.order(ref)["state"] == "TRADE_CLOSED"
    still_paid, _ = await alipay.query(ref)
    assert (still_paid.state, still_paid.refunded, still_paid.amount_minor) == (PaymentState.SUCCEEDED, True, 12_800)


async def test_a_page_needs_no_call_and_exists_from_the_opening_on(alipay, sim):
    ref, back = number(), "http://127.0.0.1:8000/orders/7K3QF?lang=zh"
    asked, call = await alipay.create(charge(ref, method="page", return_url=back))
    assert (asked.state, asked.code_url, call.outcome_class, call.http_status) == ("awaiting_user", None, OK, None)
    assert sim.http.get("/_sim/journal").json()["entries"] == []
    assert (await alipay.query(ref))[0].state is PaymentState.NOT_FOUND
    opened = sim.http.get(asked.pay_url)
    assert (opened.status_code, (await alipay.query(ref))[0].state) == (303, PaymentState.AWAITING_USER)
    page = opened.headers["location"]
    assert "¥128.00" in sim.http.get(page).text
    returned = urlsplit(sim.http.post(page, data={"action": "pay"}).headers["location"])
    facts = parse_qs(returned.query)
    assert (returned.path, facts["lang"], facts["out_trade_no"], facts["total_amount"]) == (
        "/orders/7K3QF",
        ["zh"],
        [ref],
        ["128.00"],
    )
    assert (await alipay.query(ref))[0].state is PaymentState.SUCCEEDED
    assert sim.http.get(asked.pay_url).status_code == 400


@BY_FAULT
async def test_a_mishap_while_asking_for_money_is_unknown(alipay, sim, mishap):
    fault, code, deed, _, done = mishap
    sim.script({"fault": fault, "match": "create", "seconds": 1.0})
    ref = number()
    seen, call = await alipay.create(charge(ref))
    assert (seen.state, seen.error_code, seen.code_url) == (PaymentState.UNKNOWN, code, None)
    assert (call.outcome_class, call.error_code) == (deed, code)
    if fault == "hang":
        await anyio.sleep(0.5)
    sim.script()
    known = [order["out_trade_no"] for order in sim.http.get("/_sim/truth").json()["orders"]]
    assert known == ([ref] if done else [])


@BY_FAULT
async def test_a_mishap_of_any_other_call_is_unknown_too(alipay, sim, mishap):
    fault, code, deed, question, _ = mishap
    ref = await paid(alipay, sim)
    sim.script({"fault": fault, "seconds": 1.0})
    for operation in (alipay.query, alipay.query_txn, alipay.close):
        seen, call = await operation(ref)
        assert (seen.state, seen.error_code) == (PaymentState.UNKNOWN, code)
        assert call.outcome_class is (deed if operation == alipay.close else question)
    seen, call = await alipay.refund(refund_of(ref))
    assert (seen.state, seen.error_code, call.outcome_class) == (RefundState.UNKNOWN, code, deed)
    seen, call = await alipay.query_refund(f"R{ref}", ref)
    assert (seen.state, seen.error_code, call.outcome_class) == (RefundState.UNKNOWN, code, question)


async def test_after_a_lost_response_the_same_code_can_be_had_again(alipay, sim):
    ref = number()
    sim.script({"fault": "lost_response", "match": "create", "count": 1})
    lost, call = await alipay.create(charge(ref))
    assert (lost.state, call.http_status) == (PaymentState.UNKNOWN, None)
    again, _ = await alipay.create(charge(ref))
    assert again.state is PaymentState.AWAITING_USER
    assert len(sim.http.get("/_sim/truth").json()["orders"]) == 1


async def test_after_a_lost_refund_response_the_money_goes_back_once(alipay, sim):
    ref = await paid(alipay, sim)
    sim.script({"fault": "lost_response", "match": "refund", "count": 1})
    assert (await alipay.refund(refund_of(ref, 12_800)))[0].state is RefundState.UNKNOWN
    assert (await alipay.refund(refund_of(ref, 12_800)))[0].state is RefundState.PROCESSING
    assert (await alipay.query_refund(f"R{ref}", ref))[0].state is RefundState.SUCCEEDED
    assert [given["amount"] for given in sim.order(ref)["refunds"]] == [12_800]


async def test_a_gateway_that_cannot_be_reached_was_surely_sent_nothing(sim):
    config = msgspec.structs.replace(load_config(sim.config("alipay")), gateway="http://127.0.0.1:1/gateway.do")
    async with http.client() as client:
        seen, call = await Alipay(config, client).create(charge(number()))
    assert (seen.state, seen.error_code, call.outcome_class) == (PaymentState.UNKNOWN, "connect-failed", TECHNICAL)


async def test_only_what_was_scanned_and_is_unpaid_can_be_closed(alipay, sim):
    ref = number()
    asked, _ = await alipay.create(charge(ref))
    seen, call = await alipay.close(ref)
    assert (seen.state, call.outcome_class) == (PaymentState.NOT_FOUND, OK)
    scanned(sim, asked.code_url)  # the code still works: "not found" proved nothing
    seen, call = await alipay.close(ref)
    assert (seen.state, call.outcome_class) == (PaymentState.CLOSED, OK)
    assert (await alipay.query(ref))[0].state is PaymentState.CLOSED
    for closed_or_paid in (ref, await paid(alipay, sim)):
        seen, call = await alipay.close(closed_or_paid)
        assert (seen.state, seen.error_code, call.outcome_class) == ("unknown", "ACQ.TRADE_STATUS_ERROR", USER)
    seen, call = await alipay.create(charge(ref))
    assert (seen.state, seen.error_code, call.outcome_class) == ("unknown", "ACQ.TRADE_HAS_CLOSE", USER)


async def test_nothing_can_be_paid_after_its_time(alipay, sim):
    until = clock.now() + timedelta(minutes=15)
    seen, unseen = number(), number()
    asked, _ = await alipay.create(charge(seen, expires_at=until))
    never, _ = await alipay.create(charge(unseen, expires_at=until))
    scanned(sim, asked.code_url)
    sim.advance(901)
    assert (await alipay.query(seen))[0].state is PaymentState.CLOSED
    for ref in (seen, unseen):
        assert sim.http.post(f"/_sim/pay/{ref}").status_code == 409
    late = sim.http.get("/wallet", params={"code_url": never.code_url}, follow_redirects=True)
    assert "Too late / 订单已过期" in late.text
    assert (await alipay.query(unseen))[0].state is PaymentState.NOT_FOUND


async def test_a_finished_trade_is_paid_and_can_be_refunded_no_more(alipay, sim):
    ref = await paid(alipay, sim)
    sim.advance(366 * 86400)
    found, _ = await alipay.query(ref)
    assert (found.state, found.refunded, found.amount_minor) == (PaymentState.SUCCEEDED, False, 12_800)
    seen, call = await alipay.refund(refund_of(ref))
    assert (seen.state, seen.error_code, call.outcome_class) == (RefundState.UNKNOWN, "ACQ.TRADE_HAS_FINISHED", DECLINE)
    assert alipay.errors["ACQ.TRADE_HAS_FINISHED"].page


async def test_refusals_are_told_apart_by_the_error_dictionary(alipay, sim):
    seen, call = await alipay.create(charge("no-such-sign"))
    assert (seen.state, seen.error_code, call.outcome_class) == (PaymentState.FAILED, "ACQ.INVALID_PARAMETER", CONFIG)
    ref = number()
    await alipay.create(charge(ref))
    seen, call = await alipay.create(charge(ref, amount_minor=1))
    assert (seen.state, seen.error_code, call.outcome_class) == ("unknown", "ACQ.CONTEXT_INCONSISTENT", CONFIG)
    sim.pay(ref)
    seen, call = await alipay.create(charge(ref))
    assert (seen.state, seen.error_code, call.outcome_class) == ("unknown", "ACQ.TRADE_HAS_SUCCESS", USER)
    seen, call = await alipay.create(charge(number(), currency="USD"))
    assert (seen.state, seen.error_code, call.outcome_class) == (PaymentState.FAILED, "currency", CONFIG)
    in_dollars = msgspec.structs.replace(refund_of(ref), currency="USD")
    seen, call = await alipay.refund(in_dollars)
    assert (seen.state, seen.error_code, call.http_status) == (RefundState.UNKNOWN, "currency", None)
    with pytest.raises(ValueError, match="native"):
        await alipay.create(charge(ref, method="native"))
    with pytest.raises(ValueError, match="number"):
        await alipay.query_refund("R1")
    assert all(rule.says.endswith(".") for rule in alipay.errors.values())


async def test_a_wrong_key_is_a_matter_of_configuration_but_its_refusal_proves_nothing(sim, alipay):
    config = load_config(sim.config("alipay"))
    stranger = msgspec.structs.replace(config, private_key_pem=_other_key())
    async with http.client() as client:
        seen, call = await Alipay(stranger, client).create(charge(number()))
        assert (seen.state, seen.error_code) == (PaymentState.UNKNOWN, "isv.invalid-signature")
        assert (call.outcome_class, call.http_status) == (CONFIG, 200)
        unknown_app = msgspec.structs.replace(config, app_id="2021000000000000")
        _, call = await Alipay(unknown_app, client).query(number())
        assert (call.outcome_class, call.error_code) == (CONFIG, "isv.invalid-app-id")


def _other_key() -> str:
    from holdfast.payments.simulator.alipay.keys import new_identity

    return new_identity().app_key_pem


async def test_titles_are_made_fit_and_any_character_is_signed_right(alipay, sim):
    for title in ("票=1&2/3, 中文 + é 😀 %20", "x" * 300, "长" * 300):
        for method in alipay.methods:
            ref = number()
            asked, _ = await alipay.create(charge(ref, method=method, description=title))
            if asked.pay_url:
                assert sim.http.get(asked.pay_url).status_code == 303
            sim.pay(ref)
            assert (await alipay.query(ref))[0].state is PaymentState.SUCCEEDED


async def test_an_empty_merchant_account_is_a_decline_to_be_repeated_under_the_same_number(alipay, sim):
    ref = await paid(alipay, sim)
    sim.script({"fault": "refund_not_enough", "count": 1})
    seen, call = await alipay.refund(refund_of(ref))
    assert (seen.state, seen.error_code) == (RefundState.UNKNOWN, "ACQ.SELLER_BALANCE_NOT_ENOUGH")
    assert call.outcome_class is DECLINE
    assert (await alipay.query_refund(f"R{ref}", ref))[0].state is RefundState.NOT_FOUND
    assert (await alipay.refund(refund_of(ref)))[0].state is RefundState.SUCCEEDED


async def test_a_refund_that_is_held_or_fails_is_sent_again_as_it_was(alipay, sim):
    ref = await paid(alipay, sim)
    sim.script({"fault": "refund_processing"})
    for _ in range(2):
        assert (await alipay.refund(refund_of(ref)))[0].state is RefundState.PROCESSING
        assert (await alipay.query_refund(f"R{ref}", ref))[0].state is RefundState.NOT_FOUND
    sim.http.post(f"/_sim/refunds/R{ref}", json={"status": "CLOSED"}).raise_for_status()
    sim.script()
    assert (await alipay.query_refund(f"R{ref}", ref))[0].state is RefundState.NOT_FOUND
    assert (await alipay.refund(refund_of(ref)))[0].state is RefundState.SUCCEEDED
    assert [given["status"] for given in sim.order(ref)["refunds"]] == ["SUCCESS"]


async def test_refunds_over_another_or_a_larger_amount_are_refused(alipay, sim):
    ref = await paid(alipay, sim)
    await alipay.refund(refund_of(ref))
    seen, call = await alipay.refund(refund_of(ref, 2_801))
    assert (seen.state, seen.error_code) == (RefundState.UNKNOWN, "ACQ.DISCORDANT_REPEAT_REQUEST")
    assert call.outcome_class is UNKNOWN
    more = msgspec.structs.replace(refund_of(ref, 10_001), refund_ref=f"S{ref}")
    seen, call = await alipay.refund(more)
    assert (seen.error_code, call.outcome_class) == ("ACQ.REFUND_AMT_NOT_EQUAL_TOTAL", CONFIG)
    seen, _ = await alipay.refund(refund_of(number()))
    assert (seen.state, seen.error_code) == (RefundState.NOT_FOUND, "ACQ.TRADE_NOT_EXIST")


async def test_a_second_receipt_is_found_and_given_back_by_its_own_number(alipay, sim):
    ref = await paid(alipay, sim)
    first = sim.order(ref)["transaction_id"]
    second = sim.pay(ref, again=True)["transaction_id"]
    assert first != second
    assert (await alipay.query(ref))[0].provider_txn == first
    for receipt in (first, second):
        found, _ = await alipay.query_txn(receipt)
        assert (found.state, found.provider_txn, found.merchant_ref) == (PaymentState.SUCCEEDED, receipt, ref)
    await alipay.refund(msgspec.structs.replace(refund_of(ref, 12_800), provider_txn=second))
    assert (await alipay.query_txn(second))[0].refunded
    assert not (await alipay.query_txn(first))[0].refunded
    assert (await alipay.query_refund(f"R{ref}", ref))[0].state is RefundState.SUCCEEDED
    assert sim.order(ref)["paid_amount"] == 25_600


async def test_what_a_query_tells_is_reported_as_it_was_told(alipay, sim):
    ref = await paid(alipay, sim)
    for fault, expected in {
        "wrong_amount": ("succeeded", 12_801, "CNY", None),
        "wrong_currency": ("succeeded", 12_800, "USD", None),
        "query_lag": ("awaiting_user", 12_800, "CNY", None),
        "new_enum": ("unknown", 12_800, "CNY", "trade-state:TRADE_HALF_PAID"),
        "renamed_field": ("unknown", None, None, "unreadable"),
    }.items():
        sim.script({"fault": fault, "seconds": 60})
        seen, _ = await alipay.query(ref)
        assert (seen.state, seen.amount_minor, seen.currency, seen.error_code) == expected


async def test_a_fault_may_strike_one_version_of_the_adapter_alone(sim):
    sim.script({"fault": "system_error", "provider": "alipay", "agent": "holdfast-alipay/openapi.2"})
    config = load_config(sim.config("alipay"))
    async with http.client() as client:
        old, new = (Alipay(config, client, version=f"openapi.{number}") for number in (1, 2))
        assert (await old.create(charge(number())))[0].state is PaymentState.AWAITING_USER
        assert (await new.create(charge(number())))[0].state is PaymentState.UNKNOWN


class Platform:
    """Says whatever a test wants said, signed by Alipay's key."""

    def __init__(self, sim) -> None:
        self.config = msgspec.structs.replace(load_config(sim.config("alipay")), gateway="http://platform/gateway.do")
        self._key = load_pem_private_key(self.config.private_key_pem.encode(), None)
        public = _public(self._key)
        self.config = msgspec.structs.replace(self.config, alipay_public_key_pem=public)
        self.status, self.body = 200, b""

    def signature(self, node: str) -> str:
        return base64.b64encode(self._key.sign(node.encode(), PKCS1v15(), hashes.SHA256())).decode()

    async def __call__(self, scope, receive, send):
        await send({"type": "http.response.start", "status": self.status, "headers": []})
        await send({"type": "http.response.body", "body": self.body})


def _public(key) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.fixture
async def platform(sim):
    said = Platform(sim)
    async with http.client(transport=httpx2.ASGITransport(said)) as client:
        said.alipay = Alipay(said.config, client, QUICK)
        yield said


async def test_the_exact_text_of_an_answer_is_verified_and_read(platform):
    node = (
        '{ "code":"10000", "msg":"Succ\\u0065ss","trade_no":"42","out_trade_no":"T1",\n "body":"}{\\"",'
        '"trade_status":"TRADE_SUCCESS","total_amount" : "0.01","new":{"a":[1.50,null]}, "名":"值"}'
    )
    for text in (
        f'{{"alipay_trade_query_response":{node},"sign":"{platform.signature(node)}"}}',
        f' {{ "alipay_cert_sn":"x" , "sign" : "{platform.signature(node)}",\n "alipay_trade_query_response" :  {node} }}',
    ):
        platform.body = text.encode()
        seen, _ = await platform.alipay.query("T1")
        assert (seen.state, seen.amount_minor, seen.error_code) == (PaymentState.SUCCEEDED, 1, None)
        seen, _ = await platform.alipay.query("T2")
        assert (seen.state, seen.error_code) == (PaymentState.UNKNOWN, "mismatch")
        platform.body = text.replace("0.01", "0.02").encode()
        seen, _ = await platform.alipay.query("T1")
        assert (seen.state, seen.error_code) == (PaymentState.UNKNOWN, "bad-signature")


@pytest.mark.parametrize(
    ("name", "node", "signed", "state", "code"),
    [
        (
            "alipay_trade_query_response",
            '{"code":"40004","sub_code":"ACQ.TRADE_NOT_EXIST"}',
            False,
            "unknown",
            "unsigned",
        ),
        (
            "alipay_trade_query_response",
            '{"code":"10000","trade_status":"TRADE_SUCCESS"}',
            False,
            "unknown",
            "unsigned",
        ),
        ("error_response", '{"code":"40006","sub_code":"isv.insufficient-isv-permissions"}', False, "unknown", None),
        ("error_response", '{"code":"40004","sub_code":"aop.ACQ.TRADE_NOT_EXIST"}', True, "not_found", None),
        ("error_response", '{"code":"10000"}', True, "unknown", "10000"),
        ("error_response", '{"code":"20000","sub_code":"isp.unknow-error"}', False, "unknown", "unsigned"),
        ("alipay_trade_close_response", '{"code":"10000"}', True, "unknown", "unreadable"),
        ("alipay_trade_query_response", '{"code":"49999","sub_code":"NEW"}', True, "unknown", "NEW"),
        ("alipay_trade_query_response", "null", True, "unknown", "unreadable"),
    ],
)
async def test_only_signed_words_say_how_a_payment_stands(platform, name, node, signed, state, code):
    sign = f',"sign":"{platform.signature(node)}"' if signed else ""
    platform.body = f'{{"{name}":{node}{sign}}}'.encode()
    seen, call = await platform.alipay.query("T1")
    assert (seen.state, call.outcome_class == OK) == (state, state == "not_found")
    assert seen.error_code == call.error_code
    assert code in (None, seen.error_code)


@pytest.mark.parametrize(
    ("told", "state", "refunded"),
    [
        ({"trade_status": "TRADE_CLOSED"}, "closed", False),
        ({"trade_status": "TRADE_CLOSED", "buyer_pay_amount": "0.00", "receipt_amount": "0.00"}, "closed", False),
        ({"trade_status": "TRADE_CLOSED", "send_pay_date": "2026-11-22 10:00:00"}, "succeeded", True),
        ({"trade_status": "TRADE_CLOSED", "buyer_pay_amount": "1.00"}, "succeeded", True),
        ({"trade_status": "TRADE_CLOSED", "fund_bill_list": [{"amount": "1.00"}]}, "succeeded", True),
        ({"trade_status": "TRADE_FINISHED"}, "succeeded", False),
        ({"trade_status": "TRADE_SUCCESS", "total_amount": "1.0"}, "unknown", False),
        ({"trade_status": "TRADE_SUCCESS", "total_amount": "1"}, "unknown", False),
        ({"trade_status": "TRADE_SUCCESS", "total_amount": "-1.00"}, "unknown", False),
        ({"trade_status": "TRADE_SUCCESS", "trade_no": ""}, "unknown", False),
        ({"trade_status": "TRADE_SUCCESS", "total_amount": "1.50", "trans_currency": "JPY"}, "unknown", False),
        ({"trade_status": ""}, "unknown", False),
    ],
)
async def test_a_closed_trade_was_paid_when_any_field_says_so(platform, told, state, refunded):
    facts = {"code": "10000", "trade_no": "42", "out_trade_no": "T1", "total_amount": "1.00"} | told
    node = msgspec.json.encode(facts).decode()
    platform.body = f'{{"alipay_trade_query_response":{node},"sign":"{platform.signature(node)}"}}'.encode()
    seen, _ = await platform.alipay.query("T1")
    assert (seen.state, seen.refunded) == (state, refunded)


@pytest.mark.parametrize("status", [200, 204, 301, 400, 503])
@pytest.mark.parametrize(
    "body", [b"", b"null", b"<html>", b"[" * 100_000, b'{"sign": "\xff"}', b'{"x":' * 50_000], ids=range(6)
)
async def test_nonsense_is_unknown(platform, status, body):
    platform.status, platform.body = status, body
    for seen, call in (
        await platform.alipay.create(charge(number())),
        await platform.alipay.query("T1"),
        await platform.alipay.close("T1"),
        await platform.alipay.refund(refund_of("T1")),
        await platform.alipay.query_refund("R1", "T1"),
    ):
        assert (seen.state, call.http_status) == ("unknown", status)
        assert call.outcome_class in (UNKNOWN, TECHNICAL)
        assert seen.error_code == call.error_code != ""


def test_amounts_have_exactly_two_places():
    assert [alipay_protocol.minor(text) for text in ("0.00", "128.00", "88.88")] == [0, 12_800, 8_888]
    for text in ("", "1", "1.5", "1.500", "1e2", "1,000.00", "-1.00", "+1.00", " 1.00", "1.00\n", "١.00", "NaN"):
        assert alipay_protocol.minor(text) is None
    assert (alipay_protocol.yuan(1), alipay_protocol.yuan(12_850)) == ("0.01", "128.50")
    assert (alipay_protocol.minor("100.00", "JPY"), alipay_protocol.minor("100.50", "JPY")) == (100, None)


async def test_production_speaks_https_only_and_secrets_do_not_show(sim, monkeypatch):
    config = load_config(sim.config("alipay"))
    assert "PRIVATE" not in repr(config)
    production = msgspec.structs.replace(settings.current(), env="prod")
    monkeypatch.setattr(settings, "current", lambda: production)
    async with http.client() as client:
        with pytest.raises(ValueError, match="https"):
            Alipay(config, client)
        Alipay(msgspec.structs.replace(config, gateway="https://openapi.alipay.com/gateway.do"), client)
