"""Proofs that somebody has control of an account, given to the person who wants to join it with theirs.

A phone number alone proves nothing: numbers are given out again. A proof is a fresh code read on that phone, or a passkey;
it counts for ten minutes and only for the one who asked, so that nobody can use what another has proven.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Literal, NamedTuple
from uuid import UUID

from holdfast import admission, notices
from holdfast.kit import clock, crypto, ids
from holdfast.kit.db import Db, ReadTx, Tx
from holdfast.kit.problems import Problem

from . import merging_store
from .contacts import mask_phone
from .merging_model import FRESH, ContactMissing, NothingToJoin, ProofMissing, SamePhone, TooManyMergeCodes
from .model import Challenge, CodeExpired, CodeWrong

CODE_TRIES = 5
CODES_PER_PHONE_HOUR = 6
CODES_PER_ASKER_HOUR = 20
HOUR_S = 3600
Means = Literal["code", "passkey"]


class _Contact(NamedTuple):
    """Where a code goes."""

    kind: str
    value: str
    masked: str

    @property
    def blind(self) -> bytes:
        return crypto.blind_index(self.kind, self.value)


async def send_merge_codes(tx: Tx, asker: UUID, phone: str, locale: str) -> list[Challenge]:
    """Sends a code to the asker's own phone, or address, and one to `phone` (E.164); who has proven needs none.

    Each names the other. The answer is the same whether `phone` has an account or not. SamePhone; ContactMissing;
    TooManyMergeCodes says until when.
    """
    own, other = await _own(tx, asker), _Contact("phone", phone, mask_phone(phone))
    account_id = await merging_store.account_of_phone(tx, other.blind)
    if account_id == asker:
        raise SamePhone
    proven = await merging_store.proofs(tx, asker, clock.now())
    sent = []
    if asker not in proven:
        sent.append(await _send(tx, asker, own, other, locale))
    if account_id not in proven:
        sent.append(await _send(tx, asker, other, own, locale))
    return sent


async def _own(tx: ReadTx, account_id: UUID) -> _Contact:
    """The first phone of an account, else its first e-mail address. ContactMissing."""
    found = await merging_store.contact(tx, account_id)
    if found is None:
        raise ContactMissing
    return _Contact(found.kind, crypto.unseal("accounts.identifiers.value", bytes(found.value)), found.masked)


async def merge_contact(tx: ReadTx, account_id: UUID) -> str:
    """Where the code for one's own account goes, masked. ContactMissing."""
    return (await _own(tx, account_id)).masked


async def _send(tx: Tx, asker: UUID, to: _Contact, other: _Contact, locale: str) -> Challenge:
    for name, subject, uses in (
        ("merge-code-phone", to.blind.hex(), CODES_PER_PHONE_HOUR),
        ("merge-code-asker", str(asker), CODES_PER_ASKER_HOUR),
    ):
        left = await admission.spend(tx, name, subject, uses=uses, per_s=HOUR_S)
        if not left.allowed:
            raise TooManyMergeCodes(retry_after_s=left.resets_in_s)
    code, now = f"{secrets.randbelow(1_000_000):06d}", clock.now()
    await merging_store.insert_code(
        tx, ids.uuid7(), to.blind, asker, _code_hash(asker, to.value, code), CODE_TRIES, now, now + FRESH
    )
    send = notices.send if to.kind == "phone" else notices.send_mail
    await send(tx, to.value, to.masked, "merge-code", locale, code=code, other=other.masked)
    return Challenge(to.masked, now + FRESH)


def _code_hash(asker: UUID, contact: str, code: str) -> bytes:
    """Keyed, and of this asker and contact alone."""
    return crypto.blind_index("merge-code", f"{asker}|{contact}|{code}")


async def prove_own(db: Db, asker: UUID, code: str) -> UUID:
    """One's own account, proven by the code that was sent to it. CodeWrong; CodeExpired; ContactMissing."""
    return _raised(await db.run(_prove_own, asker, code.strip()))


async def _prove_own(tx: Tx, asker: UUID, code: str) -> UUID | Problem:
    return await _prove(tx, asker, await _own(tx, asker), code, asker)


async def prove_phone(db: Db, asker: UUID, phone: str, code: str) -> UUID:
    """The account of the phone on which this code was read, proven from now on.

    CodeWrong costs one of five tries of that code; CodeExpired; NothingToJoin when the phone has no account.
    """
    return _raised(await db.run(_prove_phone, asker, phone, code.strip()))


def _raised(outcome: UUID | Problem) -> UUID:
    """What a wrong code costs is written down before it is refused."""
    if isinstance(outcome, Problem):
        raise outcome
    return outcome


async def _prove_phone(tx: Tx, asker: UUID, phone: str, code: str) -> UUID | Problem:
    contact = _Contact("phone", phone, mask_phone(phone))
    return await _prove(tx, asker, contact, code, await merging_store.account_of_phone(tx, contact.blind))


async def _prove(tx: Tx, asker: UUID, contact: _Contact, code: str, account_id: UUID | None) -> UUID | Problem:
    now = clock.now()
    sent = await merging_store.newest_code(tx, asker, contact.blind)
    if sent is None or sent.used_at is not None or sent.expires_at <= now or sent.tries_left <= 0:
        return CodeExpired()
    if not secrets.compare_digest(bytes(sent.code_hash), _code_hash(asker, contact.value, code)):
        await merging_store.use_try(tx, sent.id)
        return CodeWrong(tries_left=sent.tries_left - 1)
    await merging_store.use_code(tx, sent.id, now)
    if account_id is None:
        return NothingToJoin()
    await prove(tx, account_id, "code", asker=asker)
    return account_id


async def prove(tx: Tx, account_id: UUID, means: Means, *, asker: UUID, fresh: timedelta = FRESH) -> None:
    """Writes down that `asker` has just shown control of an account, as by a passkey of it. Callers have checked it."""
    now = clock.now()
    await merging_store.insert_proof(tx, ids.uuid7(), account_id, asker, means, now, now + fresh)


async def proven(tx: ReadTx, asker: UUID) -> dict[UUID, str]:
    """The accounts that were proven to an asker within the last ten minutes → by what means."""
    return await merging_store.proofs(tx, asker, clock.now())


async def require_proofs(tx: ReadTx, asker: UUID, left: Sequence[UUID], right: Sequence[UUID]) -> dict[str, str]:
    """By what means each side was proven to the asker. ProofMissing, with the sides that were not."""
    found = await proven(tx, asker)
    sides = {"left": left, "right": right}
    means = {side: found[one] for side, accounts in sides.items() for one in accounts if one in found}
    if means.keys() != sides.keys():
        raise ProofMissing(sides=sorted(sides.keys() - means.keys()))
    return means
