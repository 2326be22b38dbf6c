"""Taking a request: who asks, what is asked, whether this key was used before; done, committed, and only then answered.

A result is kept for 24 hours once execution began, a failure like a success; what fails validation is not kept.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec
from starlette.requests import Request

from holdfast.payments.simulator import times
from holdfast.payments.simulator.serving import Call, Done, origin

from . import forms
from .account import Identity, Obj, token
from .events import News
from .forms import Form
from .refusals import Refusal, encoded, failure, hurried, invalid

if TYPE_CHECKING:
    from .sim import StripeSim

KEPT_S = 86400
KEY_MAX = 255


class Asked(msgspec.Struct, frozen=True):
    """A request that was let in."""

    call: Call
    form: Form
    request_id: str
    key: str
    refund_delay_s: float
    webhook_secret: str

    @property
    def path(self) -> dict[str, str]:
        return self.call.request.path_params

    @property
    def origin(self) -> str:
        return origin(self.call.request)

    def struck(self, fault: str) -> bool:
        return fault in self.call.faults


Deed = Callable[[News], tuple[Obj | Refusal, str]]
"""Changes or reads; what is shown, and the merchant's number it is about. A Refusal that is raised undoes what was done,
one that is returned does not (a declined card leaves its trace); both are kept under the key."""
Prepare = Callable[[Asked], Deed]
"""Checks the shape; a Refusal raised here is not kept."""


class Answered(Done, frozen=True):
    """With the headers that tell requests apart."""

    headers: dict[str, str] = msgspec.field(default_factory=dict)


def work(sim: StripeSim, call: Call, prepare: Prepare, *, public: bool) -> Done:
    """Everything between the request and the answer. `public`: the payer's browser may ask, with the publishable key."""
    request_id = token("req", 14)
    headers = {"Request-Id": request_id, "Stripe-Version": call.request.headers.get("stripe-version", "")}
    try:
        if "rate_limit" in call.faults:
            raise hurried()
        form = forms.parsed(_sent(call.request, call.body))
        _let_in(sim.identity, call.request, form, public=public)
        key = call.request.headers.get("idempotency-key", "") if call.request.method == "POST" else ""
        if len(key) > KEY_MAX:
            raise invalid("Idempotency keys can be at most 255 characters.")
        asked = Asked(call, form, request_id, key, sim.options.refund_delay_s, sim.identity.webhook_secret)
        if not key:
            return _once(sim, asked, prepare(asked), headers)
        return _keyed(sim, asked, prepare, headers | {"Idempotency-Key": key})
    except Refusal as refusal:
        return Answered(refusal.status, refusal.body, headers=headers)


def _sent(request: Request, body: bytes) -> str:
    if request.method != "POST":
        return str(request.url.query)
    kind = request.headers.get("content-type", "application/x-www-form-urlencoded")
    if not kind.startswith("application/x-www-form-urlencoded"):
        raise invalid("Invalid request (check that your POST content type is application/x-www-form-urlencoded).")
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise invalid("Invalid form encoding.") from error


def _let_in(identity: Identity, request: Request, form: Form, *, public: bool) -> None:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    key = form.pop("key", "") if public and not given else given
    if not key or (given and scheme.lower() != "bearer"):
        raise invalid("You did not provide an API key.", status=401)
    if key == identity.publishable_key:
        if not public:
            message = "This API call cannot be made with a publishable API key. Please use a secret API key."
            raise invalid(message, code="secret_key_required", status=401)
        if not form.get("client_secret"):
            raise invalid("Missing required param: client_secret.", param="client_secret", code="parameter_missing")
    elif key != identity.secret_key:
        raise invalid(f"Invalid API Key provided: {key[:8]}********{key[-4:]}", status=401)


def _once(sim: StripeSim, asked: Asked, deed: Deed, headers: dict[str, str]) -> Done:
    if asked.struck("system_error"):
        raise failure()
    with sim.memory.writing() as db:
        done = _done(deed(News(sim.scenario, db, asked.request_id, asked.key)), headers)
    sim.courier.wake()
    return done


def _keyed(sim: StripeSim, asked: Asked, prepare: Prepare, headers: dict[str, str]) -> Done:
    path = urlsplit(str(asked.call.request.url)).path
    print_of = sha256(msgspec.json.encode(asked.form, order="deterministic")).hexdigest()
    kept = _kept(sim.memory.db, asked.key)
    if kept is not None:
        _must_be_the_same(kept, asked.key, path, print_of)
        headers = headers | {"Idempotent-Replayed": "true", "Original-Request": kept["request"]}
        return Answered(kept["status"], kept["body"], kept["subject"], headers=headers)
    deed = prepare(asked)
    try:
        if asked.struck("system_error"):
            raise failure()
        with sim.memory.writing() as db:
            done = _done(deed(News(sim.scenario, db, asked.request_id, asked.key)), headers)
            _keep(db, asked, path, print_of, done)
    except Refusal as refusal:
        done = Answered(refusal.status, refusal.body, headers=headers)
        with sim.memory.writing() as db:
            _keep(db, asked, path, print_of, done)
    sim.courier.wake()
    return done


def _done(result: tuple[Obj | Refusal, str], headers: dict[str, str]) -> Answered:
    shown, subject = result
    if isinstance(shown, Refusal):
        return Answered(shown.status, shown.body, subject, headers=headers)
    return Answered(200, encoded(shown), subject, headers=headers)


def _kept(db: sqlite3.Connection, key: str) -> sqlite3.Row | None:
    query = "select * from keys where key = ? and created > ?"
    row: sqlite3.Row | None = db.execute(query, (key, times.now() - KEPT_S)).fetchone()
    return row


def _keep(db: sqlite3.Connection, asked: Asked, path: str, print_of: str, done: Done) -> None:
    db.execute(
        "insert or replace into keys (key, path, fingerprint, request, created, status, body, subject)"
        " values (?, ?, ?, ?, ?, ?, ?, ?)",
        (asked.key, path, print_of, asked.request_id, times.now(), done.status, done.body, done.subject),
    )


def _must_be_the_same(kept: sqlite3.Row, key: str, path: str, print_of: str) -> None:
    if kept["path"] != path:
        what = f"endpoint they were first used for ('{path}' vs '{kept['path']}')"
    elif kept["fingerprint"] != print_of:
        what = "parameters they were first used with"
    else:
        return
    message = (
        f"Keys for idempotent requests can only be used with the same {what}."
        f" Try using a key other than '{key}' if you meant to execute a different request."
    )
    raise Refusal(400, {"message": message, "type": "idempotency_error"})
