"""The phone in a form: reading it, sending it a code, and the session that the code opens."""

from __future__ import annotations

from starlette.requests import Request

from holdfast import accounts
from holdfast.kit import i18n
from holdfast.kit.problems import Problem

from . import sessions, words
from .forms import FieldError, Form
from .problem_pages import wait_words
from .render import language, speaker

REGIONS = frozenset(region for region, _code, _name in words.REGIONS)


def read_phone(form: Form) -> str | None:
    """The typed number in E.164 form, or None with what is wrong beside the field."""
    region = form.value("region", "CN")
    phone, findings = accounts.check_phone(form.value("phone"), "phone", region if region in REGIONS else "CN")
    form.add_found(findings)
    return phone


async def send_code(request: Request, form: Form) -> str:
    """Sends a code to the typed phone; the sentence that says so. Empty when something is wrong, said in the form."""
    phone = read_phone(form)
    if phone is None:
        return ""
    locale = language(request)
    try:
        sent = await accounts.request_code(sessions.database(request), phone, locale, sessions.source(request))
    except accounts.TooManyCodes as problem:
        _add_problem(form, problem, wait_words(request, problem.fields.get("retry_after_s")))
        return ""
    _ = speaker(request)
    return _("We sent a code to {phone}. It is valid for ten minutes. Type it below.", phone=sent.phone_masked)


async def prove(request: Request, form: Form, phone: str) -> accounts.SignedIn | None:
    """A new session by the typed code; None when it does not fit, said beside the field.

    A form that has a key may be sent again with the same code, as when the answer to it got lost.
    """
    code = "".join(character for character in plain_digits(form.value("code")) if character.isdigit())
    try:
        return await accounts.sign_in(
            sessions.database(request), phone, code, kept=bool(form.value("kept")), device=sessions.device(request),
            locale=language(request), request=form.key,
        )  # fmt: skip
    except (accounts.CodeWrong, accounts.CodeExpired) as problem:
        _ = speaker(request)
        left = problem.fields.get("tries_left")
        more = _("Tries left for this code: {count}.", count=left) if isinstance(left, int) else ""
        _add_problem(form, problem, more)
        return None


def plain_digits(text: str) -> str:
    """Full-width digits as plain ones."""
    return text.translate({0xFF10 + digit: str(digit) for digit in range(10)})


def _add_problem(form: Form, problem: Problem, more: str) -> None:
    message: dict[str, str] = {
        locale: " ".join(
            filter(None, (i18n.translate(problem.title, locale), i18n.translate(problem.next_step, locale), more))
        )
        for locale in i18n.LOCALES
    }
    form.errors.append(FieldError("code", message, problem.code, brief=i18n.both(problem.title)))
