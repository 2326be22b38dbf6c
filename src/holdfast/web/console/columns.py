"""Columns: small bars side by side, for a cell of a table. How much went well, and upon it how much failed."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

HEIGHT, PITCH, WIDTH = 28, 3, 2
"""Pixels of the picture; units from column to column and of a column."""


def stacked(all_: Sequence[int], bad: Sequence[int], *, title: str, told: str) -> Markup:
    """One column for each step: `all_` of them, of which `bad` ones in the colour of failure on top.

    `told` is the picture in words. A column that has anything bad shows it, however small its share.
    """
    most = max(all_, default=0) or 1
    drawn = []
    for at, (count, failed) in enumerate(zip(all_, bad, strict=True)):
        if not count:
            continue
        height = max(1.5, HEIGHT * count / most)
        red = min(height, max(2.0, height * failed / count)) if failed else 0.0
        if red < height:
            drawn.append(_column("ok", at, HEIGHT - height + red, height - red))
        if red:
            drawn.append(_column("bad", at, HEIGHT - height, red))
    return Markup(
        '<svg class="columns" role="img" aria-label="{title}" viewBox="0 0 {width} {height}" '
        'preserveAspectRatio="none"><title>{title}</title><desc>{told}</desc>'
        '<path class="rule base" d="M0 {height}h{width}"/>{drawn}</svg>'
    ).format(
        width=len(all_) * PITCH, height=HEIGHT, title=title, told=told, drawn=Markup("").join(drawn)
    )  # fmt: skip


def _column(tone: str, at: int, top: float, height: float) -> Markup:
    return Markup('<rect class="bar {}" x="{}" y="{:.1f}" width="{}" height="{:.1f}"/>').format(
        tone, at * PITCH, top, WIDTH, height
    )
