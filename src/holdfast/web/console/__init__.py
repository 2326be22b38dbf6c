"""The staff console: pages under ``/console`` for the people who run the place. No rules and no SQL live here.

A section is a module with `routes`, listed below, and a line in `sections.SECTIONS`; its handlers begin with
``seen = await access.require(request, "finance")`` and end with ``pages.page(request, "payments.html", …)``.
"""

from starlette.routing import Route

from . import (
    audit,
    cases,
    channels,
    desk,
    merges,
    orders,
    pages,
    passkeys,
    payments,
    reconciliation,
    resolver,
    restrictions,
    session,
    setup,
    staff,
    start,
    unapplied,
    webhooks,
)

FEATURES = (
    start, session, passkeys, setup, cases, orders, merges, desk, payments, channels, unapplied, reconciliation, resolver,
    webhooks, restrictions, staff, audit,
)  # fmt: skip
routes: list[Route] = [
    *(pages.within(route) for feature in FEATURES for route in feature.routes),
    pages.within(Route("/console/{rest:path}", pages.nowhere, methods=["GET", "POST"])),
]

__all__ = ["routes"]
