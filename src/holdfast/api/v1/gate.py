"""The gate: enrolling a device, signing in on it, the list it needs to decide alone, and what it admits.

A device has a token of its own (``hfg_…``), sent as ``Authorization: Bearer``. The scanner page ``/gate`` uses these
endpoints, and so can a turnstile.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from holdfast import accounts, orders, passes
from holdfast.api.endpoint import Call, Endpoint
from holdfast.kit import clock
from holdfast.orders.attendance_model import Answer, GateOrder, Scan
from holdfast.passes import Verdict

from .texts import Text, text

ROOT = "/api/v1/gate"
SCANS_MAX = 200
COUNTER_MAX = 2**53
PEOPLE_MAX = 1000


class DeviceWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The code of a link from the console, once, and what the device calls itself."""

    code: Annotated[str, msgspec.Meta(max_length=60)]
    agent: Annotated[str, msgspec.Meta(max_length=200)] = ""


class DeviceEnrolled(msgspec.Struct, frozen=True):
    """The device's token, shown only now."""

    token: str
    device_id: UUID
    name: str
    venue_id: str


class ShiftWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who goes on duty, with the proof that the console asks for."""

    login: Annotated[str, msgspec.Meta(max_length=200)]
    password: Annotated[str, msgspec.Meta(max_length=1000)]
    code: Annotated[str, msgspec.Meta(max_length=40)]


class ShiftAnswer(msgspec.Struct, frozen=True):
    """Who is on duty until when."""

    id: UUID
    name: str
    ends_at: datetime


class RulesAnswer(msgspec.Struct, frozen=True):
    """When a ticket admits, in seconds around its slot."""

    early_s: int
    late_s: int
    exits_counted: bool


class GateQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`since`: what the list before gave as `since`; nothing for the whole. `pending`: what the device has not uploaded yet."""

    since: datetime | None = None
    pending: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 0


class GateListAnswer(msgspec.Struct, frozen=True):
    """What a device needs to decide without a network. `whole`: it replaces what the device had."""

    now: datetime
    since: datetime
    whole: bool
    device_id: UUID
    device_name: str
    venue_id: str
    venue_name: Text
    time_zone: str
    shift: ShiftAnswer
    rules: RulesAnswer
    inside: int
    orders: list[GateOrder]


class ScanBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An entry by the ticket's `code` or by `number` and `ticket`, or an exit of so many `people`.

    `counter` is the device's own, one higher each time: the same again is the same. `offline`: somebody went in `at` that
    moment on the device's own word. `insisted`: staff let in outside the entry window. `shift`: who was on duty.
    """

    counter: Annotated[int, msgspec.Meta(ge=1, le=COUNTER_MAX)]
    kind: Literal["entry", "exit"] = "entry"
    code: Annotated[str, msgspec.Meta(max_length=600)] = ""
    number: Annotated[str, msgspec.Meta(max_length=40)] = ""
    ticket: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 0
    people: Annotated[int, msgspec.Meta(ge=0, le=PEOPLE_MAX)] = 0
    at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    offline: bool = False
    insisted: bool = False
    shift: UUID | None = None


class Scans(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a device asks and reports; `pending`: what it has besides."""

    scans: Annotated[list[ScanBody], msgspec.Meta(min_length=1, max_length=SCANS_MAX)]
    pending: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 0


class ScanAnswer(msgspec.Struct, frozen=True):
    """What the gate says of one of them. `recorded`: it is kept and need not be sent again."""

    counter: int
    verdict: Verdict
    recorded: bool
    number: str
    ticket: int
    holder: str
    people: int
    starts_at: datetime | None
    ends_at: datetime | None
    of_venue: str
    used_at: datetime | None
    used_where: str


class ScansAnswered(msgspec.Struct, frozen=True):
    """The answers, in the order in which they were asked, and how many people are inside."""

    answers: list[ScanAnswer]
    inside: int


async def enrol(call: Call) -> DeviceEnrolled:
    """A link of the console becomes this device."""
    made = await call.db.run(passes.devices.enrol, call.body.code, call.body.agent)
    return DeviceEnrolled(made.token, made.device_id, made.name, made.venue_id)


async def sign_in(call: Call) -> ShiftAnswer:
    """Somebody goes on duty; whoever was, goes off."""
    device = call.gate
    wanted: ShiftWanted = call.body
    begun = await passes.devices.sign_in(
        call.db, device, wanted.login, wanted.password, wanted.code, source=call.source
    )
    return ShiftAnswer(begun.id, begun.name, begun.ends_at)


async def sign_out(call: Call) -> None:
    """Nobody is on duty any more."""
    await call.db.run(passes.devices.end_shift, call.gate)


