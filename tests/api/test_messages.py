"""Checking a text over the API: verdicts with reasons in both languages, and a limit on guessing."""

from __future__ import annotations

import pytest

from holdfast import support
from holdfast.notices import stamps
from tests import world

from .conftest import bearer, problem

pytestmark = pytest.mark.anyio
CHECK = "/api/v1/messages/check"
SCAM = "如您使用了2025年1月16日下午14:00出现的政府补贴bug,产生的优惠费用后续将从您的支付宝里扣回,敬请谅解!!"


async def test_a_text_is_compared_with_what_was_sent(client, db):
    mei = await world.traveller(db)
    body = (await world.messages(db, mei.phone))[0].body
    seen = (await client.post(CHECK, json={"text": body})).json()
    assert (seen["verdict"], seen["message"]["recipient_ends"], seen["message"]["whole"]) == (
        "sent",
        mei.phone[-4:],
        False,
    )
    whole = (await client.post(CHECK, json={"text": body}, headers=bearer(mei))).json()
    assert "".join(part["text"] for part in whole["message"]["parts"]) == body
    copied = (await client.post(CHECK, json={"text": body + " https://ho1dfast.com"})).json()
    assert (copied["verdict"], copied["links"][-1]["findings"]) == ("code-copied", ["looks-like-ours", "not-ours"])


async def test_the_false_text_is_not_ours_and_the_position_says_why(client):
    seen = (await client.post(CHECK, json={"text": SCAM, "sender": "+86 139 0000 0000"})).json()
    assert (seen["verdict"], seen["message"]) == ("not-ours", None)
    assert {"no-code", "position", "sender-unknown"} <= {one["code"] for one in seen["reasons"]}
    standing = (await client.get("/api/v1/messages/positions")).json()
    assert seen["positions"][0] in [one["says"] for one in standing]


async def test_guessing_codes_is_answered_with_when_to_come_back(client):
    for _ in range(support.checking.MISSES):
        assert (await client.post(CHECK, json={"text": stamps.show(stamps.new())})).status_code == 200
    answer = await client.post(CHECK, json={"text": stamps.show(stamps.new())})
    problem(answer, 429, "checks-too-often")
    assert '"message-codes";r=0' in answer.headers["ratelimit"] or '"message-checks";r=0' in answer.headers["ratelimit"]


async def test_nothing_and_too_much_are_refused_at_the_field(client):
    assert (await client.post(CHECK, json={"text": "   "})).status_code == 422
    assert (await client.post(CHECK, json={"text": "a" * 4001})).status_code == 422
