"""Is this really from you? A text, or a code alone, is compared with what we sent: verdict, reasons, and the difference.

A check reads the database and nothing else: no link is followed, nothing of the text is kept. What is unknown is never called safe.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

from rapidfuzz.distance import Indel

from holdfast.kit import clock, crypto, settings
from holdfast.kit.db import ReadTx
from holdfast.kit.i18n import both
from holdfast.kit.problems import InvalidInput

from . import checking_store as store
from . import folding, links, outbox, positions, reasons, stamps, wordings
from .checking_model import Checked, Difference, Part, Reason, Sent, Verdict
from .checking_store import Coded
from .links import Link
from .positions_model import Position
from .wordings import Wording

Own = Mapping[bytes, datetime]
TEXT_MAX, SENDER_MAX = 4000, 100
EQUAL_MIN = 3
"""Equal characters in a row that count as equal."""
ZONE = ZoneInfo("Asia/Shanghai")
_TOKEN = re.compile(r"[a-z][a-z0-9+.-]*://[^\s，。；！？、）]+|[A-Za-z0-9]+|\s+|.", re.IGNORECASE | re.DOTALL)


def read_text(typed: str, field: str = "text") -> str:
    """What somebody pasted. InvalidInput when there is nothing, or more than 4,000 characters."""
    text = typed.replace("\r\n", "\n").strip()
    if text and len(text) <= TEXT_MAX:
        return text
    sentence = (
        "Paste at most 4,000 characters: one message at a time." if text else "Paste the message, or type its code."
    )
    code = "TEXT_TOO_LONG" if text else "TEXT_MISSING"
    raise InvalidInput(
        errors=[{"field": field, "code": code, "message": both(sentence), "severity": "error", "suggestion": None}]
    )


def codes_of(text: str) -> list[str]:
    """The codes that a check of this text looks up: each is a use of the limit unless it is one of ours."""
    alone = stamps.alone(text)
    return [alone] if alone else stamps.within(text)


async def check(tx: ReadTx, text: str, *, sender: str = "", own: Own = MappingProxyType({})) -> Checked:
    """Compares a text with what we sent. `own` are the blind indexes of the asker's phones and addresses, and since when: what was sent there since is shown whole.

    InvalidInput as `read_text` says.
    """
    text = read_text(text)
    codes = codes_of(text)
    found = {one.check_code: one for one in await store.by_codes(tx, codes)} if codes else {}
    known = next((found[code] for code in codes if code in found), None)
    if stamps.alone(text):
        return _by_code(known, codes[0], own)
    seen = links.find(text)
    stands = _speaking(await positions.standing(tx), text, seen)
    if known is not None:
        return _by_text(known, text, own, seen, stands)
    every = {(one.locale, one.text): one for one in [*wordings.current(outbox.TEMPLATES), *await store.wordings(tx)]}
    near, likeness = wordings.nearest(list(every.values()), text)
    because = [
        *reasons.of_codes(text, codes, since=_day(await store.first_code_at(tx))),
        *reasons.of_text(text, sender, seen),
    ]
    because += [Reason("position", one.says) for one in stands]
    if near is not None and likeness >= wordings.NEAR:
        links_ours = all(link.is_ours for link in seen)
        because.insert(0, reasons.near(likeness, is_whole=likeness >= wordings.SAME, links_ours=links_ours))
        return Checked(
            Verdict.IMITATION, because, difference=_filled_in(_difference(text, _bare(near))), links=seen, positions=stands, likeness=int(likeness)
        )  # fmt: skip
    imitates = any(link.imitates for link in seen)
    return Checked(
        Verdict.IMITATION if imitates else Verdict.NOT_OURS,
        because,
        links=seen,
        positions=stands,
        likeness=int(likeness),
    )


def _by_code(known: Coded | None, code: str, own: Own) -> Checked:
    """A code alone: what has it, for comparing by eye."""
    if known is None:
        return Checked(Verdict.NOT_OURS, [reasons.unknown_code(code)])
    because = [reasons.ONE_TEXT] if _body(known) else [reasons.NOT_KEPT]
    return Checked(Verdict.CODE_KNOWN, because, message=_shown(known, own))


def _by_text(known: Coded, text: str, own: Own, seen: list[Link], stands: list[Position]) -> Checked:
    body, shown = _body(known), _shown(known, own)
    if not body:
        return Checked(Verdict.CODE_KNOWN, [reasons.NOT_KEPT], message=shown, links=seen, positions=stands)
    ours = {folding.plain(body), folding.plain(f"{known.subject}{body}")}
    signed = folding.signature(text)
    asked = folding.plain(folding.unsigned(text) if signed == settings.current().message_signature else text)
    if asked in ours and not folding.invisible(text):
        return Checked(
            Verdict.SENT, [reasons.sent(shown), reasons.FORWARDED, *reasons.of_secret(known.wording)], message=shown
        )
    pieces = _pieces(known)
    said = [one for one in reasons.of_text(text, "", seen) if one.code != "our-name"]  # our own words have it
    because = [reasons.COPIED, *said, *(Reason("position", one.says) for one in stands)]
    difference = _difference(
        _hidden(text, pieces) if not shown.whole else text, "".join(part.text for part in shown.parts)
    )
    return Checked(Verdict.CODE_COPIED, because, message=shown, difference=difference, links=seen, positions=stands)


def _body(known: Coded) -> str:
    return crypto.unseal("notices.messages.body", known.body)


def _pieces(known: Coded) -> list[wordings.Piece]:
    text, _, stamp = _body(known).rpartition("\n")
    return [*wordings.pieces(known.wording, text), wordings.Piece(f"\n{stamp}", f"\n{stamp}")]


def _shown(known: Coded, own: Own) -> Sent:
    """The message as the asker may see it: whole for its recipient, else without personal values."""
    since = own.get(known.recipient_index)
    whole, parts = since is not None and since <= known.created_at, []
    if _body(known):
        parts = [Part(one.text if whole else one.shown, one.is_hidden and not whole) for one in _pieces(known)]
    return Sent(
        known.check_code, known.channel, known.recipient_masked, known.locale, known.subject if whole else "", known.created_at, parts, whole
    )  # fmt: skip


def _hidden(text: str, pieces: Sequence[wordings.Piece]) -> str:
    """A pasted text with the values it shares with ours hidden as they are in ours: the difference tells only what differs."""
    for piece in sorted((one for one in pieces if one.is_hidden and len(one.text) > 1), key=lambda one: -len(one.text)):
        text = text.replace(piece.text, piece.shown)
    return text


def _bare(near: Wording) -> str:
    return re.sub(r"{\w+}", wordings.HIDDEN, near.text)


def _filled_in(found: Sequence[Difference]) -> list[Difference]:
    """What stands in a place of a template, which has no words of its own there, is a value and no difference."""
    kept: list[Difference] = []
    for one in found:
        if kept and kept[-1] == Difference("ours", wordings.HIDDEN) and one.kind == "theirs":
            kept[-1] = Difference("value", one.text)
        else:
            kept.append(one)
    return kept


def _difference(theirs: str, ours: str) -> list[Difference]:
    """Both texts side by side, token by token. A few characters that happen to be equal between differences differ with them."""
    left, right = _TOKEN.findall(folding.trimmed(theirs)), _TOKEN.findall(ours)
    found: list[Difference] = []
    apart = {"ours": "", "theirs": ""}
    for op in Indel.opcodes([*map(folding.plain, left)], [*map(folding.plain, right)]):
        mine, other = "".join(right[op.dest_start : op.dest_end]), "".join(left[op.src_start : op.src_end])
        outermost = op.src_start == op.dest_start == 0 or (op.src_end == len(left) and op.dest_end == len(right))
        if op.tag == "equal" and (outermost or len(mine.strip()) >= EQUAL_MIN):
            found += [Difference(kind, text) for kind, text in apart.items() if text]
            found.append(Difference("same", mine))
            apart = {"ours": "", "theirs": ""}
        else:
            apart["ours"] += mine
            apart["theirs"] += other
    return found + [Difference(kind, text) for kind, text in apart.items() if text]


def _speaking(standing: Sequence[Position], text: str, seen: Sequence[Link]) -> list[Position]:
    folded = folding.skeleton(text)
    return [one for one in standing if one.speaks_to(folded, has_link=bool(seen))]


def _day(at: datetime | None) -> str:
    return (at or clock.now()).astimezone(ZONE).date().isoformat()
