"""Why a text is or is not ours, in sentences a person understands; English here, Chinese in zh.po."""

from __future__ import annotations

from collections.abc import Sequence

from holdfast.kit import settings
from holdfast.kit.i18n import both

from . import folding, links, stamps
from .checking_model import Reason, Sent
from .links import Link


def _reason(code: str, sentence: str, /, **values: str) -> Reason:
    return Reason(code, both(sentence, **values))


ONE_TEXT = _reason("one-text", "This code proves only this text. Compare yours with it, word for word.")
NOT_KEPT = _reason(
    "not-kept",
    "We sent a message with this code, but its text is no longer kept. So it proves nothing about the text you have.",
)
COPIED = _reason(
    "copied", "The code is real, but it belongs to another text. Somebody has copied it. Do not do what this text asks."
)
FORWARDED = _reason(
    "forwarded",
    "It proves only this text. If it was not sent to you, it is not about you: do nothing, and tell nobody what it says.",
)
KEEP_SECRET = _reason("keep-secret", "There is a code to sign in with in it. Never tell it to anybody, us neither.")
LINKS = {
    "unreadable": "The address {link} is written so that one cannot tell where it leads.",
    "not-https": "The link {link} is not protected (https).",
    "user-name": "The link {link} hides its true site, {host}, behind another name.",
    "number": "The link {link} leads to a number instead of a name. Ours have a name.",
    "port": "The link {link} leads to an unusual door of its site. Ours do not.",
    "shortener": "The link {link} hides where it leads. We never use such short links.",
    "foreign-letters": "The name of the site {host} has letters of another script in it.",
    "looks-like-ours": "The site {host} is made to look like ours, and is not.",
    "not-ours": "The link leads to {host}, which is not a site of ours.",
}
"""What `links` finds → a sentence."""


def sent(message: Sent) -> Reason:
    """It is in our outbox."""
    text = (
        "We sent exactly this text, to the phone that ends in {ends}."
        if message.channel == "sms"
        else "We sent exactly this text, to {ends}."
    )
    return _reason("same-text", text, ends=message.ends_in)


def of_secret(wording: str) -> list[Reason]:
    return [KEEP_SECRET] if "{code}" in wording else []


def unknown_code(code: str) -> Reason:
    return _reason("code-unknown", "The code {code} is on none of our messages.", code=stamps.show(code))


def of_codes(text: str, codes: Sequence[str], *, since: str) -> list[Reason]:
    """Codes that are none of ours, or that there is none."""
    if codes:
        return [unknown_code(code) for code in codes]
    if stamps.has_false(text):
        return [_reason("code-false", "What looks like a code in it can be none of ours: mistyped, or made up.")]
    return [
        _reason(
            "no-code",
            "Every message that we sent since {day} has a code in its last line (核验码). This text has none.",
            day=since,
        )
    ]


def near(likeness: float, *, is_whole: bool, links_ours: bool) -> Reason:
    """It is made after one of our texts: word for word (`is_whole`), or nearly."""
    if not is_whole:
        sentence = "It is made to look like a message of ours ({percent} of 100 alike), and says something else."
        return _reason("altered", sentence, percent=str(int(likeness)))
    if not links_ours:
        return _reason("like-ours-elsewhere", "It is worded like a message of ours, but its link does not lead to us.")
    return _reason(
        "like-ours",
        "It is worded like a message of ours, but without its code we cannot find it. If its last line is missing here, paste the whole message.",
    )


def of_text(text: str, sender: str, seen: Sequence[Link]) -> list[Reason]:
    """What its links, its characters, its name and its sender say."""
    found = [
        _reason(f"link-{name}", LINKS[name], link=link.text, host=link.host) for link in seen for name in link.findings
    ]
    if folding.invisible(text):
        found.append(_reason("invisible", "There are invisible characters in it, which hide words from filters."))
    if folding.disguised(text):
        found.append(_reason("disguised", "Some of its characters are drawn to be taken for others."))
    ours, signed = settings.current().message_signature, folding.signature(text)
    if signed and folding.skeleton(signed) != folding.skeleton(ours):
        found.append(
            _reason(
                "signature",
                "It is signed 【{name}】. Our texts are signed 【{ours}】 or not at all.",
                name=signed,
                ours=ours,
            )
        )
    elif any(folding.skeleton(name) in folding.skeleton(text) for name in (ours, *links.OUR_NAMES)):
        found.append(_reason("our-name", "It uses our name. That proves nothing: anybody can write it."))
    if sender.strip():
        found.append(_of_sender(sender.strip()))
    return found


def _of_sender(sender: str) -> Reason:
    wanted = "".join(one for one in sender.casefold() if one.isalnum())
    listed = ["".join(one for one in name.casefold() if one.isalnum()) for name in senders()]
    if wanted and any(wanted == one or (len(wanted) >= 8 and wanted in one) for one in listed):
        return _reason(
            "sender-listed",
            "{sender} is on our list, but what a phone shows as the sender can be faked.",
            sender=sender,
        )
    return _reason("sender-unknown", "{sender} is not on the list of what our messages come from.", sender=sender)


def senders() -> list[str]:
    """Where our messages come from, as the settings say."""
    given = settings.current()
    return [one for one in (part.strip() for part in [*given.official_senders.split(","), given.mail_from]) if one]
