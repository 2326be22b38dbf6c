"""Rules of lint on whom a version reaches: texts, tickets, kinds, channels, codes, and what else may be for the same tickets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from holdfast.catalogue.model import KINDS
from holdfast.kit.money import Money

from . import bounds, codes
from .envelopes import GOVERNMENT_WORDS
from .model import Content, Envelope, Version
from .nodes import AllOf, AnyOf, Condition, Everything, Leaf
from .words import CHANNELS
from .worst import Found, order_minor

CASH_LIKE = frozenset({"card"})
"""Kinds of venue whose tickets are spent again elsewhere."""
TEXTS = (("names", "name", 60), ("sentence", "sentence for travellers", 200))


def texts(content: Content, envelope: Envelope) -> Iterator[Found]:
    """Both languages are there, and none speaks of a payer."""
    for field, called, most in TEXTS:
        text = getattr(content, field)
        if any(not 2 <= len(text.get(locale, "").strip()) <= most for locale in ("zh", "en")):
            yield Found(field, "TEXT_MISSING", {"field": [called], "most": most})
        said = " ".join(text.values()).lower()
        if envelope.payer != "government" and any(word in said for word in GOVERNMENT_WORDS):
            yield Found(field, "TEXT_OF_GOVERNMENT")


def scope(content: Content, envelope: Envelope, kinds: Mapping[str, str]) -> Iterator[Found]:
    """It says whom it is for, and that is what the envelope allows."""
    if content.when is None:
        yield Found("when", "WHEN_EMPTY")
    if content.scope is None:
        yield Found("scope", "SCOPE_EMPTY")
        return
    possible = kinds_of(content.scope, kinds)
    if bounds.is_everything(content.scope) or not bounds.is_narrow(content.scope) or possible == set(KINDS):
        yield Found("scope", "SCOPE_EVERYTHING")
    cash = CASH_LIKE & (set(KINDS) if possible is None else possible)
    if cash and (possible is not None or cash & set(envelope.kinds)):
        yield Found("scope", "KIND_LIKE_CASH", {"kinds": _named(cash)})
    if possible is None:
        yield Found("scope", "KIND_OPEN", {"allowed": _named(envelope.kinds)})
    elif outside := possible - set(envelope.kinds):
        yield Found("scope", "KIND_OUTSIDE", {"kinds": _named(outside), "allowed": _named(envelope.kinds)})


def kinds_of(scope: Condition, known: Mapping[str, str]) -> set[str] | None:
    """The kinds of venue that chosen tickets can be of; None when that does not follow from the condition."""
    found: set[str] | None = None
    for field in ("kind", "product_id", "venue_id", "price_id"):
        values = bounds.values(scope, field)
        if values is None or (field != "kind" and not all(value in known for value in values)):
            continue
        here = {str(value) if field == "kind" else known[str(value)] for value in values}
        found = here if found is None else found & here
    return found


def _named(kinds: Sequence[str] | set[str] | frozenset[str]) -> list[str]:
    return [KINDS.get(kind, kind) for kind in sorted(kinds)]


def channels(content: Content, envelope: Envelope) -> Iterator[Found]:
    """Only channels that the envelope allows."""
    allowed = [CHANNELS.get(one, one) for one in envelope.channels]
    if not content.channels:
        yield Found("channels", "CHANNEL_MISSING", {"allowed": allowed})
    for at, one in enumerate(content.channels):
        if one not in envelope.channels:
            yield Found(
                f"channels[{at}]",
                "CHANNEL_OUTSIDE",
                {"got": [CHANNELS[one]] if one in CHANNELS else one[:40], "allowed": allowed},
            )


def single_code(code: str) -> Iterator[Found]:
    """It can be typed, and stands there as it is looked up."""
    if codes.read(code) != code:
        yield Found("codes.code", "CODE_SHAPE", {"got": code[:32]})


def overlaps(version: Version, running: Sequence[Version]) -> Iterator[Found]:
    """What else may be granted, or not granted, because of this."""
    for other in sorted(running, key=lambda one: one.id):
        if other.campaign_id == version.campaign_id or not _may_meet(version.content, other.content):
            continue
        yield _overlap(version, other)


def _may_meet(one: Content, other: Content) -> bool:
    return (
        one.schedule.from_at < other.schedule.until_at
        and other.schedule.from_at < one.schedule.until_at
        and bool(set(one.channels) & set(other.channels))
        and (one.schedule.weekdays is None or other.schedule.weekdays is None
             or one.schedule.time_zone != other.schedule.time_zone
             or bool(set(one.schedule.weekdays) & set(other.schedule.weekdays)))
        and bounds.may_meet(one.scope, other.scope)
        and bounds.may_meet(_general(one.when), _general(other.when))
    )  # fmt: skip


def _general(when: Condition | None) -> Condition | None:
    """What is the same for all campaigns: a condition on what its own lines cost says nothing of another's."""
    own = {"scope_minor", "scope_tickets", "venues", "redemptions", "has_code"}
    if isinstance(when, AllOf):
        parts = [part for part in when.parts if not (isinstance(part, Leaf) and part.field in own)]
        return AllOf(parts) if parts else Everything()
    return Everything() if isinstance(when, AnyOf) or (isinstance(when, Leaf) and when.field in own) else when


def _overlap(version: Version, other: Version) -> Found:
    name = other.content.names
    ours, theirs = version.content.stacking, other.content.stacking
    if "alone" in (ours.combines, theirs.combines) or ours.group == theirs.group:
        return Found("stacking", "OVERLAP_EXCLUDES", {"other": name})
    most = [order_minor(one.content) for one in (version, other)]
    known = [
        one.envelope.max_minor if minor is None else minor for one, minor in zip((version, other), most, strict=True)
    ]
    first = min((version, other), key=lambda one: (-one.content.priority, one.id))
    if _share(version) + _share(other) > min(version.envelope.max_bp, other.envelope.max_bp):
        return Found("stacking", "OVERLAP_FLOOR", {"other": name, "first": first.content.names})
    return Found("stacking", "OVERLAP_COMBINES", {"other": name, "minor": Money(sum(known), version.envelope.currency)})


def _share(version: Version) -> int:
    """The most of the price that it takes off, in basis points, as far as that is said; else what its envelope allows."""
    return getattr(version.content.effect, "share_bp", version.envelope.max_bp)
