"""The staff console: pages under ``/console`` for the people who run the place. No rules and no SQL live here.

A section is a module with `routes`, listed below, and a line in `sections.SECTIONS`; its handlers begin with
``seen = await access.require(request, "finance")`` and end with ``pages.page(request, "payments.html", …)``.
"""

from starlette.routing import Route

from . import (
    audit,
    campaigns,
    campaigns_codes,
    campaigns_decision,
    campaigns_drafts,
    campaigns_incidents,
    campaigns_live,
    campaigns_review,
    capacity,
    capacity_catalogue,
    capacity_cuts,
    cards,
    cases,
    channels,
    desk,
    desk_allotments,
    desk_booking,
    desk_imports,
    desk_offline,
    desk_slips,
    feedback,
    gates,
    merges,
    orders,
    pages,
    partners,
    passkeys,
    payments,
    planning,
    positions,
    reconciliation,
    reports,
    resolver,
    restrictions,
    session,
    setup,
    staff,
    start,
    statements,
    unapplied,
    webhooks,
)

FEATURES = (
    start, session, passkeys, setup, cases, orders, cards, merges, desk_booking, desk_imports, desk_offline, desk_slips,
    desk_allotments, desk, gates, capacity, capacity_catalogue, capacity_cuts, payments, channels, unapplied, reconciliation, resolver,
    webhooks, restrictions, staff, audit, statements, partners, planning, feedback, campaigns_decision, campaigns_drafts, campaigns_incidents, campaigns_live,
    campaigns_codes, campaigns_review, campaigns, positions, reports,
)  # fmt: skip
routes: list[Route] = [
    *(pages.within(route) for feature in FEATURES for route in feature.routes),
    pages.within(Route("/console/{rest:path}", pages.nowhere, methods=["GET", "POST"])),
]

__all__ = ["routes"]
