"""What the pages say about a checked text: titles and what to do, English here, Chinese in zh.po."""

from __future__ import annotations

from holdfast.notices import Verdict

VERDICTS: dict[str, tuple[str, str, str]] = {
    Verdict.SENT: (
        "ok", "We sent this text.",
        "A code proves only this text. Whoever tells you something else on the telephone, or in another text, is not proven by it.",
    ),
    Verdict.CODE_COPIED: (
        "bad", "We did not send this: a real code was copied onto another text.",
        "Do not do what it asks. Below is what we really sent under this code.",
    ),
    Verdict.CODE_KNOWN: (
        "info", "There is a message of ours with this code. Compare it.",
        "A code proves only this text. If yours says anything else, it is not ours.",
    ),
    Verdict.IMITATION: (
        "bad", "We cannot confirm this: it looks like ours, and is not among what we sent.",
        "Do not open its links, do not call its numbers, do not answer it.",
    ),
    Verdict.NOT_OURS: (
        "bad", "We did not send this.",
        "Who did, we do not know. Do not open its links, do not call its numbers, do not answer it.",
    ),
}  # fmt: skip
"""Verdict → tone, what it is called, what to do."""
CHANNELS = {"sms": "Text message", "email": "E-mail"}
DIFFERENCES = {"theirs": "only in yours", "ours": "only in ours", "value": "filled in"}
STATES = {"open": ("warn", "open"), "answered": ("ok", "answered by a position"), "noted": ("", "needs nothing")}
"""What became of a heap of reports → tone and word."""
PROPOSALS = {
    "proposed": ("warn", "waits for a colleague"), "approved": ("info", "approved"), "applied": ("ok", "done"),
    "rejected": ("bad", "refused"), "withdrawn": ("", "withdrawn"), "expired": ("", "expired"),
}  # fmt: skip
