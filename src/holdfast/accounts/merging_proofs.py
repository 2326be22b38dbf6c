"""Proofs that somebody has control of an account, given to the person who wants to join it with theirs.

A phone number alone proves nothing: numbers are given out again. A proof is a fresh code read on that phone, or a passkey;
it counts for ten minutes and only for the one who asked, so that nobody can use what another has proven.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Literal
from uuid import UUID

from holdfast import admission, notices
from holdfast.kit import clock, crypto, ids
from holdfast.kit.db import Db, ReadTx, Tx
from holdfast.kit.problems import Problem

from . import merging_store
from .contacts import mask_phone
from .merging_model import FRESH, NothingToJoin, ProofMissing, SamePhone, TooManyMergeCodes
from .model import Challenge, CodeExpired, CodeWrong

CODE_TRIES = 5
CODES_PER_PHONE_HOUR = 6
CODES_PER_ASKER_HOUR = 20
HOUR_S = 3600
Means = Literal["code", "passkey"]


async def send_merge_codes(tx: Tx, asker: UUID, phone: str, locale: str) -> list[Challenge]:
    """Sends a code to the asker's own phone and one to `phone` (E.164), each naming the other; who has proven needs none.

    The answer is the same whether `phone` has an account or not. SamePhone; TooManyMergeCodes says until when.
    """
    [own, *_others] = [*await _phones(tx, asker), phone]
    if own == phone:
        raise SamePhone
    proven = await merging_store.proofs(tx, asker, clock.now())
    sent = []
    for to, other in ((own, phone), (phone, own)):
        account_id = await merging_store.account_of_phone(tx, crypto.blind_index("phone", to))
        if account_id not in proven:
            sent.append(await _send(tx, asker, to, other, locale))
    return sent


async def _phones(tx: ReadTx, account_id: UUID) -> list[str]:
    """The phones an account signs in with, in E.164 form, the first first."""
    found = await merging_store.contacts(tx, [account_id])
    return [crypto.unseal("accounts.identifiers.value", bytes(contact.value)) for contact in found]


async def _send(tx: Tx, asker: UUID, phone: str, other: str, locale: str) -> Challenge:
    index = crypto.blind_index("phone", phone)
    for name, subject, uses in (
        ("merge-code-phone", index.hex(), CODES_PER_PHONE_HOUR),
        ("merge-code-asker", str(asker), CODES_PER_ASKER_HOUR),
    ):
        left = await admission.spend(tx, name, subject, uses=uses, per_s=HOUR_S)
        if not left.allowed:
            raise TooManyMergeCodes(retry_after_s=left.resets_in_s)
    code, now = f"{secrets.randbelow(1_000_000):06d}", clock.now()
    await merging_store.insert_code(
        tx, ids.uuid7(), index, asker, _code_hash(asker, phone, code), CODE_TRIES, now, now + FRESH
    )
    await notices.send(tx, phone, mask_phone(phone), "merge-code", locale, code=code, other=mask_phone(other))
    return Challenge(mask_phone(phone), now + FRESH)


def _code_hash(asker: UUID, phone: str, code: str) -> bytes:
    """Keyed, and of this asker and phone alone."""
    return crypto.blind_index("merge-code", f"{asker}|{phone}|{code}")


async def prove_phone(db: Db, asker: UUID, phone: str, code: str) -> UUID:
    """The account of the phone on which this code was read, proven from now on.

    CodeWrong costs one of five tries of that code; CodeExpired; NothingToJoin when the phone has no account.
    """
    outcome = await db.run(_prove_phone, asker, phone, code.strip())
    if isinstance(outcome, Problem):
        raise outcome
    return outcome


async def _prove_phone(tx: Tx, asker: UUID, phone: str, code: str) -> UUID | Problem:
    now, index = clock.now(), crypto.blind_index("phone", phone)
    sent = await merging_store.newest_code(tx, asker, index)
    if sent is None or sent.used_at is not None or sent.expires_at <= now or sent.tries_left <= 0:
        return CodeExpired()
    if not secrets.compare_digest(bytes(sent.code_hash), _code_hash(asker, phone, code)):
        await merging_store.use_try(tx, sent.id)
        return CodeWrong(tries_left=sent.tries_left - 1)
    await merging_store.use_code(tx, sent.id, now)
    account_id = await merging_store.account_of_phone(tx, index)
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
