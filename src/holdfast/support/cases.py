"""Cases as travellers have them: opened once, read, added to, closed, rated. What staff do stands in `desk`."""

from __future__ import annotations

from uuid import UUID

from holdfast import accounts, admission, notices
from holdfast.kit import audit, clock, crypto, ids, settings
from holdfast.kit.actor import Actor
from holdfast.kit.db import Db, ReadTx, Tx, lock
from holdfast.kit.i18n import both
from holdfast.kit.idempotency import KeyReused
from holdfast.kit.problems import InvalidInput

from . import evidence, priorities, store
from .model import (
    NUMBER_CHARACTERS,
    PEOPLE_MAX,
    STATES,
    WORDS_MAX,
    Case,
    CaseUnknown,
    Message,
    NewCase,
    Opened,
    State,
    Story,
    TooManyCases,
)

CASES_BY_PHONE = 6
WINDOW_S = 3600
SHOWN_MAX = 50
_BODY = "support.messages.body"
PHONE = "support.cases.phone"


async def open_case(db: Db, actor: Actor, new: NewCase) -> Opened:
    """Opens a case with all that the program knows attached, and tells its phone the link. The same key again: the same case.

    InvalidInput for words that are missing or too long; KeyReused for the same key with other words; TooManyCases after six
    an hour from a phone.
    """
    words = read_words(new.words)
    if not 1 <= new.people <= PEOPLE_MAX:
        raise InvalidInput(errors=[_wrong("people", "PEOPLE", "Write how many people it is about, 1 to 10,000.")])
    outcome = await db.run(_open, actor, new, words)
    if isinstance(outcome, TooManyCases):
        raise outcome
    return outcome


async def _open(tx: Tx, actor: Actor, new: NewCase, words: str) -> Opened | TooManyCases:
    index = crypto.blind_index("phone", new.phone)
    key = f"{index.hex()[:16]}:{new.key}"
    await lock(tx, f"support.opening:{key}")
    if before := await store.opened_before(tx, key):
        [first, *_more] = await store.messages(tx, before.id)
        if opened(bytes(first.body)) not in ("", words):
            raise KeyReused
        return before
    if actor.kind != "staff":
        left = await admission.spend(tx, "case-open", new.phone, uses=CASES_BY_PHONE, per_s=WINDOW_S)
        if not left.allowed:
            return TooManyCases(retry_after_s=left.resets_in_s)
    known, now = await evidence.collect(tx, new), clock.now()
    priority = priorities.of(known.facts, now)
    row = store.Row(
        id=ids.uuid7(), number=ids.new_code(NUMBER_CHARACTERS), opening_key=key, kind=new.kind,
        order_id=new.order.row.id if new.order else None, intent_id=new.order.row.intent_id if new.order else None,
        account_id=new.account_id, phone=crypto.seal(PHONE, new.phone), phone_index=index,
        phone_masked=accounts.mask_phone(new.phone), locale=new.locale, channel=new.channel, people=known.facts.people,
        priority=priority.points, reasons=[str(reason) for reason in priority.reasons], trip_at=known.facts.trip_at,
        money=known.facts.money, opened_at=now, sla_due_at=priorities.due_at(known.facts, now),
    )  # fmt: skip
    while not await store.insert(tx, row):
        row = _renumbered(row)
    await store.add_message(tx, row.id, "traveller", str(actor), crypto.seal(_BODY, words), now, None)
    for kind, content in known.pieces:
        await store.add_evidence(tx, row.id, kind, content, now)
    if actor.kind == "staff":
        await store.add_evidence(tx, row.id, "call", {"by": actor.name, "channel": new.channel}, now)
    await audit.record(tx, actor, "case.open", subject(row.number), kind=row.kind, channel=row.channel)
    await tell(tx, row.id, row.number, row.locale, "case-opened")
    return Opened(row.id, row.number)


def _renumbered(row: store.Row) -> store.Row:
    fields = {name: getattr(row, name) for name in store.Row.__struct_fields__}
    return store.Row(**(fields | {"number": ids.new_code(NUMBER_CHARACTERS)}))


def read_words(typed: str, field: str = "words") -> str:
    """What somebody wrote, without blanks around it. InvalidInput when there is nothing, or more than 4,000 characters."""
    words = typed.replace("\r\n", "\n").strip()
    if not words:
        raise InvalidInput(errors=[_wrong(field, "WORDS_MISSING", "Write what happened; a sentence is enough.")])
    if len(words) > WORDS_MAX:
        raise InvalidInput(errors=[_wrong(field, "WORDS_TOO_LONG", "Write at most 4,000 characters.")])
    return words


def _wrong(field: str, code: str, sentence: str) -> dict[str, object]:
    return {"field": field, "code": code, "message": both(sentence), "severity": "error", "suggestion": None}


