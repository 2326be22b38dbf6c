"""Cases: asking people for help, by a traveller who is signed in or by a guest whose phone is proven by a code."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from holdfast import accounts, orders, support
from holdfast.accounts import codes as rules
from holdfast.api import findings
from holdfast.api.endpoint import Answered, Call, Endpoint, Limit
from holdfast.kit import ids
from holdfast.kit.actor import Actor
from holdfast.kit.i18n import Locale
from holdfast.kit.problems import InvalidInput

from . import examples


class NewCase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What it is about. Guests prove their phone with the code that ``POST /api/v1/cases/codes`` sends to it."""

    kind: support.Kind
    words: Annotated[str, msgspec.Meta(min_length=1, max_length=4000)]
    order: Annotated[str, msgspec.Meta(max_length=64, description="number of the order, if known")] = ""
    people: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1
    phone: str = ""
    code: Annotated[str, msgspec.Meta(max_length=40)] = ""
    locale: Locale = "zh"


class CaseQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The token that came with the answer when the case was opened; whoever is signed in needs none for their own."""

    token: Annotated[str, msgspec.Meta(max_length=100)] = ""


class CaseOpened(msgspec.Struct, frozen=True):
    """The case, and the token that opens it."""

    number: str
    token: str


class MessageAnswer(msgspec.Struct, frozen=True):
    """One message. `author`: traveller, staff or system."""

    seq: int
    author: str
    body: str
    at: datetime


class CaseAnswer(msgspec.Struct, frozen=True):
    """A case as its traveller sees it. `answer_due_at` is set while people owe an answer."""

    number: str
    kind: support.Kind
    state: support.State
    order: str | None
    opened_at: datetime
    answer_due_at: datetime | None
    closed_at: datetime | None
    messages: list[MessageAnswer]


class CodeWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where to send a code that proves the phone of a guest, and in which language."""

    phone: Annotated[str, msgspec.Meta(description="as dialled in mainland China, or with + and country code")]
    locale: Locale = "zh"


class CodeOnItsWay(msgspec.Struct, frozen=True):
    """A code is on its way."""

    phone_masked: str
    expires_at: datetime


async def send_code(call: Call) -> CodeOnItsWay:
    """Sends a code that proves a phone for a case, and for nothing else."""
    body: CodeWanted = call.body
    sent = await orders.proofs.send_code(call.db, findings.phone(body.phone), body.locale, call.source)
    return CodeOnItsWay(sent.phone_masked, sent.expires_at)


async def open_case(call: Call) -> Answered:
    """Opens a case; the same Idempotency-Key again gives the same one."""
    body: NewCase = call.body
    known = await call.visitor()
    own = await call.db.read(accounts.phone_of, known.account_id) if known else None
    phone = own or findings.phone(body.phone)
    if own is None:
        await orders.proofs.prove(call.db, phone, body.code, call.source, request=call.key)
    new = support.NewCase(
        kind=body.kind, words=body.words, phone=phone, locale=body.locale, channel="api", key=call.key,
        account_id=known.account_id if known else None, order=await _order(call, body.order, phone, known),
        order_number=body.order, people=body.people,
    )  # fmt: skip
    actor = Actor("traveller", known.account_id) if known else Actor("traveller", name="guest")
    opened = await support.cases.open_case(call.db, actor, new)
    return Answered(
        CaseOpened(opened.number, support.cases.link_token(opened.number)),
        [(b"location", b"/api/v1/cases/" + opened.number.encode())],
    )


async def _order(call: Call, number: str, phone: str, known: accounts.Session | None) -> orders.Order | None:
    """The order it is about, if this person may see it."""
    async with call.db.reading() as tx:
        try:
            if known:
                return await orders.require(tx, known.account_id, number)
            return await orders.lookup.with_phone(tx, ids.read_code(number) or "", phone)
        except orders.OrderUnknown:
            return None


async def case(call: Call) -> CaseAnswer:
    """One case, by its token or for the person who opened it."""
    query: CaseQuery = call.query
    known = await call.visitor()
    async with call.db.reading() as tx:
        found = await support.cases.require(
            tx, call.path("case"), token=query.token, account_id=known.account_id if known else None
        )
        story = await support.cases.story(tx, found)
    return CaseAnswer(
        number=found.number,
        kind=found.kind,
        state=found.state,
        order=found.order_number,
        opened_at=found.opened_at,
        answer_due_at=found.sla_due_at,
        closed_at=found.closed_at,
        messages=[MessageAnswer(one.seq, one.author, one.body, one.at) for one in story.messages],
    )


CASES = "/api/v1/cases"
CODE_LIMITS = (
    Limit("codes-pause", 1, int(rules.CODE_PAUSE.total_seconds())),
    Limit("codes-per-phone", rules.CODES_PER_PHONE_HOUR, 3600),
    Limit("codes-per-address", rules.CODES_PER_SOURCE_HOUR, 3600),
)
OPENING_LIMITS = (Limit("cases-per-phone", support.cases.CASES_BY_PHONE, support.cases.WINDOW_S),)
ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="POST", path=CASES, name="cases", summary="Ask people for help: signed in, or with a phone and its code",
        who="anyone", body=NewCase, answer=CaseOpened, status=201, needs_key=True, limits=OPENING_LIMITS,
        problems=(accounts.CodeWrong, accounts.CodeExpired, support.TooManyCases, InvalidInput), handler=open_case,
        example=examples.CASE,
    ),
    Endpoint(
        method="POST", path=f"{CASES}/codes", name="case-codes", summary="Send a code that proves a phone for a case",
        who="anyone", body=CodeWanted, answer=CodeOnItsWay, status=202, limits=CODE_LIMITS,
        problems=(accounts.TooManyCodes, InvalidInput), handler=send_code, example=examples.CODE,
    ),
    Endpoint(
        method="GET", path=f"{CASES}/{{case}}", name="case", summary="A case, by its token or for who opened it",
        who="anyone", query=CaseQuery, answer=CaseAnswer, problems=(support.CaseUnknown,), handler=case,
    ),
)  # fmt: skip
