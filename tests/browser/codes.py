"""Reads QR codes (ISO/IEC 18004) as a camera at the gate would: from the pixels on the screen.

Only what our own pages make: byte mode, versions 1 to 40, an undamaged picture (no error correction is needed).
"""

from __future__ import annotations

import zlib
from itertools import chain, zip_longest

from playwright.sync_api import Locator
from segno import consts

QUIET = 2
"""Empty modules around the code, as ``web.render.qr`` draws them."""
_MASKS = (
    lambda y, x: (y + x) % 2 == 0,
    lambda y, x: y % 2 == 0,
    lambda y, x: x % 3 == 0,
    lambda y, x: (y + x) % 3 == 0,
    lambda y, x: (y // 2 + x // 3) % 2 == 0,
    lambda y, x: y * x % 2 + y * x % 3 == 0,
    lambda y, x: (y * x % 2 + y * x % 3) % 2 == 0,
    lambda y, x: ((y + x) % 2 + y * x % 3) % 2 == 0,
)
_FORMAT_MASK = 0b101010000010010

Matrix = list[list[bool]]


def read(picture: Locator) -> str:
    """The text of the code that an element shows."""
    modules = int(str(picture.get_attribute("viewBox")).split()[2])
    dark = _pixels(picture.screenshot(scale="css", animations="disabled"))
    width, height = len(dark[0]), len(dark)
    sampled = [
        [dark[int((y + 0.5) * height / modules)][int((x + 0.5) * width / modules)] for x in range(modules)]
        for y in range(modules)
    ]
    assert not any(chain(*sampled[:QUIET], *sampled[-QUIET:])), "the code needs an empty rim"
    return text_of([line[QUIET:-QUIET] for line in sampled[QUIET:-QUIET]])


def text_of(matrix: Matrix) -> str:
    """The text of a code whose modules are known."""
    size = len(matrix)
    version = (size - 17) // 4
    level, mask = _format(matrix)
    taken = _function_modules(size, version)
    bits = "".join(str(int(matrix[y][x] != _MASKS[mask](y, x))) for y, x in _path(size) if not taken[y][x])
    words = [int(bits[at : at + 8], 2) for at in range(0, len(bits) - 7, 8)]
    data = "".join(f"{word:08b}" for word in _in_order(words, version, level))
    assert data[:4] == "0100", f"byte mode was expected, not {data[:4]}"
    count_bits = 8 if version < 10 else 16
    count, start = int(data[4 : 4 + count_bits], 2), 4 + count_bits
    return bytes(int(data[start + 8 * at : start + 8 * at + 8], 2) for at in range(count)).decode()


def _format(matrix: Matrix) -> tuple[int, int]:
    """Error level and mask, from the copy beside the upper left finder."""
    places = [(8, x) for x in (0, 1, 2, 3, 4, 5, 7, 8)] + [(y, 8) for y in (7, 5, 4, 3, 2, 1, 0)]
    value = int("".join(str(int(matrix[y][x])) for y, x in places), 2) ^ _FORMAT_MASK
    return value >> 13, value >> 10 & 7


def _function_modules(size: int, version: int) -> Matrix:
    """Where finders, timing, alignment, format and version stand: not data."""
    taken = [[y == 6 or x == 6 for x in range(size)] for y in range(size)]

    def fill(top: int, left: int, height: int, width: int) -> None:
        for y in range(top, top + height):
            taken[y][left : left + width] = [True] * width

    fill(0, 0, 9, 9)
    fill(0, size - 8, 9, 8)
    fill(size - 8, 0, 8, 9)
    if version >= 7:
        fill(0, size - 11, 6, 3)
        fill(size - 11, 0, 3, 6)
    centres = consts.ALIGNMENT_POS[version - 2] if version > 1 else ()
    for y in centres:
        for x in centres:
            if (y, x) not in ((6, 6), (6, size - 7), (size - 7, 6)):
                fill(y - 2, x - 2, 5, 5)
    return taken


def _path(size: int) -> list[tuple[int, int]]:
    """All modules in the order in which data is laid: pairs of columns from the right, up and down by turns."""
    made = []
    columns = [x for x in range(size - 1, 0, -2) if x > 6] + [5, 3, 1]
    for turn, right in enumerate(columns):
        rows = range(size - 1, -1, -1) if turn % 2 == 0 else range(size)
        made += [(y, x) for y in rows for x in (right, right - 1)]
    return made


def _in_order(words: list[int], version: int, level: int) -> list[int]:
    """The data words of all blocks one after another; they come interleaved."""
    sizes = [block.num_data for block in consts.ECC[version][level] for _ in range(block.num_blocks)]
    blocks: list[list[int]] = [[] for _ in sizes]
    incoming = iter(words)
    for row in zip_longest(*(range(size) for size in sizes)):
        for block, wanted in zip(blocks, row, strict=True):
            if wanted is not None:
                block.append(next(incoming))
    return list(chain(*blocks))


def _pixels(png: bytes) -> Matrix:
    """True where a PNG (8 bit RGB or RGBA, as Chromium makes them) is dark."""
    chunks, at = b"", 8
    width, height, depth, colour = int.from_bytes(png[16:20]), int.from_bytes(png[20:24]), png[24], png[25]
    assert depth == 8
    while at < len(png):
        length = int.from_bytes(png[at : at + 4])
        if png[at + 4 : at + 8] == b"IDAT":
            chunks += png[at + 8 : at + 8 + length]
        at += 12 + length
    step = {2: 3, 6: 4}[colour]
    raw, stride = zlib.decompress(chunks), width * step
    before, dark = bytearray(stride), []
    for y in range(height):
        kind, line = raw[y * (stride + 1)], bytearray(raw[y * (stride + 1) + 1 : (y + 1) * (stride + 1)])
        for x in range(stride):
            left = line[x - step] if x >= step else 0
            corner = before[x - step] if x >= step else 0
            line[x] = (line[x] + _predicted(kind, left, before[x], corner)) & 255
        before = line
        dark.append([sum(line[x * step : x * step + 3]) < 384 for x in range(width)])
    return dark


def _predicted(kind: int, left: int, above: int, corner: int) -> int:
    """What PNG's filters expect a byte to be."""
    if kind == 4:
        guess = left + above - corner
        return min((left, above, corner), key=lambda value: abs(guess - value))
    return (0, left, above, (left + above) // 2)[kind]
