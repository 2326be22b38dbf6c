"""Callbacks: only what is proven is stored, what is stored is acted on once, and what makes no sense waits for a person."""

from __future__ import annotations

import secrets

import httpx2
import msgspec
import pytest

from holdfast import orders
from holdfast.kit import faults
from holdfast.payments.simulator.wechatpay.keys import Keys
from holdfast.payments.simulator.wechatpay.state import State
from tests import world

pytestmark = pytest.mark.anyio


class Platform:
    """Speaks with the provider's keys: true signatures under whatever a test wants said."""

    def __init__(self, sim, url: str) -> None:
        state = State(sim.state_dir)
        self.keys, self.url = Keys(state.identity()), url
        state.close()

    def body(self, plain: object, event_type: str = "TRANSACTION.SUCCESS", event_id: str = "") -> bytes:
        sealed = self.keys.sealed(event_type.partition(".")[0].lower(), msgspec.json.encode(plain))
        return msgspec.json.encode(
            {"id": event_id or secrets.token_hex(8), "event_type": event_type, "resource": sealed}
        )

    async def post(self, raw: bytes, headers: dict[str, str] | None = None) -> int:
        signed = self.keys.platform_headers(self.keys.public_key_id, raw) if headers is None else headers
        async with httpx2.AsyncClient(trust_env=False) as client:
            return (await client.post(self.url, content=raw, headers=signed)).status_code

    def paid(self, ref: str, **changes: object) -> dict[str, object]:
        identity = self.keys.identity
        return {
            "mchid": identity.mchid, "appid": identity.appid, "out_trade_no": ref, "trade_state": "SUCCESS",
            "transaction_id": f"42{secrets.token_hex(6)}", "success_time": "2026-01-01T10:00:00+08:00",
            "amount": {"total": 6000, "payer_total": 6000, "currency": "CNY"},
        } | changes  # fmt: skip


@pytest.fixture
def platform(sim, addresses):
    return Platform(sim, f"http://127.0.0.1:{addresses}/webhooks/wechatpay")


@pytest.fixture
async def begun(db):
    mei, order = await world.held_order(db, await world.open_slot(db))
    return mei, order, (await orders.pay(db, mei.actor, order)).merchant_ref


async def inbox(db) -> list[tuple[str, str]]:
    return await world.value(
        db, "select coalesce(jsonb_agg(jsonb_build_array(state, note) order by received_at), '[]') from payments.inbox"
    )


async def test_a_forged_callback_is_refused_and_leaves_no_trace(db, platform, begun):
    mei, order, ref = begun
    raw = platform.body(platform.paid(ref))
    keys = platform.keys
    good = keys.platform_headers(keys.public_key_id, raw)
    forgeries = [
        {},
        keys.platform_headers(keys.public_key_id, raw, spoil=True),
        good | {"Wechatpay-Serial": "PUB_KEY_ID_0000"},
        good | {"Wechatpay-Signature": "AAAA"},
        good | {"Wechatpay-Signature": "WECHATPAY/SIGNTEST/AAAA"},
        good | {"Wechatpay-Timestamp": str(int(good["Wechatpay-Timestamp"]) - 301)},
        keys.platform_headers(keys.public_key_id, b"another body"),
    ]
    assert [await platform.post(raw, headers) for headers in forgeries] == [401] * len(forgeries)
    assert await inbox(db) == []
    await world.work_once(db)
    assert (await world.order_of(db, mei, order.number)).state is orders.State.AWAITING_PAYMENT


async def test_a_signed_callback_of_another_merchant_is_refused(db, platform, begun):
    _, _, ref = begun
    assert await platform.post(platform.body(platform.paid(ref, mchid="1900000000"))) == 401
    assert await inbox(db) == []


@pytest.mark.parametrize(
    "plain",
    [
        {},
        [],
        {"out_trade_no": 5},
        {"trade_state": "SUCCESS"},
        "text",
        {"out_trade_no": "x" * 40, "amount": {"total": -1}},
    ],
)
async def test_a_proven_callback_that_makes_no_sense_is_kept_for_a_person_and_not_sent_again(db, platform, plain):
    assert await platform.post(platform.body(plain)) == 204
    await world.until_quiet(db)
    [(state, note)] = await inbox(db)
    assert (state, note) == ("needs_review", "unknown reference")


async def test_a_proven_callback_about_a_charge_we_never_made_is_kept_for_a_person(db, platform):
    assert await platform.post(platform.body(platform.paid("HFUNKNOWN"))) == 204
    await world.until_quiet(db)
    assert (await inbox(db))[0][0] == "needs_review"


async def test_a_replayed_callback_is_answered_well_and_stored_once(db, sim, platform, begun):
    mei, order, ref = begun
    sim.script({"fault": "drop_callback"})
    txn = sim.pay(ref)["transaction_id"]
    raw = platform.body(platform.paid(ref, transaction_id=txn))
    assert [await platform.post(raw) for _ in range(3)] == [204] * 3
    await world.until_quiet(db)
    assert await platform.post(raw) == 204
    await world.until_quiet(db)
    assert [state for state, _ in await inbox(db)] == ["applied"]
    after = await world.order_of(db, mei, order.number)
    assert [event.kind for event in after.events].count("confirmed") == 1


async def test_a_callback_with_an_unknown_state_is_neither_success_nor_failure(db, platform, begun):
    _, _, ref = begun
    assert await platform.post(platform.body(platform.paid(ref, trade_state="TELEPORTED"))) == 204
    await world.jobs.drain(db)
    state, code = await world.value(db, "select jsonb_build_array(state, code_url is not null) from payments.attempts")
    assert (state, code) == ("awaiting_user", True)


async def test_a_callback_is_not_lost_when_the_database_is_away(db, sim, begun):
    """The simulator repeats what was not answered well; what was never stored was never acknowledged."""
    mei, order, ref = begun
    faults.arm("payments.notify.before_store=error@1")
    sim.pay(ref)

    async def confirmed() -> bool:
        await world.jobs.drain(db)
        return (await world.order_of(db, mei, order.number)).state is orders.State.CONFIRMED

    await world.until(confirmed)
    assert len(await inbox(db)) == 1
