"""Consents: who agreed to which version of which text, when, and when they took it back. Nothing is ever overwritten.

Two are needed: the terms, with the first order; and messages about offers, which nobody gets who has not asked for them
(PIPL art. 14 to 16: informed, explicit, as easy to take back as to give; Consumer Rights Protection Law art. 29).
"""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from holdfast.kit import clock, crypto, ids
from holdfast.kit.db import ReadTx, Tx
from holdfast.kit.i18n import LOCALES, translate

from . import consents_store as store
from .rights_model import Consent, ConsentNeeded, Purpose


class Text(NamedTuple):
    """What is agreed to: English sentences, their Chinese in ``zh.po``. A changed text needs a new version."""

    version: str
    title: str
    sentences: tuple[str, ...]

    @property
    def digest(self) -> bytes:
        """SHA-256 of the text in both languages."""
        whole = [translate(sentence, locale) for locale in LOCALES for sentence in (self.title, *self.sentences)]
        return crypto.digest("\n".join(whole))


TEXTS: dict[Purpose, Text] = {
    Purpose.TERMS: Text(
        "2026-11",
        "Terms of booking",
        (
            "With your order a contract is made for the visit you chose, at the price you were shown.",
            "Your places are held while you pay. If you do not pay in time, they go back on sale and you owe nothing.",
            "What cancelling or changing costs is the rule of the attraction, shown before you book and kept with your order.",
            "Money that is to go back goes back the way it came, by itself.",
            "Attractions with real-name entry need names and documents of all visitors. We use them for nothing else, keep them encrypted, and remove the document numbers some weeks after the visit.",
            "An order is never deleted: you find it by your phone, your account or its number. The law asks us to keep transactions for at least three years.",
            "You can see and take a copy of what we hold about you, and have it erased, on the page of your data.",
            "If something goes wrong on our side, your order and your money are safe first; reach us as the pages say.",
        ),
    ),
    Purpose.MARKETING: Text(
        "2026-11",
        "Messages about offers",
        (
            "Holdfast may send me messages about offers. I can take this back at any time, and it changes nothing about my orders.",
        ),
    ),
}


async def give(tx: Tx, account_id: UUID, purpose: Purpose, place: str, version: str = "") -> None:
    """Agreed to the present text, as shown at `place`, such as ``checkout``. Again: nothing, the first time counts.

    One statement. With a `version` that is not the present one nothing is written: it is not what we would ask for now.
    """
    text = TEXTS[purpose]
    if version not in ("", text.version):
        return
    await store.insert(
        tx, consent_id=ids.uuid7(), account_id=account_id, purpose=purpose, version=text.version, digest=text.digest,
        place=place, at=clock.now(),
    )  # fmt: skip


async def withdraw(tx: Tx, account_id: UUID, purpose: Purpose) -> None:
    """Taken back, for all accounts of the person. ConsentNeeded for the terms, on which orders rest."""
    if purpose is Purpose.TERMS:
        raise ConsentNeeded
    await store.withdraw(tx, account_id, purpose, clock.now())


async def stands(tx: ReadTx, account_id: UUID, purpose: Purpose) -> bool:
    """Whether the person behind an account agrees to the present text. Without an answer: no."""
    return await store.stands(tx, account_id, purpose, TEXTS[purpose].version)


async def log(tx: ReadTx, account_id: UUID) -> list[Consent]:
    """Everything the person behind an account ever agreed to, newest first."""
    return await store.of_person(tx, account_id)
