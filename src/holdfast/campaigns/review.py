"""Review: another person types the figures again, blind, and approves; a slip rejects the proposal by itself.

Whoever only clicks through what is on the page agrees to a wrong amount and a wrong payer as easily as to right ones. So the
form asks for amount, unit, cap and payer and shows none of them. What was typed is compared in the gate of changes itself
(`changes.approve`), so page, API and command line have no way around it; here it is read.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any
from uuid import UUID

import msgspec

from holdfast import changes
from holdfast.kit.actor import Actor
from holdfast.kit.db import Db
from holdfast.kit.i18n import both
from holdfast.kit.problems import InvalidInput

from . import envelopes, restart, start

KINDS = (envelopes.KIND, start.KIND, restart.KIND)
MONEY_UNITS = ("order", "ticket", "price", "most")
UNITS = (*MONEY_UNITS, "percent", "gift")
"""An amount off an order, off a ticket, a ticket's price, the most an order gets (of envelopes); percent; number of gifts."""


class Retyped(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Figures as somebody typed them: yuan or percent, without a cap an empty text."""

    amount: str
    unit: str
    cap: str
    payer: str


class NotOfCampaigns(changes.ProposalUnknown):
    """There is no such proposal of a campaign."""


async def approve(
    db: Db, actor: Actor, proposal_id: UUID, shown: str, retyped: Retyped, note: str = ""
) -> changes.Proposal:
    """Agrees to what `shown` (hex, `Proposal.shown`) stands for, if the figures are the proposed ones.

    InvalidInput for what cannot be read; what `changes.approve` raises, FiguresDiffer above all.
    """
    proposal = await db.read(changes.require, proposal_id)
    if proposal.kind not in KINDS:
        raise NotOfCampaigns
    return await changes.approve(db, actor, proposal_id, shown, note, retyped=read(retyped))


def read(retyped: Retyped) -> dict[str, str]:
    """Typed figures in minor units and basis points. InvalidInput for what is no figure, with every finding."""
    errors = []
    unit = retyped.unit.strip()
    if unit not in UNITS:
        errors.append(_error("unit", "Choose the unit."))
    amount = _hundredths(retyped.amount) if unit != "gift" else _whole(retyped.amount)
    if amount is None:
        errors.append(_error("amount", "Write a number, such as 20 or 12.50."))
    cap = _hundredths(retyped.cap) if retyped.cap.strip() else ""
    if cap is None:
        errors.append(_error("cap", "Write a number, such as 30, or leave it empty if there is no cap."))
    if retyped.payer not in envelopes.PAYERS:
        errors.append(_error("payer", "Choose who pays."))
    if errors:
        raise InvalidInput(errors=errors)
    return {"amount": str(amount), "unit": unit, "cap": str(cap), "payer": retyped.payer}


def _hundredths(typed: str) -> str | None:
    """``12.5`` → ``1250``: yuan in fen, percent in basis points."""
    text = re.sub(r"[\s,%¥元]", "", unicodedata.normalize("NFKC", typed[:40]))
    found = re.fullmatch(r"([0-9]{1,9})(?:\.([0-9]{1,2}))?", text)
    return str(int(found[1]) * 100 + int((found[2] or "").ljust(2, "0"))) if found else None


def _whole(typed: str) -> str | None:
    text = unicodedata.normalize("NFKC", typed[:40]).strip()
    return str(int(text)) if re.fullmatch(r"[0-9]{1,4}", text) else None


def _error(field: str, text: str) -> dict[str, Any]:
    return {"field": field, "code": f"RETYPED_{field.upper()}", "message": both(text), "severity": "error"}
