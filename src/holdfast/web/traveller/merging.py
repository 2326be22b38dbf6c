"""Joining two accounts of one person: both phones proven, a preview, and the way back. And "not me", from the message."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast import accounts, changes
from holdfast.accounts.model import CodeExpired, CodeWrong
from holdfast.kit import i18n
from holdfast.kit.actor import Actor
from holdfast.kit.problems import Problem
from holdfast.web import contacts, sessions, tallies
from holdfast.web.forms import FieldError, Form
from holdfast.web.problem_pages import wait_words
from holdfast.web.render import language, page, query, speaker

HERE = "/account/merging"


async def _known(request: Request) -> tuple[accounts.Session, Actor]:
    """Who is signed in. SignInNeeded."""
    known = await sessions.visitor(request)
    if known is None:
        raise accounts.SignInNeeded
    return known, sessions.as_traveller(known.account_id)


async def start(request: Request) -> Response:
    """``GET /account/merging``: what is joined, and the other phone."""
    await _known(request)
    return await _start(request, _form(request, {}), done=sessions.asked(request, "done", 10))


async def _start(request: Request, form: Form, *, done: str = "") -> Response:
    known, _actor = await _known(request)
    found = await sessions.database(request).read(accounts.joined, known.account_id)
    return page(
        request,
        "traveller/merging.html",
        status=422 if form.wrong else 200,
        here=HERE,
        form=form,
        links=found,
        done=done,
    )


async def send_codes(request: Request) -> Response:
    """``POST /account/merging/codes``: a code to each phone; the same page then asks for both."""
    known, _actor = await _known(request)
    form = _form(request, await sessions.typed(request))
    phone = contacts.read_phone(form)
    if phone is None:
        return await _start(request, form)
    try:
        await sessions.database(request).run(accounts.send_merge_codes, known.account_id, phone, language(request))
    except (accounts.SamePhone, accounts.ContactMissing) as problem:
        form.add("phone", problem.title, code=problem.code)
        return await _start(request, form)
    except accounts.TooManyMergeCodes as problem:
        _add(form, "other_code", problem, wait_words(request, problem.fields.get("retry_after_s")))
    return await _codes(request, form, phone)


async def _codes(request: Request, form: Form, phone: str) -> Response:
    known, _actor = await _known(request)
    own_proven, other = await _proven(request, known.account_id, phone)
    own = await sessions.database(request).read(accounts.merge_contact, known.account_id)
    return page(
        request, "traveller/merging_codes.html", status=422 if form.wrong else 200, here=HERE, form=form,
        own=own, other=accounts.mask_phone(phone), own_proven=own_proven, other_proven=other is not None,
    )  # fmt: skip


async def prove(request: Request) -> Response:
    """``POST /account/merging/proofs``: both codes; what fits is kept, also when the other does not."""
    known, _actor = await _known(request)
    form = _form(request, await sessions.typed(request))
    phone = contacts.read_phone(form)
    if phone is None:
        return await _start(request, form)
    own_proven, other = await _proven(request, known.account_id, phone)
    if not own_proven:
        await _prove_one(request, form, "own_code", known.account_id, "")
    if other is None:
        other = await _prove_one(request, form, "other_code", known.account_id, phone)
    if form.wrong or other is None:
        return await _codes(request, form, phone)
    return sessions.see(f"{HERE}/preview", **{"with": other})


async def _proven(request: Request, account_id: UUID, phone: str) -> tuple[bool, UUID | None]:
    """Whether the visitor's own account is proven, and the account of the other phone if that is."""
    async with sessions.database(request).reading() as tx:
        proven = await accounts.proven(tx, account_id)
        try:
            other = await accounts.account_of_phone(tx, phone)
        except accounts.NoSuchAccount:
            return account_id in proven, None
    return account_id in proven, other if other in proven else None


async def _prove_one(request: Request, form: Form, field: str, asker: UUID, phone: str) -> UUID | None:
    """The account that one code proves, of `phone` or else the asker's own; None with what is wrong beside the field."""
    code = "".join(digit for digit in contacts.plain_digits(form.value(field)) if digit.isdigit())
    if not code:
        form.add(field, "Enter the code from the message.")
        return None
    _ = speaker(request)
    try:
        db = sessions.database(request)
        return await (accounts.prove_phone(db, asker, phone, code) if phone else accounts.prove_own(db, asker, code))
    except (CodeWrong, CodeExpired, accounts.NothingToJoin) as problem:
        left = problem.fields.get("tries_left")
        _add(form, field, problem, _("Tries left for this code: {count}.", count=left) if isinstance(left, int) else "")
        return None


def _add(form: Form, field: str, problem: Problem, more: str) -> None:
    said: dict[str, str] = {
        locale: " ".join(filter(None, (i18n.translate(problem.title, locale), i18n.translate(problem.next_step, locale), more)))
        for locale in i18n.LOCALES
    }  # fmt: skip
    form.errors.append(FieldError(field, said, problem.code, brief=i18n.both(problem.title)))


async def preview(request: Request) -> Response:
    """``GET /account/merging/preview?with=``: what comes together, before anything is done."""
    other = sessions.id_of(sessions.asked(request, "with"))
    return await _preview(request, other)