async def gate_list(call: Call) -> GateListAnswer:
    """The tickets that may come to this gate, as long as somebody is on duty there."""
    device = call.gate
    shift = passes.devices.on_duty(device)
    await call.db.run_one(passes.devices.heard, device.id, call.query.pending, synced=True)
    async with call.db.reading() as tx:
        found = await orders.attendance.gate_list(tx, device.venue_id, call.query.since)
        rules = await passes.redemption.rules_of(tx, device.venue_id)
        inside = await passes.inside(tx, device.venue_id)
    return GateListAnswer(
        now=clock.now(), since=found.since, whole=found.whole, device_id=device.id, device_name=device.name,
        venue_id=device.venue_id, venue_name=text(device.venue_name), time_zone=device.time_zone,
        shift=ShiftAnswer(shift.id, shift.name, shift.ends_at),
        rules=RulesAnswer(rules.early_minutes * 60, rules.late_minutes * 60, rules.exits_counted), inside=inside,
        orders=found.orders,
    )  # fmt: skip


async def admit(call: Call) -> ScansAnswered:
    """Decides what a device asks and keeps what it reports. What it decided alone is taken whoever is on duty now."""
    device = call.gate
    wanted: Scans = call.body
    reports = all(scan.offline or scan.kind == "exit" for scan in wanted.scans)
    if not reports:
        passes.devices.on_duty(device)
    scans = [
        Scan(
            counter=scan.counter, kind=scan.kind, code=scan.code, number=scan.number, ticket=scan.ticket, people=scan.people, at=scan.at,
            offline=scan.offline, insisted=scan.insisted, shift=scan.shift or device.shift_id,
        )
        for scan in wanted.scans
    ]  # fmt: skip
    async with call.db.reading() as tx:
        stands = await orders.displacement_entry.entry(tx, device.venue_id, device.time_zone)
    waits = {n for n, scan in enumerate(scans) if _must_wait(stands, scan)}
    asked = [scan for n, scan in enumerate(scans) if n not in waits]
    told = iter(await call.db.run_one(orders.attendance.admit, device.id, asked) if asked else [])
    answers = [
        Answer(scan.counter, Verdict.WAIT, recorded=False) if n in waits else next(told) for n, scan in enumerate(scans)
    ]
    if reports:
        await call.db.run_one(passes.devices.heard, device.id, wanted.pending, synced=False)
    inside = await call.db.read(passes.inside, device.venue_id)
    return ScansAnswered([_said(answer) for answer in answers], inside)


def _must_wait(stands: orders.displacement_entry.Entry, scan: Scan) -> bool:
    """Whom a pause of entry or a full place keeps outside: not who leaves, is in already, or whom staff insist on."""
    return not stands.admits and scan.kind == "entry" and not scan.offline and not scan.insisted


def _said(answer: Answer) -> ScanAnswer:
    return msgspec.convert(answer, ScanAnswer, from_attributes=True)


_ENROL = {"code": "0123456789ABCDEFGHJK", "agent": "Chrome · Android"}
_SHIFT = {"login": "zhao.min@example.org", "password": "kelp anchors seven boats", "code": "123456"}
_SCANS = {"scans": [{"counter": 1, "number": "7K3QF90XMA", "ticket": 1}]}
_SIGNING_IN = (accounts.StaffSignInWrong, accounts.StaffSignInPaused, accounts.RoleMissing)

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="POST", path=f"{ROOT}/devices", name="gate-devices", summary="Make this device a gate, by a link of the console",
        who="anyone", body=DeviceWanted, answer=DeviceEnrolled, status=201, problems=(passes.EnrolmentOver,), handler=enrol, example=_ENROL,
    ),
    Endpoint(
        method="POST", path=f"{ROOT}/shift", name="gate-shift", summary="Go on duty at a gate", who="gate", body=ShiftWanted,
        answer=ShiftAnswer, status=201, problems=_SIGNING_IN, handler=sign_in, example=_SHIFT,
    ),
    Endpoint(
        method="DELETE", path=f"{ROOT}/shift", name="gate-shift", summary="Go off duty", who="gate", status=204,
        handler=sign_out,
    ),
    Endpoint(
        method="GET", path=f"{ROOT}/list", name="gate-list", summary="What a gate needs to decide without a network", who="gate",
        query=GateQuery, answer=GateListAnswer, problems=(passes.ShiftNeeded,), handler=gate_list,
    ),
    Endpoint(
        method="POST", path=f"{ROOT}/admissions", name="gate-admissions", summary="Admit, and report what was admitted without a network",
        who="gate", body=Scans, answer=ScansAnswered, problems=(passes.ShiftNeeded,), handler=admit,
        example=_SCANS,
    ),
)  # fmt: skip