def subject(number: str) -> str:
    """What the audit trail calls a case."""
    return f"case:{number}"


def show_number(number: str) -> str:
    """A case's number for eyes and ears: ``7K3-QF90``."""
    return ids.show_code(number)


def read_number(typed: str) -> str | None:
    """A case's number as somebody types it; None when it cannot be one."""
    return ids.read_code(typed, NUMBER_CHARACTERS)


def link_token(number: str) -> str:
    """The token of the signed link that opens a case for whoever holds it."""
    return crypto.link_token("case", number)


def link(number: str) -> str:
    return f"{settings.current().base_url}/help/cases/{number}?token={link_token(number)}"


async def tell(tx: Tx, case_id: UUID, number: str, locale: str, template: str) -> None:
    """A text message about a case, with the link to it."""
    sealed = await store.phone(tx, case_id)
    if not sealed:
        return  # its person had themselves erased: there is nobody to tell
    phone = crypto.unseal(PHONE, sealed)
    await notices.send(
        tx, phone, accounts.mask_phone(phone), template, locale, number=show_number(number), link=link(number)
    )


async def require(tx: ReadTx, number: str, *, token: str = "", account_id: UUID | None = None) -> Case:
    """A case by its signed link, or by an account of the person who opened it. CaseUnknown, as if it did not exist."""
    code = read_number(number)
    found = None
    if code and token and crypto.link_token_fits("case", code, token):
        found = await store.by_number(tx, code)
    elif code and account_id:
        found = await store.of_person(tx, code, account_id)
    if found is None:
        raise CaseUnknown
    return found


async def mine(tx: ReadTx, account_id: UUID) -> list[Case]:
    """The latest cases of the person behind an account."""
    return await store.of_account(tx, account_id, SHOWN_MAX)


async def story(tx: ReadTx, case: Case) -> Story:
    """A case with all that is written in it and attached to it."""
    messages = [
        Message(row.seq, row.author, row.actor, row.name, opened(bytes(row.body)), row.at)  # type: ignore[arg-type]
        for row in await store.messages(tx, case.id)
    ]
    return Story(case, messages, await store.evidence(tx, case.id), await store.rating(tx, case.id))


def opened(body: bytes) -> str:
    """The words of a message; empty when they were erased."""
    return crypto.unseal(_BODY, body) if body else ""


async def write(tx: Tx, actor: Actor, case: Case, typed: str, *, key: str) -> None:
    """A traveller adds to a case the caller has required; it is open again, whatever it was. The same key again: nothing.

    InvalidInput as `read_words` says.
    """
    words, now = read_words(typed), clock.now()
    case = await store.locked(tx, case.id)
    if not await add(tx, case, "traveller", actor, words, key=key):
        return
    facts = facts_of(case)
    waits = case.state is State.OPEN
    await store.set_state(
        tx, case.id, State.OPEN, waiting_since=case.waiting_since if waits else now,
        sla_due_at=case.sla_due_at if waits else priorities.due_at(facts, now), answered_at=None, closed_at=None,
    )  # fmt: skip
    await audit.record(tx, actor, "case.write", subject(case.number))


async def add(tx: Tx, case: Case, author: str, actor: Actor, words: str, *, key: str | None = None) -> bool:
    """Appends a message to a locked case; False when the same request had written it before."""
    return await store.add_message(tx, case.id, author, str(actor), crypto.seal(_BODY, words), clock.now(), key)


def facts_of(case: Case) -> priorities.Facts:
    """What the priority of a case is made of."""
    return priorities.Facts(case.trip_at, case.money, case.people)


async def close(tx: Tx, actor: Actor, case: Case, *, words: str = "The traveller closed this case.") -> None:
    """Closes a case the caller has required; again: nothing."""
    case = await store.locked(tx, case.id)
    if State.CLOSED not in STATES[case.state]:
        return
    await add(tx, case, "system", actor, words)
    await store.set_state(
        tx, case.id, State.CLOSED, waiting_since=None, sla_due_at=None, answered_at=None, closed_at=clock.now()
    )
    await audit.record(tx, actor, "case.close", subject(case.number))


async def rate(tx: Tx, actor: Actor, case: Case, score: int, words: str) -> None:
    """How content the traveller was, 1 to 5; the last word counts. InvalidInput for another figure or too many words."""
    if not 1 <= score <= 5:
        raise InvalidInput(errors=[_wrong("score", "SCORE", "Choose 1 to 5.")])
    said = read_words(words) if words.strip() else ""
    await store.rate(tx, case.id, score, said, clock.now())
    await audit.record(tx, actor, "case.rate", subject(case.number), score=score)
