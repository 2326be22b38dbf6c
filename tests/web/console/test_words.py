"""What the console's pages of payments decide without a database: words, pairs, spans, pictures, and when a page looks again."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from starlette.requests import Request
from starlette.responses import Response

from holdfast.kit import clock, i18n, ids
from holdfast.payments import dictionary
from holdfast.payments.story import Call, Sight
from holdfast.web.console import channels, columns, live, payment_story, resolver, start, wording


def asked(path: str, query: str = "", language: str = "en") -> Request:
    """A request as a handler sees it."""
    return Request(
        {"type": "http", "method": "GET", "path": path, "query_string": query.encode(),
         "headers": [(b"accept-language", language.encode())]}
    )  # fmt: skip


def test_all_words_speak_chinese() -> None:
    said = wording.sentences() | set(payment_story.ORDER_EVENTS.values()) | {one for one, _ in start.COUNTS.values()}
    said |= {rule.says for book in (*dictionary.BOOKS.values(), dictionary.WAY) for rule in book.values()}
    said |= {*dictionary.PREFIXES.values(), dictionary.UNLISTED}
    assert not sorted(text for text in said if text not in i18n.catalogue())


def test_every_code_has_a_meaning() -> None:
    assert dictionary.meaning("wechatpay", "NOT_ENOUGH").page
    assert dictionary.meaning("alipay", "timeout").says == "No answer came in time."
    found = dictionary.meaning("stripe", "http-503")
    assert (found.word, found.page) == ("503", True)
    assert dictionary.meaning("desk", "never heard of").says == dictionary.UNLISTED


def test_an_observation_goes_with_the_last_call_of_its_kind_before_it() -> None:
    one, other, at = ids.uuid7(), ids.uuid7(), clock.now()

    def call(attempt: UUID, operation: str, second: int) -> Call:
        return Call(attempt, operation, at + timedelta(seconds=second), 5, 200, "ok", None, "1", None)

    def sight(attempt: UUID, source: str, second: int) -> Sight:
        return Sight(
            attempt,
            source,
            "succeeded",
            None,
            None,
            None,
            None,
            "created",
            "succeeded",
            at + timedelta(seconds=second),
            None,
        )

    calls = [
        call(one, "create", 0),
        call(other, "query", 1),
        call(one, "query", 2),
        call(one, "query", 4),
        call(one, "refund", 6),
    ]
    sights = [sight(one, "response", 1), sight(one, "callback", 2), sight(one, "query", 5)]
    assert payment_story.pairs(calls, sights) == [
        (calls[0], sights[0]), (None, sights[1]), (calls[3], sights[2]), (calls[1], None), (calls[2], None), (calls[4], None),
    ]  # fmt: skip


def test_spans_of_one_state_that_touch_become_one() -> None:
    at = clock.now()
    minute = [at + timedelta(minutes=n) for n in range(10)]
    spans = [
        (minute[0], minute[2], "down"),
        (minute[5], minute[6], "down"),
        (minute[1], minute[4], "down"),
        (minute[2], minute[3], "returning"),
    ]
    assert channels.joined(spans) == [
        (minute[0], minute[4], "down"), (minute[5], minute[6], "down"), (minute[2], minute[3], "returning"),
    ]  # fmt: skip


def test_a_column_with_any_failure_shows_it() -> None:
    picture = columns.stacked([100, 0, 1], [1, 0, 1], title="Calls <b>", told="101 calls")
    assert picture.count('class="bar ok"') == 1
    assert picture.count('class="bar bad"') == 2
    assert "Calls &lt;b&gt;" in picture
    assert "id=" not in picture
    assert "style=" not in picture
    columns.stacked([], [], title="", told="")


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, "not before it answers again"), (0.0, "nothing to ask about"), (0.4, "at once"), (12.3, "in about 12 s"), (600.0, "in about 10 min"),
        (36_000.0, "in about 10 h"),
    ],
)  # fmt: skip
def test_how_long_it_takes_is_said_in_words(seconds: float | None, said: str) -> None:
    assert resolver.eta(asked("/console/resolver"), seconds) == said


def test_a_live_page_looks_again_for_a_while_and_can_be_stopped() -> None:
    first = live.of(asked("/console/resolver"))
    refresh = live.again(Response(), first).headers["refresh"]
    found = re.fullmatch(r"20; url=/console/resolver\?until=(\d+)", refresh)
    assert found
    until = datetime.fromtimestamp(int(found[1]), clock.now().tzinfo)
    assert timedelta(minutes=19) < until - clock.now() <= live.LASTS
    later = live.of(asked("/console/resolver", f"until={found[1]}"))
    assert later.until == until
    for stopped in ("until=0", "until=1"):
        quiet = live.of(asked("/console/resolver", stopped))
        assert quiet.until is None
        assert "refresh" not in live.again(Response(), quiet).headers
    far = live.of(asked("/console/resolver", f"until={10**11}"))
    assert far.until is not None
    assert far.until - clock.now() <= live.LASTS
    assert live.of(asked("/console/resolver", "until=x")).until is not None
