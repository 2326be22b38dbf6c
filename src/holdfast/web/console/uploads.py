"""Files sent to the console: read once, and carried on from a dry run to the press that counts."""

from __future__ import annotations

import base64
import binascii
import zlib
from contextlib import suppress

from starlette.datastructures import UploadFile
from starlette.requests import Request

CARRIED_MAX = 900_000
"""Characters of a file that a dry run hands on, compressed; a larger one is chosen again."""
FIELDS_BYTES_MAX = 64 * 1024


async def sent(request: Request, bytes_max: int, otherwise: str) -> tuple[dict[str, str], str, bytes]:
    """The fields, the file's name (else `otherwise`) and its content: uploaded now, or carried on from a dry run.

    No content when there is no file, or far too much.
    """
    length = request.headers.get("content-length", "")
    is_form = request.headers.get("content-type", "").startswith("multipart/form-data")
    if not is_form or not length.isdigit() or int(length) > bytes_max + FIELDS_BYTES_MAX:
        return {}, "", b""
    async with request.form(max_files=1, max_fields=20) as typed:
        values = {key: value.replace("\0", "") for key, value in typed.items() if isinstance(value, str)}
        file = typed.get("file")
        content = await file.read() if isinstance(file, UploadFile) else b""
        name = (file.filename if isinstance(file, UploadFile) and content else values.get("name")) or otherwise
    packed = values.pop("carried", "")
    if packed and not content:
        with suppress(binascii.Error, ValueError, zlib.error):
            content = zlib.decompressobj().decompress(base64.b64decode(packed), bytes_max)
    return values, name[:200], content


def carried(content: bytes) -> str:
    """The content for a hidden field ``carried``; empty when it is too large for one."""
    packed = base64.b64encode(zlib.compress(content, 9)).decode()
    return packed if len(packed) <= CARRIED_MAX else ""
