"""The table of the console's sections: menu, start page and the test of authorisation are made from it."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from starlette.routing import BaseRoute, Route

from holdfast.accounts import Role, Staff


class Section(NamedTuple):
    """A part of the console: who may open it, and what it is good for. `roles` may read; acts may need fewer."""

    path: str
    title: str
    roles: tuple[Role, ...]
    blurb: str


SECTIONS: tuple[Section, ...] = (
    Section(
        "/console/cases", "Cases", (Role.SUPPORT, Role.DESK),
        "People who ask for help, the most urgent first, with all that is known of their order.",
    ),
    Section(
        "/console/orders", "Orders", (Role.SUPPORT, Role.DESK),
        "Find an order by its number, people masked; one field in clear with a reason.",
    ),
    Section(
        "/console/cards", "City cards", (Role.SUPPORT, Role.DESK, Role.FINANCE),
        "Find a card, see what is left on it, suspend it, give it back because of us.",
    ),
    Section(
        "/console/desk/booking", "Booking for somebody", (Role.DESK, Role.SUPPORT),
        "Book for a person on the telephone or at the counter; number and PIN on a printed slip.",
    ),
    Section(
        "/console/desk/paper", "Paper slips", (Role.DESK, Role.OPERATIONS),
        "Numbered slips for outages, the offline page, and importing what was taken on paper.",
    ),
    Section(
        "/console/desk/allotments", "Allotments", (Role.DESK, Role.OPERATIONS),
        "Places of each slot set aside for a desk, by rule or by hand.",
    ),
    Section(
        "/console/desk", "Desk", (Role.DESK, Role.FINANCE),
        "Cash for an order, refunds to hand over, and what should be in the drawer.",
    ),
    Section(
        "/console/gates", "Gates", (Role.DESK, Role.OPERATIONS, Role.ENGINEER),
        "Devices at the entrances, who went in, conflicts of gates without a network, the list on paper.",
    ),
    Section(
        "/console/capacity", "Capacity", (Role.OPERATIONS, Role.ENGINEER),
        "How many people may come, when and on whose order; cuts below what is booked; catalogue files.",
    ),
    Section(
        "/console/payments", "Payments", (Role.FINANCE, Role.SUPPORT),
        "Find a payment by any of its numbers; every attempt, answer and refund of it; give money back.",
    ),
    Section(
        "/console/channels", "Channels", (Role.ENGINEER, Role.OPERATIONS, Role.FINANCE),
        "How each way to pay is doing, and which adapter version serves it.",
    ),
    Section(
        "/console/unapplied", "Unapplied money", (Role.FINANCE,),
        "Money that nobody asked for and its way back; refunds and callbacks that wait for people.",
    ),
    Section(
        "/console/reconciliation", "Reconciliation", (Role.FINANCE, Role.SUPPORT),
        "Our books against the providers' bills, day by day, with every difference.",
    ),
    Section(
        "/console/resolver", "Payments in doubt", (Role.ENGINEER, Role.FINANCE),
        "What we are asking providers about, since when, and when we ask again.",
    ),
    Section(
        "/console/webhooks", "Webhooks", (Role.ENGINEER,),
        "Who is told about events, what was delivered, what waits or failed.",
    ),
    Section(
        "/console/restrictions", "Signing in", (Role.ENGINEER, Role.SUPPORT),
        "How each way to sign in fares; restrictions, and voiding those of a bad release at once.",
    ),
    Section(
        "/console/merges", "Joined accounts", (Role.SUPPORT,),
        "Two accounts of one person: join them after a document check, approve, undo.",
    ),
    Section(
        "/console/feedback", "What does not work", (Role.SUPPORT, Role.ENGINEER, Role.OPERATIONS),
        "What travellers say from the foot of a page, by page and problem; answer it or note it.",
    ),
    Section(
        "/console/reports", "Reported texts", (Role.SUPPORT, Role.OPERATIONS, Role.MARKETING),
        "Texts that travellers reported as false, in heaps; the third report of one raises it.",
    ),
    Section(
        "/console/positions", "Official positions", (Role.OPERATIONS, Role.MARKETING),
        "What we stand by, whatever a text says: proposed by one person, published and ended by a second.",
    ),
    Section(
        "/console/campaigns", "Campaigns", (Role.MARKETING, Role.FINANCE, Role.OPERATIONS, Role.ENGINEER),
        "What runs and what it has spent; drafts, backtests and approvals; stopping at once.",
    ),
    Section(
        "/console/planning", "Planning", (Role.OPERATIONS, Role.MARKETING),
        "How full venues are, how bookings come in, a forecast with its error, and what the figures suggest.",
    ),
    Section(
        "/console/staff", "Staff", (Role.ENGINEER,),
        "Accounts of colleagues: roles, set-up links, switching off; tokens of programs.",
    ),
    Section(
        "/console/partners", "Partners", (Role.OPERATIONS, Role.ENGINEER, Role.SUPPORT, Role.DESK),
        "Hotels, restaurants and others who supply us: whose word is fresh, whom to call, what each was told.",
    ),
    Section(
        "/console/statements", "Resellers", (Role.FINANCE, Role.OPERATIONS),
        "Partners who sell what we have: on which terms, what they sold and cancelled, what they owe.",
    ),
    Section(
        "/console/audit", "Audit trail", (Role.ENGINEER, Role.FINANCE),
        "Who did what, when and why: sign-ins, refusals and every act.",
    ),
)  # fmt: skip
ROLE_NAMES: dict[str, str] = {
    Role.SUPPORT: "Support",
    Role.DESK: "Desk",
    Role.FINANCE: "Finance",
    Role.OPERATIONS: "Operations",
    Role.MARKETING: "Marketing",
    Role.ENGINEER: "Engineering",
}
ROLE_BLURBS: dict[str, str] = {
    Role.SUPPORT: "helps travellers; reads orders and payments",
    Role.DESK: "serves people at the counter",
    Role.FINANCE: "payments, refunds, unapplied money, reconciliation",
    Role.OPERATIONS: "capacity, opening days, channels",
    Role.MARKETING: "campaigns",
    Role.ENGINEER: "channels, webhooks, staff accounts",
}


def open_to(staff: Staff, routes: Collection[BaseRoute]) -> list[Section]:
    """The sections that somebody's roles open, as far as this program serves them."""
    served = {route.path for route in routes if isinstance(route, Route)}
    return [section for section in SECTIONS if section.path in served and staff.may(*section.roles)]


def section_of(path: str) -> Section | None:
    """The section that an address belongs to."""
    return next((one for one in SECTIONS if path == one.path or path.startswith(one.path + "/")), None)