async def _preview(request: Request, other: UUID, *, moved: bool = False) -> Response:
    _known_session, actor = await _known(request)
    _ = speaker(request)
    async with sessions.database(request).reading() as tx:
        try:
            found = await accounts.preview_for(tx, actor, other)
        except accounts.AlreadyOnePerson:
            return sessions.see(HERE, done="joined")
        except accounts.ProofMissing:
            return sessions.see(HERE, done="late")
    return page(
        request, "traveller/merging_preview.html", status=409 if moved else 200,
        here=f"{HERE}/preview{query(**{'with': other})}", other=other, shown=found.shown, moved=moved,
        sides=tallies.sides(request, found.left, found.right, found.rows, (_("This account"), _("The other account"))),
        limits=tallies.limits(request, found.exceeded), differences=tallies.differences(request, found),
        together=tallies.together(request, found),
    )  # fmt: skip


async def join(request: Request) -> Response:
    """``POST /account/merging``: done, or handed to a colleague. Again: the same page of what is joined."""
    _session, actor = await _known(request)
    form = Form(await sessions.typed(request))
    other = sessions.id_of(form.value("with"))
    try:
        outcome = await accounts.join(sessions.database(request), actor, other, form.value("shown"))
    except accounts.AlreadyOnePerson:
        return sessions.see(HERE, done="joined")
    except accounts.ProofMissing:
        return sessions.see(HERE, done="late")
    except changes.PreviewStale:
        return await _preview(request, other, moved=True)
    return sessions.see(HERE, done="review" if isinstance(outcome, changes.Proposal) else "joined")


async def part_preview(request: Request) -> Response:
    """``GET /account/merging/links/{id}``: who gets what, before accounts are parted."""
    return await _part_preview(request)


async def _part_preview(request: Request, *, moved: bool = False) -> Response:
    known, _actor = await _known(request)
    _ = speaker(request)
    link_id = sessions.id_in(request)
    async with sessions.database(request).reading() as tx:
        try:
            found = await accounts.parting_of_mine(tx, known.account_id, link_id)
        except accounts.LinkOver:
            return sessions.see(HERE, done="parted")
    mine = {one.id for one in found.left}
    titles = (found.link.a_masked, found.link.b_masked)

    def who(one: accounts.Crossed) -> str:
        return titles[0] if any(one.by == f"traveller:{account}" for account in mine) else titles[1]

    return page(
        request, "traveller/merging_part.html", status=409 if moved else 200, here=f"{HERE}/links/{link_id}", found=found,
        moved=moved, sides=tallies.sides(request, found.left, found.right, found.rows, titles),
        crossed=tallies.crossings(request, found.crossed, who),
    )  # fmt: skip


async def part(request: Request) -> Response:
    """``POST /account/merging/links/{id}/ending``: parted. Again: the page of what is joined."""
    _session, actor = await _known(request)
    form = Form(await sessions.typed(request))
    link_id = sessions.id_in(request)
    try:
        await sessions.database(request).run(accounts.undo_mine, actor, link_id, form.value("shown"))
    except accounts.LinkOver:
        pass
    except changes.PreviewStale:
        return await _part_preview(request, moved=True)
    return sessions.see(HERE, done="parted")


async def ask_not_me(request: Request) -> Response:
    """``GET /account/merging/not-me/{id}/{side}?token=``: one press, so that no program that opens links undoes a merge."""
    link_id, side, token = _signed(request)
    await sessions.visitor(request)
    async with sessions.database(request).reading() as tx:
        link = await accounts.not_me_link(tx, link_id, side, token)
    return _not_me_page(request, link, side, token, done=link.ended_at is not None)


async def not_me(request: Request) -> Response:
    """``POST /account/merging/not-me/{id}/{side}?token=``: undone at once."""
    link_id, side, token = _signed(request)
    db = sessions.database(request)
    await db.run(accounts.not_me, link_id, side, token)
    request.app.state.doorkeeper.forget_all()
    await sessions.visitor(request)
    link = await db.read(accounts.not_me_link, link_id, side, token)
    return _not_me_page(request, link, side, token, done=True)


def _not_me_page(request: Request, link: accounts.Link, side: str, token: str, *, done: bool) -> Response:
    address = f"{HERE}/not-me/{link.id}/{side}{query(token=token)}"
    mine, other = (link.a_masked, link.b_masked) if side == "a" else (link.b_masked, link.a_masked)
    return page(
        request, "traveller/merging_not_me.html", here=address, address=address, mine=mine, other=other, done=done,
        made_at=link.made_at,
    )  # fmt: skip


def _signed(request: Request) -> tuple[UUID, str, str]:
    return sessions.id_in(request), str(request.path_params["side"]), sessions.asked(request, "token")


def _form(request: Request, values: dict[str, Any]) -> Form:
    _ = speaker(request)
    labels = {
        "phone": _("Mobile phone"),
        "own_code": _("Code on this phone"),
        "other_code": _("Code on the other phone"),
    }
    return Form(values, labels=labels)


routes = [
    Route(HERE, start, methods=["GET"]),
    Route(HERE, join, methods=["POST"]),
    Route(f"{HERE}/codes", send_codes, methods=["POST"]),
    Route(f"{HERE}/proofs", prove, methods=["POST"]),
    Route(f"{HERE}/preview", preview, methods=["GET"]),
    Route(f"{HERE}/links/{{id}}", part_preview, methods=["GET"]),
    Route(f"{HERE}/links/{{id}}/ending", part, methods=["POST"]),
    Route(f"{HERE}/not-me/{{id}}/{{side}}", ask_not_me, methods=["GET"]),
    Route(f"{HERE}/not-me/{{id}}/{{side}}", not_me, methods=["POST"]),
]
