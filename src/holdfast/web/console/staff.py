"""Staff accounts as engineers manage them: who there is, new accounts, roles, switching off and on, new set-up links."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast import accounts
from holdfast.accounts import Role
from holdfast.kit.problems import Conflict, InvalidInput
from holdfast.web import sessions
from holdfast.web.forms import Form
from holdfast.web.render import speaker

from . import access
from .pages import add_problem, page, read_reason
from .sections import ROLE_BLURBS

LAST_ACTS = 10


async def members(request: Request) -> Response:
    """``GET /console/staff``: every account, and the form for a new one."""
    await access.require(request, Role.ENGINEER)
    return await _list(request, _form(request, {}))


async def add(request: Request) -> Response:
    """``POST /console/staff``: a new account; its set-up link is shown once."""
    seen = await access.require(request, Role.ENGINEER)
    form = _form(request, await sessions.typed(request))
    reason = read_reason(form)
    if form.wrong:
        return await _list(request, form)
    try:
        link = await sessions.database(request).run(
            accounts.add_staff, seen.actor, login=form.value("login"), name=form.value("name"), roles=_roles(form),
            reason=reason,
        )  # fmt: skip
    except (InvalidInput, accounts.LoginTaken) as problem:
        add_problem(form, problem, "login")
        return await _list(request, form)
    return page(request, "staff_link.html", here="/console/staff", link=link)


async def _list(request: Request, form: Form) -> Response:
    found = await sessions.database(request).read(accounts.staff_members)
    return page(
        request, "staff.html", status=422 if form.wrong else 200, here="/console/staff", members=found, form=form,
        blurbs=ROLE_BLURBS,
    )  # fmt: skip


async def member(request: Request) -> Response:
    """``GET /console/staff/{id}``: one account, what can be done with it, and its last acts."""
    await access.require(request, Role.ENGINEER)
    return await _one(request, _form(request, {}))


async def _one(request: Request, form: Form, wrong: str = "") -> Response:
    """`wrong` names the form in which something needs a correction."""
    staff_id = sessions.id_in(request)
    async with sessions.database(request).reading() as tx:
        found = await accounts.staff_member(tx, staff_id)
        tokens = await accounts.api_tokens(tx, staff_id)
        acts = await accounts.trail(tx, actor=str(found.staff.actor), limit=LAST_ACTS)
    return page(
        request, "staff_member.html", status=422 if form.wrong else 200, here=f"/console/staff/{staff_id}", member=found,
        tokens=tokens, acts=acts, form=form, wrong=wrong, blurbs=ROLE_BLURBS,
    )  # fmt: skip


async def _act(
    request: Request, name: str, act: Callable[[access.Seen, UUID, Form, str], Awaitable[accounts.SetupLink | None]]
) -> Response:
    """One act on one account: with a reason, and back to its page; a refusal is said there."""
    seen = await access.require(request, Role.ENGINEER)
    form = _form(request, await sessions.typed(request))
    reason = read_reason(form)
    if form.wrong:
        return await _one(request, form, name)
    try:
        link = await act(seen, sessions.id_in(request), form, reason)
    except (InvalidInput, Conflict) as problem:
        add_problem(form, problem, "reason")
        return await _one(request, form, name)
    if link:
        return page(request, "staff_link.html", here="/console/staff", link=link)
    return sessions.see(f"/console/staff/{sessions.id_in(request)}")


async def change_roles(request: Request) -> Response:
    """``POST /console/staff/{id}/roles``."""

    async def act(seen: access.Seen, staff_id: UUID, form: Form, reason: str) -> None:
        await sessions.database(request).run(accounts.change_roles, seen.actor, staff_id, _roles(form), reason=reason)

    return await _act(request, "roles", act)


async def disable(request: Request) -> Response:
    """``POST /console/staff/{id}/disabling``."""

    async def act(seen: access.Seen, staff_id: UUID, form: Form, reason: str) -> None:
        await sessions.database(request).run(accounts.disable_staff, seen.actor, staff_id, reason=reason)

    return await _act(request, "disabling", act)


async def enable(request: Request) -> Response:
    """``POST /console/staff/{id}/enabling``."""

    async def act(seen: access.Seen, staff_id: UUID, form: Form, reason: str) -> None:
        await sessions.database(request).run(accounts.enable_staff, seen.actor, staff_id, reason=reason)

    return await _act(request, "enabling", act)


async def reset(request: Request) -> Response:
    """``POST /console/staff/{id}/setup``: old proofs and sessions end, the new set-up link is shown once."""

    async def act(seen: access.Seen, staff_id: UUID, form: Form, reason: str) -> accounts.SetupLink:
        return await sessions.database(request).run(accounts.reset_staff, seen.actor, staff_id, reason=reason)

    return await _act(request, "setup", act)


async def end_token(request: Request) -> Response:
    """``POST /console/staff/{id}/tokens/{token}/end``."""

    async def act(seen: access.Seen, staff_id: UUID, form: Form, reason: str) -> None:
        token_id = sessions.id_in(request, "token")
        await sessions.database(request).run(accounts.end_token, seen.actor, staff_id, token_id, reason=reason)

    return await _act(request, f"token-{request.path_params['token']}", act)


def _form(request: Request, values: dict[str, str]) -> Form:
    _ = speaker(request)
    labels = {"login": _("Login"), "name": _("Name"), "roles": _("Roles"), "reason": _("Reason")}
    return Form(values, labels=labels)


def _roles(form: Form) -> list[str]:
    """The ticked roles; fields are called ``role.finance``."""
    return [role.value for role in Role if form.value(f"role.{role.value}")]


routes = [
    Route("/console/staff", members, methods=["GET"]),
    Route("/console/staff", add, methods=["POST"]),
    Route("/console/staff/{id}", member, methods=["GET"]),
    Route("/console/staff/{id}/roles", change_roles, methods=["POST"]),
    Route("/console/staff/{id}/disabling", disable, methods=["POST"]),
    Route("/console/staff/{id}/enabling", enable, methods=["POST"]),
    Route("/console/staff/{id}/setup", reset, methods=["POST"]),
    Route("/console/staff/{id}/tokens/{token}/end", end_token, methods=["POST"]),
]
