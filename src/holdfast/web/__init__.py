"""The pages, for travellers and for staff: they work without JavaScript, in two languages. No rules and no SQL live here."""

from starlette.middleware import Middleware
from starlette.routing import Route

from . import assets, console, gate, problem_pages, supplier
from .guards import Guards
from .problem_pages import missing_page, problem_page, unexpected_page
from .traveller import (
    account,
    cancellation,
    card_visits,
    changes,
    checkout,
    choice,
    city_cards,
    confirmation,
    external,
    feedback,
    finding,
    help,  # noqa: A004 - the page is called so
    home,
    invoices,
    mailbox,
    merging,
    messages,
    missing,
    my_cards,
    orders,
    payments,
    privacy,
    security,
    session,
    venues,
    waitlist,
)

routes: list[Route] = [
    Route("/static/{name}", assets.serve),
    *home.routes,
    *venues.routes,
    *city_cards.routes,
    *my_cards.routes,
    *card_visits.routes,
    *checkout.routes,
    *waitlist.routes,
    *payments.routes,
    *cancellation.routes,
    *changes.routes,
    *choice.routes,
    *invoices.routes,
    *finding.routes,
    *missing.routes,
    *orders.routes,
    *help.routes,
    *feedback.routes,
    *session.routes,
    *external.routes,
    *account.routes,
    *security.routes,
    *confirmation.routes,
    *merging.routes,
    *privacy.routes,
    *mailbox.routes,
    *messages.routes,
    *gate.routes,
    *supplier.routes,
    *console.routes,
    *problem_pages.routes,
]
middleware: list[Middleware] = [Middleware(Guards)]

__all__ = ["middleware", "missing_page", "problem_page", "routes", "unexpected_page"]
