"""Placing: from what a traveller typed to orders that exist. Group commit decides and writes many at once."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from holdfast.accounts import documents
from holdfast.campaigns import live
from holdfast.kit import clock, crypto, faults, idempotency, ids, jobs, problems, settings
from holdfast.kit.actor import Actor
from holdfast.kit.db import Batch, Db, Tx
from holdfast.kit.i18n import both
from holdfast.kit.problems import InvalidInput, Problem

from . import offers, store
from .model import Basket, BasketLine, Placed, PlaceRequest, PlacingLine, PlacingTraveller, State

LINES_MAX = 10
TRAVELLERS_MAX = 50
ABOUT_TO_COMMIT = faults.declare("orders.place.before_flush", "a batch of bookings is collected, nothing is written")
COMMITTED = faults.declare("orders.place.after_commit", "the batch is committed, nobody has been answered")


def prepare(
    *, account_id: UUID, key: str, basket: Basket, locale: str, channel: str, actor: Actor, today: date | None = None
) -> PlaceRequest:
    """Checks and seals a basket: all that a booking needs before the database decides.

    Raises InvalidInput with every finding at once; ``field`` is a path such as ``lines[0].travellers[1].document``.
    """
    errors: list[dict[str, Any]] = []
    today = today or (clock.now() + timedelta(hours=8)).date()
    if len(basket.code) > offers.CODE_MAX:
        errors.append(_finding("code", "CODE_LENGTH", "A code has at most 40 characters."))
    if len(key) > 255 or not key.isprintable() or not key:
        errors.append(_finding("key", "KEY_SHAPE", "The key has 1 to 255 printable characters."))
    phone, found = documents.check_phone(basket.phone, field="phone")
    errors += [msgspec.to_builtins(finding) for finding in found if finding.severity == "error"]
    errors += _count_errors(basket)
    lines: list[PlacingLine] = []
    travellers: list[PlacingTraveller] = []
    for at, line in enumerate(basket.lines[:LINES_MAX]):
        types = sorted({typed.document_type for typed in line.travellers})
        lines.append(
            PlacingLine(
                at + 1, line.slot_id, line.price_id, line.quantity, line.quoted_minor, len(line.travellers), types
            )
        )
        errors += _add_travellers(travellers, at, line, today)
    if errors or phone is None:
        raise InvalidInput(errors=errors)
    return PlaceRequest(
        account_id=account_id,
        key=key,
        body_hash=_hex(_body_hash(basket, channel)),
        order_id=ids.uuid7(),
        number=ids.new_code(),
        phone=_hex(crypto.seal("orders.orders.phone", phone)),
        phone_index=_hex(crypto.blind_index("phone", phone)),
        phone_masked=documents.mask_phone(phone),
        locale=locale,
        channel=channel,
        actor=str(actor),
        lines=lines,
        travellers=travellers,
        code=basket.code.strip(),
        quoted_total_minor=basket.quoted_total_minor,
    )


def _count_errors(basket: Basket) -> list[dict[str, Any]]:
    """What is wrong with the numbers of things, before looking at the things."""
    errors = []
    if not 1 <= len(basket.lines) <= LINES_MAX:
        errors.append(_finding("lines", "LINES_COUNT", "An order has 1 to 10 lines."))
    for at, line in enumerate(basket.lines[:LINES_MAX]):
        if not 1 <= line.quantity <= TRAVELLERS_MAX:
            errors.append(_finding(f"lines[{at}].quantity", "QUANTITY", "Choose 1 to 50 tickets."))
        if len(line.travellers) > TRAVELLERS_MAX:
            errors.append(_finding(f"lines[{at}].travellers", "TRAVELLERS_COUNT", "A line has at most 50 people."))
        if line.travellers and len(line.travellers) != line.quantity:
            errors.append(
                _finding(f"lines[{at}].travellers", "TRAVELLERS_COUNT_DIFFERS", "Enter one person for each ticket.")
            )
    return errors


def _add_travellers(into: list[PlacingTraveller], at: int, line: BasketLine, today: date) -> list[dict[str, Any]]:
    """Seals the travellers of one line into `into`; what was found wrong."""
    errors: list[dict[str, Any]] = []
    for seat, typed in enumerate(line.travellers[:TRAVELLERS_MAX]):
        traveller, found = documents.check_traveller(
            typed.name, typed.document_type, typed.document, today, prefix=f"lines[{at}].travellers[{seat}]"
        )
        errors += [msgspec.to_builtins(finding) for finding in found if finding.severity == "error"]
        if traveller is None:
            continue
        document = traveller.document
        into.append(
            PlacingTraveller(
                seq=len(into) + 1,
                line_seq=at + 1,
                slot_id=line.slot_id,
                name=_hex(crypto.seal("orders.travellers.name", traveller.name)),
                name_masked=documents.mask_name(traveller.name),
                document_type=document.type,
                document=_hex(crypto.seal("orders.travellers.document", document.number)),
                document_index=_hex(crypto.blind_index("document", f"{document.type}|{document.person_key}")),
                document_last4=document.last4,
            )
        )
    return errors


def _finding(field: str, code: str, message: str) -> dict[str, Any]:
    return {"field": field, "code": code, "message": both(message), "severity": "error", "suggestion": None}


def _hex(raw: bytes) -> str:
    """PostgreSQL's text form of bytea."""
    return "\\x" + raw.hex()


