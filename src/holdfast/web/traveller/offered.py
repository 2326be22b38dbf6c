"""What campaigns take off a choice, as checkout shows it: each by its label and why, the total, and what became of a code."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

import msgspec
from starlette.requests import Request

from holdfast import accounts, orders
from holdfast.campaigns import codes
from holdfast.kit.db import ReadTx
from holdfast.orders import discounts, offers
from holdfast.web import offer_words, sessions
from holdfast.web.forms import Form
from holdfast.web.render import language

from .choices import Choice

FIELD = "benefit_code"
"""The field of a typed code; `code` is the one that proves a phone."""
TOTAL = "quoted_total"
"""The hidden field with the price that was shown."""
UNKNOWN_CODE = "We do not know this code. Compare it with where you have it from, or book without it."
SPENT_CODE = "This code has been used already, or is not valid any more. You can book without it."
GUESSED = "Too many codes were tried from here. Wait a few minutes, then type it again."
IDLE_CODE = "This code gives nothing for these tickets. You can book without it."


class Benefit(msgspec.Struct, frozen=True):
    """One discount or gift: its label, why it is given, how much it takes off, and what is given in English words."""

    label: dict[str, str]
    reason: dict[str, str]
    amount_minor: int
    gift: str


class Shown(msgspec.Struct, frozen=True):
    """The price of a choice with everything that is taken off."""

    benefits: list[Benefit]
    total_minor: int


async def load(request: Request, choice: Choice, form: Form) -> Shown:
    """What the choice costs now for whoever looks; a code that gives nothing is said beside its field."""
    session: accounts.Session | None = getattr(request.state, "visitor", None)
    account_id: UUID | None = session.account_id if session else None
    code = await _code(request, form)
    async with sessions.database(request).reading() as tx:
        quoted = await offers.quote(tx, account_id, wishes(choice), channel="web", locale=language(request), code=code)
        return await explain(tx, quoted, form)


async def _code(request: Request, form: Form) -> str:
    """The code as it is kept; empty, and said beside the field, where there is none or too many were tried."""
    typed = code_of(form)
    try:
        return await offers.read_code(sessions.database(request), typed, sessions.source(request)) if typed else ""
    except codes.CodesTooOften:
        form.add(FIELD, GUESSED)
    except offers.CodeRefused:
        form.add(FIELD, UNKNOWN_CODE)
    return ""


def wishes(choice: Choice) -> list[offers.Wish]:
    """The choice as it is priced."""
    return [offers.Wish(line.slot_id or choice.slot_id, line.price_id, line.quantity) for line in choice.lines]


def code_of(form: Form) -> str:
    """The code that was typed, as far as one can be as long."""
    return form.value(FIELD).strip()[:40]


async def explain(tx: ReadTx, quoted: offers.Quoted, form: Form) -> Shown:
    """A price with its reasons; a code that gives nothing is said beside its field."""
    typed, grants = code_of(form), quoted.priced.grants
    says = await discounts.sentences(tx, [grant.version_id for grant in grants])
    if typed and not any(grant.code for grant in grants) and not form.is_wrong(FIELD):
        form.add(FIELD, UNKNOWN_CODE if quoted.code is None else IDLE_CODE if quoted.code.usable else SPENT_CODE)
    shown = [
        Benefit(
            grant.label, discounts.reason(grant.trace, says.get(grant.version_id), grant.code), grant.amount_minor,
            offer_words.GIFTS.get(str(grant.gift["benefit"]), "a benefit") if grant.gift else "",
        )
        for grant in grants
    ]  # fmt: skip
    return Shown(shown, quoted.priced.total_minor)


def basket(choice: Choice, typed: Mapping[str, str], phone: str) -> orders.Basket:
    """The choice as it is booked: with the code that was typed and the price that was shown."""
    return msgspec.structs.replace(
        choice.basket(typed, phone), code=typed.get(FIELD, "").strip(), quoted_total_minor=total_of(typed)
    )


def total_of(typed: Mapping[str, str]) -> int | None:
    """The price that was shown, minor units; None when none was."""
    total = typed.get(TOTAL, "")
    return int(total) if total.isascii() and total.isdigit() and len(total) < 16 else None
