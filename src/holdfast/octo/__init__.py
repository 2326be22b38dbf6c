"""The OCTO supplier interface: what resellers ask of us, in the words of the standard (OpenAPI of 2025-10).

A surface: no rules and no SQL. What is booked is an order of the partner's account (`orders.resale`); who asks is told by
a partner's token. Errors are OCTO's own, not problem+json.
"""

from starlette.routing import BaseRoute

from . import availability, bookings, products, redemption
from .capabilities import capabilities
from .surface import ROOT, Operation, routes_of

OPERATIONS: tuple[Operation, ...] = (
    Operation("GET", "/supplier", "Who we are", products.supplier),
    Operation("GET", "/products", "What may be sold", products.every),
    Operation("GET", "/products/{id}", "One product", products.one),
    Operation("POST", "/availability", "Slots of a product", availability.check),
    Operation("POST", "/availability/calendar", "Days of a product", availability.calendar),
    Operation("POST", "/bookings", "Hold places", bookings.reserve),
    Operation("GET", "/bookings", "Find bookings", bookings.found),
    Operation("GET", "/bookings/{uuid}", "One booking", bookings.one),
    Operation("PATCH", "/bookings/{uuid}", "Change a booking", bookings.update),
    Operation("DELETE", "/bookings/{uuid}", "Give a booking up (as older clients do)", bookings.cancel),
    Operation("POST", "/bookings/{uuid}/confirm", "Confirm a hold", bookings.confirm),
    Operation("POST", "/bookings/{uuid}/extend", "Make a hold longer", bookings.extend),
    Operation("POST", "/bookings/{uuid}/cancel", "Give a booking up", bookings.cancel),
    Operation("GET", "/redemption/lookup", "What a scanned code stands for", redemption.lookup),
    Operation("POST", "/redemption/validate", "Whether codes admit", redemption.validate),
    Operation("POST", "/redemption/redeem", "Let in on codes", redemption.redeem),
    Operation("DELETE", "/redemption/redeem", "Take an admission back", redemption.unredeem),
    Operation("GET", "/capabilities", "What else is spoken here", capabilities, open_door=True),
)
routes: list[BaseRoute] = routes_of(OPERATIONS)


def operations() -> tuple[Operation, ...]:
    """Every operation, as declared."""
    return OPERATIONS


__all__ = ["ROOT", "Operation", "operations", "routes"]