def _body_hash(basket: Basket, channel: str) -> bytes:
    """What makes two requests the same. Keyed, because the basket holds documents."""
    return hashlib.blake2b(
        msgspec.json.encode((basket, channel)), key=crypto.derived("index", "request-body"), digest_size=32
    ).digest()


class _Answer(msgspec.Struct):
    """One result of the SQL function: an order or a problem."""

    order_id: UUID | None = None
    number: str = ""
    state: State | None = None
    amount_minor: int = 0
    currency: str = ""
    expires_at: datetime | None = None
    problem: str | None = None
    fields: dict[str, Any] = {}


_decoder = msgspec.json.Decoder(list[_Answer])


async def place_many(tx: Tx, requests: Sequence[PlaceRequest], *, hold_s: int | None = None) -> list[Placed | Problem]:
    """Decides bookings in the order of their arrival and writes the accepted ones, all in one statement.

    One result per request, in order: Placed, or the problem that stood in the way. Equal keys of one account get equal
    answers; the same key with another body gets KeyReused. A booking is all or nothing over its lines. `hold_s`: how long
    what is to be paid is held, else as the settings say.
    """
    faults.point(ABOUT_TO_COMMIT)
    answers = _decoder.decode(
        await store.place_many(
            tx, requests, at=clock.now(), hold_s=settings.current().hold_ttl_s if hold_s is None else hold_s,
            subscribers=list(jobs.SUBSCRIBERS.get("order.confirmed", {})),
        )
    )  # fmt: skip
    return [_result(answer) for answer in answers]


def _result(answer: _Answer) -> Placed | Problem:
    if answer.problem == idempotency.KeyReused.code:
        return idempotency.KeyReused()
    if answer.problem is not None:
        return problems.from_code(answer.problem, answer.fields)
    assert answer.order_id is not None
    assert answer.state is not None
    return Placed(answer.order_id, answer.number, answer.state, answer.amount_minor, answer.currency, answer.expires_at)


async def place_one(tx: Tx, request: PlaceRequest, *, is_known: bool, hold_s: int | None = None) -> Placed | Problem:
    """Prices a booking and decides it in its caller's transaction, where more than the booking belongs to it.

    Whoever calls this commits also after BenefitOver: the guard may have stopped a campaign. `is_known`: whether its account
    tells who books; else offers that ask for that are left out.
    """
    answer: Placed | Problem = offers.OffersMoved()
    for _ in range(offers.TRIES):
        offered = await live.load(tx)
        strangers = () if is_known else (request.account_id,)
        [priced] = await offers.price_all(tx, offered, [request], strangers=strangers)
        if isinstance(priced, Problem):
            return priced
        [answer] = await place_many(tx, [priced], hold_s=hold_s)
        if not isinstance(answer, offers.OffersMoved):
            break
    return answer


def group_commit(db: Db, *, lanes: int, limit: int = 256, depth: int = 20_000) -> Batch[PlaceRequest, Placed]:
    """The one place where this process's bookings meet: ``placed = await place(request)``."""

    till = offers.Till(db)

    async def flush(requests: Sequence[PlaceRequest]) -> list[Placed | Problem]:
        """What was priced with offers that have moved meanwhile is priced again."""
        answers: list[Placed | Problem] = [offers.OffersMoved()] * len(requests)
        left = list(range(len(requests)))
        for _ in range(offers.TRIES):
            ready: list[tuple[int, PlaceRequest]] = []
            for at, priced in zip(left, await till.price([requests[at] for at in left]), strict=True):
                if isinstance(priced, Problem):
                    answers[at] = priced
                else:
                    ready.append((at, priced))
            results = await db.run_one(place_many, [priced for _, priced in ready]) if ready else []
            for (at, _), result in zip(ready, results, strict=True):
                answers[at] = result
            left = [at for at, _ in ready if isinstance(answers[at], offers.OffersMoved)]
            if not left:
                break
            till.forget()
        faults.point(COMMITTED)
        return answers

    return Batch(flush, limit=limit, lanes=lanes, depth=depth)
