"""The phone or e-mail address in a form: reading it, sending it a code, and the session that the code opens."""

from __future__ import annotations

from typing import Literal

from starlette.requests import Request

from holdfast import accounts
from holdfast.kit import i18n
from holdfast.kit.problems import Problem

from . import sessions, words
from .forms import FieldError, Form
from .problem_pages import wait_words
from .render import language, speaker

Channel = Literal["phone", "email"]
REGIONS = frozenset(region for region, _code, _name in words.REGIONS)


def read_phone(form: Form) -> str | None:
    """The typed number in E.164 form, or None with what is wrong beside the field."""
    region = form.value("region", "CN")
    phone, findings = accounts.check_phone(form.value("phone"), "phone", region if region in REGIONS else "CN")
    form.add_found(findings)
    return phone


def read_email(form: Form) -> str | None:
    """The typed address as it is stored, or None with what is wrong beside the field."""
    address, findings = accounts.check_email(form.value("email"))
    form.add_found(findings)
    return address


def read(form: Form, channel: Channel) -> str | None:
    """What was typed for a channel: ``phone`` or ``email``."""
    return read_email(form) if channel == "email" else read_phone(form)


async def send_code(request: Request, form: Form, channel: Channel = "phone") -> str:
    """Sends a code to the typed contact; the sentence that says so. Empty when something is wrong, said in the form."""
    contact = read(form, channel)
    if contact is None:
        return ""
    place = sessions.place(request)
    try:
        sent = await accounts.request_code(
            sessions.database(request), contact, language(request), place.source, channel=channel, device=place.token
        )
    except accounts.TooManyCodes as problem:
        add_problem(form, problem, wait_words(request, problem.fields.get("retry_after_s")))
        return ""
    return sent_words(request, sent)


def sent_words(request: Request, sent: accounts.Challenge) -> str:
    _ = speaker(request)
    return _("We sent a code to {phone}. It is valid for ten minutes. Type it below.", phone=sent.phone_masked)


async def prove(request: Request, form: Form, contact: str, channel: Channel = "phone") -> accounts.SignedIn | None:
    """A new session by the typed code; None when it does not fit, said beside the field.

    A form that has a key may be sent again with the same code, as when the answer to it got lost.
    """
    place = sessions.place(request)
    try:
        return await accounts.sign_in(
            sessions.database(request), contact, typed_code(form), kept=bool(form.value("kept")), device=place.device,
            locale=language(request), request=form.key, channel=channel, source=place.source, device_token=place.token,
        )  # fmt: skip
    except (accounts.CodeWrong, accounts.CodeExpired) as problem:
        add_code_problem(request, form, problem)
        return None


def typed_code(form: Form) -> str:
    """The digits of the typed code."""
    return "".join(character for character in plain_digits(form.value("code")) if character.isdigit())


def add_code_problem(request: Request, form: Form, problem: Problem) -> None:
    """A code that does not fit, beside its field, with the tries that are left."""
    _ = speaker(request)
    left = problem.fields.get("tries_left")
    add_problem(form, problem, _("Tries left for this code: {count}.", count=left) if isinstance(left, int) else "")


def plain_digits(text: str) -> str:
    """Full-width digits as plain ones."""
    return text.translate({0xFF10 + digit: str(digit) for digit in range(10)})


def add_problem(form: Form, problem: Problem, more: str = "", field: str = "code") -> None:
    """A problem beside a field: what happened, what to do, and `more` in the page's language."""
    message: dict[str, str] = {
        locale: " ".join(
            filter(None, (i18n.translate(problem.title, locale), i18n.translate(problem.next_step, locale), more))
        )
        for locale in i18n.LOCALES
    }
    form.errors.append(FieldError(field, message, problem.code, brief=i18n.both(problem.title)))
