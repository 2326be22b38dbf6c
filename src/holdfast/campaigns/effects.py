"""Effects in minor units: what each of some lines gets, as if no other campaign were there."""

from __future__ import annotations

from collections.abc import Sequence

from .facts import Line
from .model import AmountOff, Effect, FixedPrice, Gift, PercentOff

BP = 10_000


def off(effect: Effect, lines: Sequence[Line], listed: Sequence[int]) -> list[int]:
    """What an effect takes off each of these lines with their list prices, in minor units, as if nothing else did."""
    wanted = weights(effect, lines, listed)
    return allocate(total(effect, sum(wanted)), wanted)


def weights(effect: Effect, lines: Sequence[Line], listed: Sequence[int]) -> Sequence[int]:
    """In which parts the lines get it: by price, or by what each of them would get alone. 0 for gifts."""
    if isinstance(effect, PercentOff):
        return listed
    if isinstance(effect, AmountOff):
        if effect.per == "order":
            return listed
        return [line.quantity * min(effect.amount_minor, line.unit_minor) for line in lines]
    if isinstance(effect, FixedPrice):
        return [line.quantity * max(0, line.unit_minor - effect.price_minor) for line in lines]
    return [0] * len(lines)


def total(effect: Effect, whole: int) -> int:
    """What an effect takes off lines whose weights add up to `whole`: never more than that."""
    if isinstance(effect, PercentOff):
        wanted = whole * effect.share_bp // BP
    elif isinstance(effect, AmountOff) and effect.per == "order":
        return min(effect.amount_minor, whole)
    elif isinstance(effect, Gift):
        return 0
    else:
        wanted = whole
    return wanted if effect.cap_minor is None else min(wanted, effect.cap_minor)


def allocate(total: int, weights: Sequence[int]) -> list[int]:
    """`total` in parts as the weights are, by largest remainder; of equal remainders the earlier gets more.

    The parts add up to `total`, and where it is at most the sum of the weights, no part is larger than its weight.
    """
    whole = sum(weights)
    if whole == 0:
        return [0] * len(weights)
    if total == whole:
        return list(weights)
    parts, rests = [], []
    for weight in weights:
        part, rest = divmod(total * weight, whole)
        parts.append(part)
        rests.append(-rest)
    odd = total - sum(parts)
    if odd:
        for at in sorted(range(len(parts)), key=rests.__getitem__)[:odd]:
            parts[at] += 1
    return parts
