"""The receiver's guide says what is so: its code verifies what we send, its example is signed as it says."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from holdfast import notices
from holdfast.notices import courier, signatures

from .conftest import ACTOR

pytestmark = pytest.mark.anyio
GUIDE = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text()


def code(language: str) -> str:
    """The last example in that language."""
    return re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)[-1]


def test_the_example_is_signed_with_the_secret_beside_it() -> None:
    head, body = code("http").strip().split("\n\n")
    said = dict(line.split(": ", 1) for line in head.splitlines()[1:])
    secret = re.search(r"whsec_[A-Za-z0-9+/=]{20,}", GUIDE)[0]
    signed = signatures.sign(secret, said["webhook-id"], int(said["webhook-timestamp"]), body.encode())
    assert signed == said["webhook-signature"]


async def test_the_code_of_the_guide_verifies_what_we_send(db, receiver, hook):
    await db.run(notices.subscriptions.rotate, ACTOR, hook.id)
    await db.run(notices.publish, "payment.paid", {"note": "门票"}, subject="intent:1")
    await notices.webhooks.deliver(db)
    [got] = receiver.got()
    named: dict[str, object] = {}
    exec(code("python"), named)
    for body, fits in ((got.raw, True), (got.raw + b" ", False)):
        assert named["is_from_holdfast"](hook.secret, got.headers, body) is fits
    assert not named["is_from_holdfast"](signatures.new_secret(), got.headers, got.raw)


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node.js")
async def test_the_javascript_of_the_guide_verifies_what_we_send(db, receiver, hook, tmp_path):
    await db.run(notices.publish, "payment.paid", {"note": "门票"}, subject="intent:1")
    await notices.webhooks.deliver(db)
    [got] = receiver.got()
    given = json.dumps({"secret": hook.secret, "headers": got.headers, "body": got.raw.decode()})
    (tmp_path / "guide.mjs").write_text(
        code("js")
        + f"const given = {given};\n"
        + "console.log(isFromHoldfast(given.secret, given.headers, Buffer.from(given.body)),\n"
        + "            isFromHoldfast(given.secret, given.headers, Buffer.from(given.body + ' ')));\n"
    )
    assert subprocess.check_output(["node", str(tmp_path / "guide.mjs")], text=True) == "true false\n"


def test_the_guide_names_the_pauses_and_limits_that_are_so() -> None:
    def shown(seconds: float) -> str:
        return next(
            f"{seconds / unit:g} {name}" for unit, name in ((3600, "h"), (60, "min"), (1, "s")) if seconds >= unit
        )

    pauses = [shown(pause.total_seconds()) for pause in signatures.RETRIES]
    assert f"{', '.join(pauses[:-1])} and {pauses[-1]}" in " ".join(GUIDE.split())
    assert f"within {courier.TIMEOUT_S:g} seconds" in GUIDE
    assert f"the first {courier.ANSWER_CHARACTERS} characters" in GUIDE
    assert f"kept for {notices.webhooks.KEPT.days} days" in GUIDE
    assert (courier.MOST, courier.MOST_FAILING, courier.FAILING_MAX.days) == (10, 2, 5), "the guide says ten, two, five"
