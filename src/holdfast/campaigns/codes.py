"""Codes of campaigns: a single one that everybody types, or many, each with its own number of uses.

    made = await codes.make(db, actor, "spring-2027", "SPRING-####-####", 50_000, uses=1, batch="letters")
    code = await codes.look_up(db, "ｓｐｒｉｎｇ 7k3q-f90x", source)      # as people type it

A code is used up in the booking's transaction, by the database's door ``campaigns.grant``. Here codes are made, brought in and out,
looked up and ended. No code is ever deleted.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import unicodedata
from collections.abc import Sequence
from datetime import datetime

import msgspec

from holdfast import admission
from holdfast.kit import audit, clock, ids
from holdfast.kit.actor import Actor
from holdfast.kit.db import Db, ReadTx, Tx
from holdfast.kit.i18n import both
from holdfast.kit.problems import Conflict, InvalidInput, NotFound, TooMany

from . import codes_store as store
from .codes_store import CodeRow, Counts
from .model import CampaignUnknown, Text

ROWS = 10_000
"""So many codes are written by one statement, in one transaction."""
NUMBER_MAX, USES_MAX, SINGLE_USES_MAX = 1_000_000, 1000, 100_000_000
SPARSE = 1_000_000
"""Of so many possible codes at most one may be made: nobody finds one by trying."""
LOOKUPS, LOOKUP_WINDOW_S = 20, 600
SINGLE = "single"
_SHAPE = re.compile(r"[A-Z0-9]{4,32}").fullmatch
_BATCH = re.compile(r"[a-z0-9][a-z0-9-]{0,39}").fullmatch
_LOOKALIKES = str.maketrans({"I": "1", "L": "1", "O": "0", "U": "V", "Z": "2"})


class BenefitCodeUnknown(NotFound):
    """We do not know this code."""

    safe = "Your basket is as it was."
    next_step = "Compare it with your message, letter by letter; every code is made of letters and digits only."


class CodesTooOften(TooMany):
    """Too many codes were tried from here."""

    safe = "Your basket is as it was."
    next_step = "Wait a few minutes, then type it again."


class CodeTaken(Conflict):
    """This code belongs to another campaign already."""

    safe = "Nothing was made."
    next_step = "Choose another code."


class Made(msgspec.Struct, frozen=True):
    """What making codes came to: `made` now, `known` from an earlier call for the same batch."""

    campaign_id: str
    batch: str
    made: int
    known: int


def read(typed: str) -> str | None:
    """What a person typed as it stands in our records; None when it can be no code.

    Forgives small letters, full-width characters, and spaces and dashes of every kind.
    """
    wide = unicodedata.normalize("NFKC", typed[:128]).upper()
    text = "".join(sign for sign in wide if unicodedata.category(sign) not in ("Zs", "Zl", "Zp", "Cc", "Cf", "Pd"))
    return text if _SHAPE(text) else None


def readings(typed: str) -> list[str]:
    """The codes that somebody can have meant, the most likely first: as typed, then with misread letters put right.

    Codes that we make hold none of I, L, O, U, Z; codes of others may.
    """
    code = read(typed)
    return [] if code is None else list(dict.fromkeys([code, code.translate(_LOOKALIKES)]))


def show(code: str) -> str:
    """A code in groups of four, for eyes and ears."""
    return "-".join(code[at : at + 4] for at in range(0, len(code), 4))


# Making


async def make_single(tx: Tx, actor: Actor, campaign_id: str, code: str, *, uses: int) -> CodeRow:
    """The one code of a campaign. InvalidInput; CampaignUnknown; CodeTaken. The same call again gives the same row."""
    wanted = read(code)
    errors = [] if wanted else [_error("code", "CODE_SHAPE", "Use 4 to 32 letters and digits.")]
    if not 1 <= uses <= SINGLE_USES_MAX:
        errors.append(_error("uses", "CODE_USES", "Write how many orders may use it, 1 to 100,000,000."))
    if errors or wanted is None:
        raise InvalidInput(errors=errors)
    await require_campaign(tx, campaign_id)
    if await store.insert(tx, campaign_id, SINGLE, [wanted], [uses], clock.now()):
        await audit.record(tx, actor, "campaign.code", f"campaign:{campaign_id}", code=wanted, uses=uses)
    [row] = await store.find(tx, [wanted])
    if row.campaign_id != campaign_id or row.batch != SINGLE:
        raise CodeTaken
    return row


async def make(
    db: Db, actor: Actor, campaign_id: str, pattern: str, number: int, *, batch: str, uses: int = 1
) -> Made:  # fmt: skip
    """So many different codes in a batch; a batch that was begun and broke off is filled up. InvalidInput; CampaignUnknown.

    `pattern`: letters and digits as they are, # for a random character. Codes are written ten thousand at a time.
    """
    check_pattern(pattern, number, batch=batch, uses=uses)
    await db.read(require_campaign, campaign_id)
    known = (await db.read(store.counts, campaign_id, batch)).codes
    have = known
    while have < number:
        some = await asyncio.to_thread(drawn, pattern, min(ROWS, number - have))
        have += await db.run(_make_some, actor, campaign_id, batch, some, uses)
    return Made(campaign_id, batch, have - known, known)


async def _make_some(tx: Tx, actor: Actor, campaign_id: str, batch: str, some: Sequence[str], uses: int) -> int:
    """Writes these codes; those that exist already are left out, and others are drawn for them."""
    made = await store.insert(tx, campaign_id, batch, some, [uses] * len(some), clock.now())
    await audit.record(tx, actor, "campaign.codes", f"campaign:{campaign_id}", batch=batch, made=made, uses=uses)
    return made


def drawn(pattern: str, number: int) -> list[str]:
    """So many different random codes of a pattern."""
    found: dict[str, None] = {}
    while len(found) < number:
        found[_one(pattern)] = None
    return list(found)


def _one(pattern: str) -> str:
    return "".join(secrets.choice(ids.ALPHABET) if sign == "#" else sign for sign in _signs(pattern))


def _signs(pattern: str) -> str:
    return re.sub(r"[\s\-]", "", pattern).upper()


def check_pattern(pattern: str, number: int, *, batch: str, uses: int) -> None:
    """InvalidInput with every finding at once."""
    errors = []
    signs = _signs(pattern)
    if not re.fullmatch(r"[A-Z0-9#]{4,32}", signs):
        errors.append(
            _error("pattern", "PATTERN_SHAPE", "Use 4 to 32 letters, digits and #; # becomes a random character.")
        )
    elif number > 0 and len(ids.ALPHABET) ** signs.count("#") < number * SPARSE:
        wanted = next(n for n in range(1, 33) if len(ids.ALPHABET) ** n >= number * SPARSE)
        text = "Such codes can be guessed: for so many it needs at least {count} signs #."
        errors.append(_error("pattern", "PATTERN_SHORT", text, count=wanted))
    if not 1 <= number <= NUMBER_MAX:
        errors.append(_error("number", "CODES_NUMBER", "Make 1 to 1,000,000 codes at a time."))
    if not 1 <= uses <= USES_MAX:
        errors.append(_error("uses", "CODE_USES_EACH", "Each code can be used 1 to 1,000 times."))
    errors += check_batch(batch)
    if errors:
        raise InvalidInput(errors=errors)


def check_batch(batch: str) -> list[dict[str, object]]:
    """What is wrong with the name of a batch."""
    if _BATCH(batch) and batch != SINGLE:
        return []
    text = "Name the batch with 1 to 40 small letters, digits and hyphens; “single” is taken."
    return [_error("batch", "BATCH_NAME", text)]


def _error(field: str, code: str, text: str, **values: object) -> dict[str, object]:
    return {"field": field, "code": code, "message": both(text, **values), "severity": "error"}


async def require_campaign(tx: ReadTx, campaign_id: str) -> None:
    """CampaignUnknown, unless there is one."""
    await name_of(tx, campaign_id)


async def name_of(tx: ReadTx, campaign_id: str) -> Text:
    """What a campaign is called. CampaignUnknown."""
    found = await store.name_of(tx, campaign_id)
    if found is None:
        raise CampaignUnknown
    return found


# Looking up


async def look_up(db: Db, typed: str, source: str) -> CodeRow:
    """The code that somebody typed, whatever its state: who asks again for what they have booked with it must find it, too.

    CodesTooOften limits tries by `source`. Only codes that there are not (BenefitCodeUnknown) count, so that people with codes
    are not held up by others behind the same address.
    """
    left = await db.run(admission.spend, "campaign-code", source, uses=LOOKUPS, per_s=LOOKUP_WINDOW_S)
    if not left.allowed:
        raise CodesTooOften(retry_after_s=left.resets_in_s)
    found = await db.read(find, typed)
    if found is None:
        raise BenefitCodeUnknown
    await db.run(admission.give_back, "campaign-code", source)
    return found


async def find(tx: ReadTx, typed: str) -> CodeRow | None:
    """The code that somebody meant, whatever its state; None when there is none."""
    meant = readings(typed)
    rows = {row.code: row for row in await store.find(tx, meant)} if meant else {}
    return next((rows[code] for code in meant if code in rows), None)


async def counts(tx: ReadTx, campaign_id: str, batch: str | None = None) -> Counts:
    """How many codes of a campaign (or of one batch) there are: left, used, ended."""
    return await store.counts(tx, campaign_id, batch)


async def batches(tx: ReadTx, campaign_id: str) -> list[Counts]:
    """The same by batch, the newest first."""
    return await store.batches(tx, campaign_id)


async def end(
    tx: Tx, actor: Actor, campaign_id: str, *, batch: str | None = None, code: str | None = None, reason: str
) -> int:
    """Ends the codes of a batch, one code, or all of a campaign; how many. Orders that used them keep what they got. BenefitCodeUnknown."""
    at: datetime = clock.now()
    one = await find(tx, code) if code is not None else None
    if code is not None and (one is None or one.campaign_id != campaign_id):
        raise BenefitCodeUnknown
    ended = await store.end(tx, campaign_id, batch, one.code if one else None, at)
    await audit.record(
        tx,
        actor,
        "campaign.codes-ended",
        f"campaign:{campaign_id}",
        batch=batch,
        code=code,
        ended=ended,
        reason=reason[:500],
    )
    return ended
