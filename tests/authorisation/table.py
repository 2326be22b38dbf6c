"""Who may what: every address of the program × every kind of asker. Read the lines that change.

Askers, travellers: nobody is signed in to nothing; other is another traveller; owner has the order, case or account that is asked
about; member is the other account of the same person; stale is the owner whose last proof is an hour old; link and wrong come
without a session, with the signed link's token or a wrong one (- where there are no links); staff is a colleague with a session at
the console and a token of the API. Askers, colleagues: nobody, traveller (the owner), and one colleague for each role.
Askers, partners: owner has the booking that is asked about; other is another partner; ended comes with a key that was ended; disabled was
switched off. What OCTO says with 400 and a word of its own is told as for everybody.

Answers: ok, let in, whatever comes of it; in, asked to sign in; proof, asked to prove it once more; no, not allowed; 404, as if it did
not exist (also for those let in, where nothing of the kind is there in this test); 405, not with this method.
"""

from __future__ import annotations

from typing import NamedTuple

VISITORS = ("nobody", "other", "owner", "member", "stale", "link", "wrong", "staff")
PARTNERS = ("owner", "other", "ended", "disabled")
COLLEAGUES = ("nobody", "traveller", "support", "desk", "finance", "operations", "marketing", "engineer")


class Row(NamedTuple):
    """An address and what each asker gets there."""

    method: str
    path: str
    expected: dict[str, str]

    def with_outcomes(self, found: dict[str, str]) -> str:
        """The line of the table with these answers."""
        return " ".join((self.method, self.path, *(f"{who}:{found[who]}" for who in self.expected)))


def rows(askers: tuple[str, ...], table: str) -> list[Row]:
    """The lines of a table; what follows # and answers of - are left out."""
    found = []
    for line in table.splitlines():
        words = line.partition("#")[0].split()
        if words:
            method, path, *answers = words
            paired = zip(askers, answers, strict=True)
            found.append(Row(method, path, {who: answer for who, answer in paired if answer != "-"}))
    return found


TRAVELLERS = """
# The API: orders
#                                                         nobody    other     owner     member    stale     link      wrong     staff
POST   /api/v1/orders                                     in        ok        ok        ok        ok        -         -         in
POST   /api/v1/quotes                                     in        ok        ok        ok        ok        -         -         in
GET    /api/v1/orders                                     in        ok        ok        ok        ok        -         -         in
GET    /api/v1/orders/{number}                            in        404       ok        ok        ok        -         -         in
GET    /api/v1/orders/{number}/payment                    in        404       ok        ok        ok        -         -         in
POST   /api/v1/orders/{number}/payment                    in        404       ok        ok        ok        -         -         in
GET    /api/v1/orders/{number}/payment/ways               in        404       ok        ok        ok        -         -         in
POST   /api/v1/orders/{number}/promise                    in        404       ok        ok        ok        -         -         in
GET    /api/v1/orders/{number}/tickets                    in        404       ok        ok        ok        -         -         in
GET    /api/v1/orders/{number}/calendar.ics               in        404       ok        ok        ok        -         -         in
POST   /api/v1/lookups                                    ok        ok        ok        ok        ok        -         -         ok
GET    /api/v1/orders/{number}/cancellation               in        404       ok        ok        ok        -         -         in
POST   /api/v1/orders/{number}/cancellation               in        404       ok        ok        ok        -         -         in
GET    /api/v1/orders/{number}/change                     in        404       ok        ok        ok        -         -         in
POST   /api/v1/orders/{number}/change                     in        404       404       404       404       -         -         in
DELETE /api/v1/orders/{number}/change                     in        404       404       404       404       -         -         in
POST   /api/v1/orders/{number}/change/payment             in        404       404       404       404       -         -         in
GET    /api/v1/orders/{number}/change/payment/ways        in        404       404       404       404       -         -         in
GET    /api/v1/orders/{number}/invoices                   in        404       ok        ok        ok        -         -         in
POST   /api/v1/orders/{number}/invoices                   in        404       ok        ok        ok        -         -         in

# The API: cards. What is theirs is found from every account of the person
#                                                         nobody    other     owner     member    stale     link      wrong     staff
GET    /api/v1/card-offers                                ok        ok        ok        ok        ok        -         -         ok
GET    /api/v1/cards                                      in        ok        ok        ok        ok        -         -         in
GET    /api/v1/cards/{card}                               in        404       ok        ok        ok        -         -         in
POST   /api/v1/cards/{card}/activation                    in        404       ok        ok        ok        -         -         in
POST   /api/v1/cards/{card}/visits                        in        404       404       404       404       -         -         in
DELETE /api/v1/cards/{card}/visits/{visit_order}/{line}   in        404       404       404       404       -         -         in

# The API: people, cases, catalogue
#                                                         nobody    other     owner     member    stale     link      wrong     staff
GET    /api/v1/cities                                     ok        ok        ok        ok        ok        -         -         ok
GET    /api/v1/venues                                     ok        ok        ok        ok        ok        -         -         ok
GET    /api/v1/venues/{venue_id}                          ok        ok        ok        ok        ok        -         -         ok
GET    /api/v1/venues/{venue_id}/calendar                 ok        ok        ok        ok        ok        -         -         ok
GET    /api/v1/venues/{venue_id}/slots                    ok        ok        ok        ok        ok        -         -         ok
POST   /api/v1/codes                                      ok        ok        ok        ok        ok        -         -         ok
POST   /api/v1/sessions                                   ok        ok        ok        ok        ok        -         -         ok
DELETE /api/v1/sessions                                   in        ok        ok        ok        ok        -         -         in
GET    /api/v1/session                                    in        ok        ok        ok        ok        -         -         in
DELETE /api/v1/session                                    in        ok        ok        ok        ok        -         -         in
GET    /api/v1/identifiers                                in        ok        ok        ok        ok        -         -         in
GET    /api/v1/devices                                    in        ok        ok        ok        ok        -         -         in
DELETE /api/v1/devices/{device_id}                        in        404       ok        ok        ok        -         -         in
POST   /api/v1/cases                                      ok        ok        ok        ok        ok        -         -         ok
POST   /api/v1/cases/codes                                ok        ok        ok        ok        ok        -         -         ok
GET    /api/v1/cases/{case}                               404       404       ok        ok        ok        ok        404       404
POST   /api/v1/messages/check                             ok        ok        ok        ok        ok        -         -         ok
GET    /api/v1/messages/positions                         ok        ok        ok        ok        ok        -         -         ok
GET    /api/v1/ticket-keys                                ok        ok        ok        ok        ok        -         -         ok
GET    /.well-known/holdfast-ticket-keys.json             ok        ok        ok        ok        ok        -         -         ok
POST   /api/v1/gate/devices                               404       404       404       404       404       -         -         404
POST   /api/v1/gate/shift                                 in        in        in        in        in        -         -         in
DELETE /api/v1/gate/shift                                 in        in        in        in        in        -         -         in
GET    /api/v1/gate/list                                  in        in        in        in        in        -         -         in
POST   /api/v1/gate/admissions                            in        in        in        in        in        -         -         in
POST   /api/v1/supply/news                                in        in        in        in        in        -         -         in
GET    /api/v1/supply                                     in        in        in        in        in        -         -         in
GET    /api/v1/supply/bookings                            in        in        in        in        in        -         -         in
GET    /webhooks/supply/{partner}                         405       405       405       405       405       -         -         405
POST   /webhooks/supply/{partner}                         no        no        no        no        no        -         -         no
GET    /api/v1/openapi.json                               ok        ok        ok        ok        ok        -         -         ok

# Doors for programs. Callbacks of providers are open and need their signature: 401 without (tests/api/test_webhooks.py)
#                                                         nobody    other     owner     member    stale     link      wrong     staff
GET    /webhooks/{provider}                               405       405       405       405       405       -         -         405
POST   /webhooks/{provider}                               404       404       404       404       404       -         -         404
GET    /api/{rest:path}                                   404       404       404       404       404       -         -         404
POST   /api/{rest:path}                                   404       404       404       404       404       -         -         404
GET    /healthz                                           ok        ok        ok        ok        ok        -         -         ok
GET    /readyz                                            ok        ok        ok        ok        ok        -         -         ok

# The interface of resellers (OCTO): for the key of a partner, which none of these is. What is not there is a bad request
#                                                         nobody    other     owner     member    stale     link      wrong     staff
GET    /octo/supplier                                     in        in        in        in        in        -         -         in
GET    /octo/supplier/                                    in        in        in        in        in        -         -         in
GET    /octo/products                                     in        in        in        in        in        -         -         in
GET    /octo/products/                                    in        in        in        in        in        -         -         in
GET    /octo/products/{id}                                in        in        in        in        in        -         -         in
GET    /octo/products/{id}/                               in        in        in        in        in        -         -         in
POST   /octo/availability                                 in        in        in        in        in        -         -         in
POST   /octo/availability/                                in        in        in        in        in        -         -         in
POST   /octo/availability/calendar                        in        in        in        in        in        -         -         in
POST   /octo/availability/calendar/                       in        in        in        in        in        -         -         in
POST   /octo/bookings                                     in        in        in        in        in        -         -         in
POST   /octo/bookings/                                    in        in        in        in        in        -         -         in
GET    /octo/bookings                                     in        in        in        in        in        -         -         in
GET    /octo/bookings/                                    in        in        in        in        in        -         -         in
GET    /octo/bookings/{uuid}                              in        in        in        in        in        -         -         in
GET    /octo/bookings/{uuid}/                             in        in        in        in        in        -         -         in
PATCH  /octo/bookings/{uuid}                              in        in        in        in        in        -         -         in
PATCH  /octo/bookings/{uuid}/                             in        in        in        in        in        -         -         in
DELETE /octo/bookings/{uuid}                              in        in        in        in        in        -         -         in
DELETE /octo/bookings/{uuid}/                             in        in        in        in        in        -         -         in
POST   /octo/bookings/{uuid}/confirm                      in        in        in        in        in        -         -         in
POST   /octo/bookings/{uuid}/confirm/                     in        in        in        in        in        -         -         in
POST   /octo/bookings/{uuid}/extend                       in        in        in        in        in        -         -         in
POST   /octo/bookings/{uuid}/extend/                      in        in        in        in        in        -         -         in
POST   /octo/bookings/{uuid}/cancel                       in        in        in        in        in        -         -         in
POST   /octo/bookings/{uuid}/cancel/                      in        in        in        in        in        -         -         in
GET    /octo/redemption/lookup                            in        in        in        in        in        -         -         in
GET    /octo/redemption/lookup/                           in        in        in        in        in        -         -         in
POST   /octo/redemption/validate                          in        in        in        in        in        -         -         in
POST   /octo/redemption/validate/                         in        in        in        in        in        -         -         in
POST   /octo/redemption/redeem                            in        in        in        in        in        -         -         in
POST   /octo/redemption/redeem/                           in        in        in        in        in        -         -         in
DELETE /octo/redemption/redeem                            in        in        in        in        in        -         -         in
DELETE /octo/redemption/redeem/                           in        in        in        in        in        -         -         in
GET    /octo/capabilities                                 ok        ok        ok        ok        ok        -         -         ok
GET    /octo/capabilities/                                ok        ok        ok        ok        ok        -         -         ok
GET    /octo                                              ok        ok        ok        ok        ok        -         -         ok
POST   /octo                                              ok        ok        ok        ok        ok        -         -         ok
GET    /octo/{rest:path}                                  ok        ok        ok        ok        ok        -         -         ok
POST   /octo/{rest:path}                                  ok        ok        ok        ok        ok        -         -         ok

# Open to all. The mailbox does not exist in production
#                                                         nobody    other     owner     member    stale     link      wrong     staff
GET    /static/{name}                                     ok        ok        ok        ok        ok        -         -         ok
GET    /                                                  ok        ok        ok        ok        ok        -         -         ok
GET    /status                                            ok        ok        ok        ok        ok        -         -         ok
GET    /venues/{id}                                       ok        ok        ok        ok        ok        -         -         ok
GET    /checkout                                          ok        ok        ok        ok        ok        -         -         ok
POST   /checkout                                          ok        ok        ok        ok        ok        -         -         ok
POST   /checkout/code                                     ok        ok        ok        ok        ok        -         -         ok
POST   /checkout/form                                     ok        ok        ok        ok        ok        -         -         ok
GET    /waitlist                                          in        ok        ok        ok        ok        -         -         in
POST   /waitlist                                          404       404       404       404       404       -         -         404
GET    /waitlist/new                                      in        404       404       404       404       -         -         in
GET    /waitlist/{id}                                     in        404       ok        ok        ok        -         -         in
POST   /waitlist/{id}/leaving                             in        404       ok        ok        ok        -         -         in
GET    /terms                                             ok        ok        ok        ok        ok        -         -         ok
GET    /mailbox                                           ok        ok        ok        ok        ok        -         -         ok
GET    /supply/{token}                                    404       404       404       404       404       -         -         404
POST   /supply/{token}                                    404       404       404       404       404       -         -         404
GET    /gate                                              ok        ok        ok        ok        ok        -         -         ok
GET    /gate/manifest.webmanifest                         ok        ok        ok        ok        ok        -         -         ok
GET    /gate/sw.js                                        ok        ok        ok        ok        ok        -         -         ok
GET    /problems/{code}                                   ok        ok        ok        ok        ok        -         -         ok

# Cards
GET    /cards                                             ok        ok        ok        ok        ok        -         -         ok
GET    /cards/{card_id}                                   404       404       404       404       404       -         -         404
GET    /account/cards                                     in        ok        ok        ok        ok        -         -         in
GET    /account/cards/{number}                            in        404       ok        ok        ok        -         -         in
POST   /account/cards/{number}/activation                 in        404       ok        ok        ok        -         -         in
GET    /account/cards/{number}/visits                     in        404       ok        ok        ok        -         -         in
POST   /account/cards/{number}/visits                     in        404       ok        ok        ok        -         -         in
POST   /account/cards/{number}/visits/{order}/{line:int}/cancellation in    404       404       404       404       -         -         in

# One order. A signed link shows it and pays it; what ends or changes it needs its owner
#                                                         nobody    other     owner     member    stale     link      wrong     staff
GET    /orders/{number}/payment                           in        404       ok        ok        ok        ok        404       in
POST   /orders/{number}/payment                           in        404       ok        ok        ok        ok        404       in
GET    /orders/{number}/payment/card                      in        404       ok        ok        ok        ok        404       in
POST   /orders/{number}/payment/promise                   in        404       ok        ok        ok        ok        404       in
GET    /orders/{number}/payment/status                    in        404       ok        ok        ok        ok        404       in
GET    /orders/{number}/cancellation                      in        404       ok        ok        ok        in        in        in
POST   /orders/{number}/cancellation                      in        404       ok        ok        ok        in        in        in
GET    /orders/{number}/change                            in        404       ok        ok        ok        in        in        in
POST   /orders/{number}/change                            in        404       ok        ok        ok        in        in        in
GET    /orders/{number}/change/from/{slot}                in        404       ok        ok        ok        in        in        in
POST   /orders/{number}/change/from/{slot}                in        404       ok        ok        ok        in        in        in
POST   /orders/{number}/change/end                        in        404       ok        ok        ok        in        in        in
GET    /orders/{number}/change/payment                    in        404       ok        ok        ok        in        in        in
POST   /orders/{number}/change/payment                    in        404       ok        ok        ok        in        in        in
GET    /orders/{number}/change/payment/card               in        404       ok        ok        ok        in        in        in
GET    /orders/{number}/change/payment/status             in        404       ok        ok        ok        in        in        in
GET    /orders/{number}/choice                            in        404       404       404       404       in        404       in
POST   /orders/{number}/choice                            in        404       ok        ok        ok        in        404       in
GET    /orders/{number}/invoice                           in        404       ok        ok        ok        in        in        in
POST   /orders/{number}/invoice                           in        404       ok        ok        ok        in        in        in
GET    /orders/{number}/invoice/{seq:int}.html            in        404       404       404       404       in        in        in
GET    /orders/{number}                                   in        404       ok        ok        ok        ok        404       in
GET    /orders/{number}/tickets                           in        404       ok        ok        ok        ok        404       in
GET    /orders/{number}/calendar.ics                      in        404       ok        ok        ok        ok        404       in

# What is mine
#                                                         nobody    other     owner     member    stale     link      wrong     staff
GET    /orders                                            in        ok        ok        ok        ok        -         -         in

# Finding an order without an account
#                                                         nobody    other     owner     member    stale     link      wrong     staff
GET    /orders/lookup                                     ok        ok        ok        ok        ok        -         -         ok
POST   /orders/lookup                                     ok        ok        ok        ok        ok        -         -         ok
POST   /orders/lookup/link                                ok        ok        ok        ok        ok        -         -         ok
GET    /orders/link/{token}                               404       404       404       404       404       -         -         404
POST   /orders/link/{token}                               404       404       404       404       404       -         -         404
GET    /orders/missing                                    ok        ok        ok        ok        ok        -         -         ok
POST   /orders/missing                                    ok        ok        ok        ok        ok        -         -         ok
POST   /orders/missing/code                               404       404       404       404       404       -         -         404
POST   /orders/missing/proof                              404       404       404       404       404       -         -         404

# Help
#                                                         nobody    other     owner     member    stale     link      wrong     staff
GET    /feedback                                          ok        ok        ok        ok        ok        -         -         ok
POST   /feedback                                          ok        ok        ok        ok        ok        -         -         ok
GET    /feedback/{number}                                 404       404       404       404       404       -         -         404
GET    /help                                              ok        ok        ok        ok        ok        -         -         ok
GET    /help/cases/new                                    ok        ok        ok        ok        ok        -         -         ok
POST   /help/cases/form                                   ok        ok        ok        ok        ok        -         -         ok
POST   /help/cases/code                                   ok        ok        ok        ok        ok        -         -         ok
POST   /help/cases                                        ok        ok        ok        ok        ok        -         -         ok
GET    /help/cases/{number}                               in        404       ok        ok        ok        ok        404       in
POST   /help/cases/{number}/messages                      in        404       ok        ok        ok        ok        404       in
POST   /help/cases/{number}/closing                       in        404       ok        ok        ok        ok        404       in
POST   /help/cases/{number}/rating                        in        404       ok        ok        ok        ok        404       in

# Is this message from us?
#                                                         nobody    other     owner     member    stale     link      wrong     staff
GET    /messages                                          ok        ok        ok        ok        ok        -         -         ok
POST   /messages                                          ok        ok        ok        ok        ok        -         -         ok
POST   /messages/reports                                  ok        ok        ok        ok        ok        -         -         ok
GET    /account/messages                                  in        ok        ok        ok        ok        -         -         in

# Signing in and out
#                                                         nobody    other     owner     member    stale     link      wrong     staff
GET    /session                                           ok        ok        ok        ok        ok        -         -         ok
POST   /session                                           ok        ok        ok        ok        ok        -         -         ok
POST   /session/code                                      ok        ok        ok        ok        ok        -         -         ok
POST   /session/password                                  ok        ok        ok        ok        ok        -         -         ok
POST   /session/passkey                                   ok        ok        ok        ok        ok        -         -         ok
GET    /session/external/{provider}                       404       404       404       404       404       -         -         404
GET    /session/external/{provider}/return                ok        ok        ok        ok        ok        -         -         ok
POST   /session/end                                       ok        ok        ok        ok        ok        -         -         ok

# My account: whatever could cost it needs a fresh proof
#                                                         nobody    other     owner     member    stale     link      wrong     staff
GET    /account/security/external/{provider}              in        404       404       404       proof     -         -         in
GET    /account/confirm/external/{provider}               in        404       404       404       404       -         -         in
GET    /account                                           in        ok        ok        ok        ok        -         -         in
POST   /account/sessions/end                              ok        ok        ok        ok        ok        -         -         ok
POST   /account/sessions/{id}/end                         in        ok        ok        ok        ok        -         -         in
GET    /account/security                                  in        ok        ok        ok        ok        -         -         in
POST   /account/security/codes                            in        ok        ok        ok        proof     -         -         in
POST   /account/security/identifiers                      in        ok        ok        ok        proof     -         -         in
POST   /account/security/identifiers/{id}/removal         in        ok        ok        ok        proof     -         -         in
POST   /account/security/passkeys                         in        ok        ok        ok        proof     -         -         in
POST   /account/security/passkeys/{id}/removal            in        ok        ok        ok        proof     -         -         in
POST   /account/security/password                         in        ok        ok        ok        proof     -         -         in
POST   /account/security/password/removal                 in        404       404       404       proof     -         -         in
GET    /account/confirm                                   in        ok        ok        ok        ok        -         -         in
POST   /account/confirm                                   in        ok        ok        ok        ok        -         -         in
POST   /account/confirm/code                              in        404       ok        404       ok        -         -         in
POST   /account/confirm/passkey                           in        ok        ok        ok        ok        -         -         in

# Joined accounts
#                                                         nobody    other     owner     member    stale     link      wrong     staff
GET    /account/merging                                   in        ok        ok        ok        ok        -         -         in
POST   /account/merging                                   in        404       404       404       404       -         -         in
POST   /account/merging/codes                             in        ok        ok        ok        ok        -         -         in
POST   /account/merging/proofs                            in        ok        ok        ok        ok        -         -         in
GET    /account/merging/preview                           404       404       404       404       404       -         -         404
GET    /account/merging/links/{id}                        in        404       ok        ok        ok        -         -         in
POST   /account/merging/links/{id}/ending                 in        404       ok        ok        ok        -         -         in
GET    /account/merging/not-me/{id}/{side}                404       404       404       404       404       ok        404       404
POST   /account/merging/not-me/{id}/{side}                404       404       404       404       404       ok        404       404

# My data: a copy and an erasure need a fresh proof
#                                                         nobody    other     owner     member    stale     link      wrong     staff
GET    /account/privacy                                   in        ok        ok        ok        ok        -         -         in
POST   /account/privacy/consents                          in        ok        ok        ok        ok        -         -         in
POST   /account/privacy/exports                           in        ok        ok        ok        proof     -         -         in
GET    /account/privacy/exports/{id}                      in        404       ok        ok        proof     -         -         in
GET    /account/privacy/erasure                           in        ok        ok        ok        ok        -         -         in
POST   /account/privacy/erasure                           in        ok        ok        ok        proof     -         -         in
POST   /account/privacy/erasure/end                       in        ok        ok        ok        ok        -         -         in
"""
CONSOLE = """
# The door, and what is every colleague's own
#                                                         nobody    traveller support   desk      finance   operations marketing engineer
GET    /console                                           in        in        ok        ok        ok        ok        ok        ok
GET    /console/session                                   ok        ok        ok        ok        ok        ok        ok        ok
POST   /console/session                                   ok        ok        ok        ok        ok        ok        ok        ok
POST   /console/session/passkey                           in        in        in        in        in        in        in        in
POST   /console/session/end                               ok        ok        ok        ok        ok        ok        ok        ok
GET    /console/account                                   in        in        ok        ok        ok        ok        ok        ok
POST   /console/account/sessions/end                      in        in        ok        ok        ok        ok        ok        ok
GET    /console/account/passkeys                          in        in        ok        ok        ok        ok        ok        ok
POST   /console/account/passkeys                          in        in        ok        ok        ok        ok        ok        ok
POST   /console/account/passkeys/{id}/removal             in        in        404       404       404       404       404       404
GET    /console/setup/{code}                              404       404       404       404       404       404       404       404
POST   /console/setup/{code}                              404       404       404       404       404       404       404       404
GET    /console/{rest:path}                               in        in        404       404       404       404       404       404
POST   /console/{rest:path}                               in        in        404       404       404       404       404       404

# Cases
#                                                         nobody    traveller support   desk      finance   operations marketing engineer
GET    /console/cases                                     in        in        ok        ok        no        no        no        no
POST   /console/cases                                     in        in        ok        ok        no        no        no        no
GET    /console/cases/new                                 in        in        ok        ok        no        no        no        no
GET    /console/cases/{number}                            in        in        ok        ok        no        no        no        no
POST   /console/cases/{number}/answer                     in        in        ok        ok        no        no        no        no
POST   /console/cases/{number}/assignment                 in        in        ok        ok        no        no        no        no
POST   /console/cases/{number}/closing                    in        in        ok        ok        no        no        no        no
POST   /console/cases/{number}/order                      in        in        ok        ok        no        no        no        no

# Orders, people masked
#                                                         nobody    traveller support   desk      finance   operations marketing engineer
GET    /console/orders                                    in        in        ok        ok        no        no        no        no
GET    /console/orders/{number}                           in        in        ok        ok        no        no        no        no
POST   /console/orders/{number}/reveal                    in        in        ok        ok        no        no        no        no

# Joined accounts
#                                                         nobody    traveller support   desk      finance   operations marketing engineer
GET    /console/merges                                    in        in        ok        no        no        no        no        no
POST   /console/merges                                    in        in        ok        no        no        no        no        no
GET    /console/merges/links/{id}                         in        in        ok        no        no        no        no        no
POST   /console/merges/links/{id}/ending                  in        in        ok        no        no        no        no        no
GET    /console/merges/{id}                               in        in        404       no        no        no        no        no
POST   /console/merges/{id}/approval                      in        in        404       no        no        no        no        no
POST   /console/merges/{id}/rejection                     in        in        404       no        no        no        no        no
POST   /console/merges/{id}/withdrawal                    in        in        404       no        no        no        no        no
POST   /console/merges/{id}/reverting                     in        in        404       no        no        no        no        no

# Campaigns. Who works with them or looks after the program reads and stops; marketing and finance write, approve and start
#                                                         nobody    traveller support   desk      finance   operations marketing engineer
GET    /console/campaigns                                 in        in        no        no        ok        ok        ok        ok
GET    /console/campaigns/new                             in        in        no        no        ok        no        ok        no
POST   /console/campaigns/drafts                          in        in        no        no        ok        no        ok        no
GET    /console/campaigns/drafts/{id}                     in        in        no        no        404       404       404       404
POST   /console/campaigns/drafts/{id}                     in        in        no        no        404       no        404       no
GET    /console/campaigns/drafts/{id}/backtest            in        in        no        no        404       404       404       404
POST   /console/campaigns/drafts/{id}/backtest            in        in        no        no        404       no        404       no
POST   /console/campaigns/drafts/{id}/proposal            in        in        no        no        404       no        404       no
POST   /console/campaigns/drafts/{id}/again               in        in        no        no        404       no        404       no
POST   /console/campaigns/drafts/{id}/dropping            in        in        no        no        404       no        404       no
GET    /console/campaigns/envelopes                       in        in        no        no        ok        ok        ok        ok
POST   /console/campaigns/envelopes                       in        in        no        no        ok        no        ok        no
GET    /console/campaigns/proposals/{id}                  in        in        no        no        404       404       404       404
GET    /console/campaigns/proposals/{id}/approval         in        in        no        no        404       no        404       no
POST   /console/campaigns/proposals/{id}/approval         in        in        no        no        404       no        404       no
POST   /console/campaigns/proposals/{id}/start            in        in        no        no        404       no        404       no
POST   /console/campaigns/proposals/{id}/backtest         in        in        no        no        404       no        404       no
POST   /console/campaigns/proposals/{id}/rejection        in        in        no        no        404       no        404       no
POST   /console/campaigns/proposals/{id}/withdrawal       in        in        no        no        404       no        404       no
POST   /console/campaigns/proposals/{id}/again            in        in        no        no        404       no        404       no
GET    /console/campaigns/{campaign}                      in        in        no        no        404       404       404       404
POST   /console/campaigns/{campaign}/stop                 in        in        no        no        404       404       404       404
GET    /console/campaigns/{campaign}/live                 in        in        no        no        404       404       404       404
POST   /console/campaigns/{campaign}/stages               in        in        no        no        404       no        404       no
GET    /console/campaigns/{campaign}/codes                in        in        no        no        404       404       404       404
POST   /console/campaigns/{campaign}/codes                in        in        no        no        404       no        404       no
POST   /console/campaigns/{campaign}/codes/file           in        in        no        no        404       no        404       no
POST   /console/campaigns/{campaign}/codes/ending         in        in        no        no        404       404       404       404
GET    /console/campaigns/{campaign}/codes/{batch}.csv    in        in        no        no        404       no        404       no
GET    /console/campaigns/incidents                       in        in        no        no        ok        ok        ok        ok
GET    /console/campaigns/incidents/{id}                  in        in        no        no        404       404       404       404
POST   /console/campaigns/incidents/{id}/restart          in        in        no        no        404       no        404       no
GET    /api/v1/campaigns                                  in        in        no        no        ok        ok        ok        ok
POST   /api/v1/campaigns/drafts                           in        in        no        no        404       no        404       no
GET    /api/v1/campaigns/drafts/{draft}                   in        in        no        no        404       404       404       404
POST   /api/v1/campaigns/drafts/{draft}/backtest          in        in        no        no        404       no        404       no
POST   /api/v1/campaigns/drafts/{draft}/proposal          in        in        no        no        404       no        404       no
GET    /api/v1/campaigns/proposals/{proposal}             in        in        no        no        404       404       404       404
POST   /api/v1/campaigns/proposals/{proposal}/approval    in        in        no        no        404       no        404       no
POST   /api/v1/campaigns/proposals/{proposal}/start       in        in        no        no        404       no        404       no
POST   /api/v1/campaigns/{campaign}/stop                  in        in        no        no        404       404       404       404

# What becomes of a stopped campaign's discounts
#                                                         nobody    traveller support   desk      finance   operations marketing engineer
GET    /console/campaigns/incidents/{id}/decision         in        in        no        no        404       404       404       no
POST   /console/campaigns/incidents/{id}/decision         in        in        no        no        404       404       404       no
POST   /console/campaigns/incidents/{id}/decision/accounts in       in        no        no        404       404       404       no
POST   /console/campaigns/incidents/{id}/decision/{proposal}/approval in in   no        no        404       no        no        no
POST   /console/campaigns/incidents/{id}/decision/{proposal}/{verb} in in     no        no        404       404       404       no

# Outgoing webhooks
#                                                         nobody    traveller support   desk      finance   operations marketing engineer
GET    /console/webhooks                                  in        in        no        no        no        no        no        ok
POST   /console/webhooks                                  in        in        no        no        no        no        no        ok
GET    /console/webhooks/{id}                             in        in        no        no        no        no        no        404
POST   /console/webhooks/{id}/pausing                     in        in        no        no        no        no        no        404
POST   /console/webhooks/{id}/resuming                    in        in        no        no        no        no        no        404
POST   /console/webhooks/{id}/secret                      in        in        no        no        no        no        no        404
POST   /console/webhooks/{id}/test                        in        in        no        no        no        no        no        404
POST   /console/webhooks/{id}/ending                      in        in        no        no        no        no        no        404
GET    /console/webhooks/deliveries/{number}              in        in        no        no        no        no        no        404
POST   /console/webhooks/deliveries/{number}/resending    in        in        no        no        no        no        no        404

# Payments, by programs and people
#                                                         nobody    traveller support   desk      finance   operations marketing engineer
GET    /api/v1/payments                                   in        in        ok        no        ok        no        no        no
GET    /api/v1/payments/{payment_id}                      in        in        404       no        404       no        no        no
POST   /api/v1/payments/{payment_id}/refunds              in        in        no        no        404       no        no        no
GET    /api/v1/refunds/{refund_id}                        in        in        404       no        404       no        no        no
GET    /console/payments                                  in        in        ok        no        ok        no        no        no
GET    /console/payments/{id}                             in        in        404       no        404       no        no        no
POST   /console/payments/{id}/refunds                     in        in        no        no        404       no        no        no
POST   /console/payments/{id}/asking                      in        in        404       no        404       no        no        no
POST   /console/payments/{id}/refunds/{refund}/handing    in        in        no        no        404       no        no        no

# The desk
#                                                         nobody    traveller support   desk      finance   operations marketing engineer
GET    /console/desk                                      in        in        no        ok        ok        no        no        no
POST   /console/desk/{number}/taking                      in        in        no        404       404       no        no        no
POST   /console/desk/refunds/{id}/handing                 in        in        no        404       404       no        no        no

# Cards. Who helps may stop one; money goes back by finance
#                                                         nobody    traveller support   desk      finance   operations marketing engineer
GET    /console/cards                                     in        in        ok        ok        ok        no        no        no
GET    /console/cards/{number}                            in        in        ok        ok        ok        no        no        no
POST   /console/cards/{number}/suspension                 in        in        ok        no        no        no        no        no
POST   /console/cards/{number}/resumption                 in        in        ok        no        no        no        no        no
POST   /console/cards/{number}/return                     in        in        no        no        ok        no        no        no

# Paper, allotments, booking for somebody. Supervisors are operations; a device hands in with the token of its numbers, too
#                                                         nobody    traveller support   desk      finance   operations marketing engineer
GET    /console/desk/paper                                in        in        no        ok        no        ok        no        no
POST   /console/desk/paper/desks                          in        in        no        no        no        ok        no        no
POST   /console/desk/paper/spoiling                       in        in        no        ok        no        ok        no        no
GET    /console/desk/paper/pads/{id}                      in        in        no        404       no        404       no        no
POST   /console/desk/paper/pads/{id}/revoking             in        in        no        no        no        404       no        no
POST   /console/desk/paper/{code}/state                   in        in        no        no        no        404       no        no
POST   /console/desk/paper/{code}/pads                    in        in        no        ok        no        ok        no        no
GET    /console/desk/paper/template.csv                   in        in        no        ok        no        ok        no        no
POST   /console/desk/paper/imports                        in        in        no        ok        no        ok        no        no
GET    /console/desk/paper/imports/{id}                   in        in        no        404       no        404       no        no
GET    /console/desk/paper/slips/{id}                     in        in        no        404       no        404       no        no
POST   /console/desk/paper/slips/{id}/decision            in        in        no        404       no        404       no        no
POST   /console/desk/paper/slips/{id}/correction          in        in        no        404       no        404       no        no
GET    /console/desk/allotments                           in        in        no        ok        no        ok        no        no
POST   /console/desk/allotments/rules                     in        in        no        no        no        ok        no        no
POST   /console/desk/allotments/rules/{id}/ending         in        in        no        no        no        ok        no        no
POST   /console/desk/allotments/places                    in        in        no        no        no        404       no        no
GET    /console/desk/booking                              in        in        ok        ok        no        no        no        no
POST   /console/desk/booking                              in        in        ok        ok        no        no        no        no
GET    /console/desk/booking/{number}                     in        in        404       404       no        no        no        no
GET    /console/desk/offline                              in        in        no        ok        no        ok        no        no
GET    /console/desk/offline/manifest.webmanifest         in        in        ok        ok        ok        ok        ok        ok
GET    /console/desk/offline/sw.js                        in        in        ok        ok        ok        ok        ok        ok
POST   /console/desk/offline/packs                        in        in        no        ok        no        ok        no        no
POST   /console/desk/offline/lines                        in        in        no        ok        no        ok        no        no

# Gates. Who reads may be at the desk; devices and rules are made by operations and engineers
#                                                         nobody    traveller support   desk      finance   operations marketing engineer
GET    /console/partners                                  in        in        ok        ok        no        ok        no        ok
POST   /console/partners                                  in        in        no        no        no        ok        no        ok
POST   /console/partners/calls/{call}                     in        in        ok        ok        no        ok        no        no
GET    /console/partners/{id}                             in        in        404       404       no        404       no        404
POST   /console/partners/{id}                             in        in        no        no        no        404       no        404
POST   /console/partners/{id}/news                        in        in        404       404       no        404       no        no
POST   /console/partners/{id}/upload                      in        in        no        no        no        404       no        404
GET    /console/statements                                in        in        no        no        ok        ok        no        no
GET    /console/partners/{id}/statement                   in        in        no        no        404       404       no        no
POST   /console/partners/{id}/statement                   in        in        no        no        404       no        no        no
GET    /console/partners/{id}/statement.csv               in        in        no        no        404       404       no        no
GET    /console/partners/{id}/terms                       in        in        no        no        404       404       no        no
POST   /console/partners/{id}/terms                       in        in        no        no        404       404       no        no
GET    /console/gates                                     in        in        no        ok        no        ok        no        ok
POST   /console/gates                                     in        in        no        no        no        ok        no        ok
GET    /console/gates/list                                in        in        no        404       no        404       no        404
POST   /console/gates/rules                               in        in        no        no        no        404       no        404
GET    /console/gates/admissions/{key}                    in        in        no        404       no        404       no        404
POST   /console/gates/admissions/{key}/undoing            in        in        no        404       no        404       no        no
POST   /console/gates/admissions/{key}/ruling             in        in        no        404       no        404       no        no
POST   /console/gates/{id}/revoking                       in        in        no        no        no        ok        no        ok

# Capacity
#                                                         nobody    traveller support   desk      finance   operations marketing engineer
GET    /console/capacity                                  in        in        no        no        no        ok        no        ok
POST   /console/capacity/effect                           in        in        no        no        no        ok        no        no
POST   /console/capacity/changes                          in        in        no        no        no        ok        no        no
POST   /console/capacity/day-types                        in        in        no        no        no        ok        no        no
GET    /console/capacity/venues/{venue}                   in        in        no        no        no        404       no        404
GET    /console/capacity/catalogue                        in        in        no        no        no        ok        no        ok
POST   /console/capacity/catalogue                        in        in        no        no        no        ok        no        no
GET    /console/capacity/proposals/{id}                   in        in        no        no        no        404       no        404
POST   /console/capacity/proposals/{id}/approval          in        in        no        no        no        404       no        no
POST   /console/capacity/proposals/{id}/{verb}            in        in        no        no        no        404       no        no
GET    /console/capacity/cuts/{id}                        in        in        no        no        no        404       no        404
GET    /console/capacity/cuts/{id}/report                 in        in        no        no        no        404       no        404
GET    /console/capacity/cuts/{id}/report.csv             in        in        no        no        no        404       no        404
POST   /console/capacity/cuts/{id}/{verb}                 in        in        no        no        no        404       no        no

# Ways to pay
#                                                         nobody    traveller support   desk      finance   operations marketing engineer
GET    /console/channels                                  in        in        no        no        ok        ok        no        ok
GET    /console/channels/{provider}                       in        in        no        no        404       404       no        404
POST   /console/channels/{provider}/switches              in        in        no        no        no        404       no        404
POST   /console/channels/{provider}/switches/{number}/lifting in        in        no        no        no        404       no        404
POST   /console/channels/{provider}/rollouts              in        in        no        no        no        404       no        404
GET    /console/resolver                                  in        in        no        no        ok        no        no        ok

# Unapplied money and reconciliation
#                                                         nobody    traveller support   desk      finance   operations marketing engineer
GET    /console/unapplied                                 in        in        no        no        ok        no        no        no
POST   /console/unapplied/refunds/{id}/handing            in        in        no        no        ok        no        no        no
POST   /console/unapplied/callbacks/{id}/review           in        in        no        no        ok        no        no        no
GET    /console/reconciliation                            in        in        ok        no        ok        no        no        no
GET    /console/reconciliation/queue                      in        in        ok        no        ok        no        no        no
GET    /console/reconciliation/items/{id}                 in        in        404       no        404       no        no        no
POST   /console/reconciliation/items/{id}/asking          in        in        no        no        404       no        no        no
POST   /console/reconciliation/items/{id}/note            in        in        no        no        404       no        no        no
POST   /console/reconciliation/items/{id}/acceptance      in        in        no        no        404       no        no        no
POST   /console/reconciliation/items/{id}/suspense        in        in        no        no        404       no        no        no
POST   /console/reconciliation/items/{id}/write-off       in        in        no        no        404       no        no        no
POST   /console/reconciliation/items/{id}/reopening       in        in        no        no        404       no        no        no
GET    /console/reconciliation/{provider}/{day}           in        in        404       no        404       no        no        no
POST   /console/reconciliation/{provider}/{day}           in        in        no        no        404       no        no        no

# Signing in of travellers
#                                                         nobody    traveller support   desk      finance   operations marketing engineer
GET    /console/restrictions                              in        in        ok        no        no        no        no        ok
POST   /console/restrictions/voiding                      in        in        no        no        no        no        no        ok
POST   /console/restrictions/breakers/{method}/closing    in        in        no        no        no        no        no        404

# What travellers say does not work; demand and forecasts
#                                                         nobody    traveller support   desk      finance   operations marketing engineer
GET    /console/feedback                                  in        in        ok        no        no        ok        no        ok
GET    /console/feedback/about                            in        in        404       no        no        404       no        404
POST   /console/feedback/{id}/answer                      in        in        404       no        no        404       no        404
POST   /console/feedback/{id}/note                        in        in        404       no        no        404       no        404
GET    /console/planning                                  in        in        no        no        no        ok        ok        no
GET    /console/planning/venues/{venue_id}                in        in        no        no        no        ok        ok        no
GET    /console/planning/venues/{venue_id}/{sheet}.csv    in        in        no        no        no        404       404       no

# What we stand by, and what people report as false
#                                                         nobody    traveller support   desk      finance   operations marketing engineer
GET    /console/reports                                   in        in        ok        no        no        ok        ok        no
GET    /console/reports/{id}                              in        in        404       no        no        404       404       no
POST   /console/reports/{id}/handling                     in        in        404       no        no        404       404       no
GET    /console/positions                                 in        in        no        no        no        ok        ok        no
POST   /console/positions                                 in        in        no        no        no        ok        ok        no
GET    /console/positions/{id}                            in        in        no        no        no        404       404       no
POST   /console/positions/{id}/ending                     in        in        no        no        no        404       404       no
GET    /console/positions/proposals/{id}                  in        in        no        no        no        404       404       no
POST   /console/positions/proposals/{id}/approval         in        in        no        no        no        404       404       no
POST   /console/positions/proposals/{id}/rejection        in        in        no        no        no        404       404       no
POST   /console/positions/proposals/{id}/withdrawal       in        in        no        no        no        404       404       no

# Colleagues
#                                                         nobody    traveller support   desk      finance   operations marketing engineer
GET    /console/staff                                     in        in        no        no        no        no        no        ok
POST   /console/staff                                     in        in        no        no        no        no        no        ok
GET    /console/staff/{id}                                in        in        no        no        no        no        no        404
POST   /console/staff/{id}/roles                          in        in        no        no        no        no        no        404
POST   /console/staff/{id}/disabling                      in        in        no        no        no        no        no        404
POST   /console/staff/{id}/enabling                       in        in        no        no        no        no        no        404
POST   /console/staff/{id}/setup                          in        in        no        no        no        no        no        404
POST   /console/staff/{id}/tokens/{token}/end             in        in        no        no        no        no        no        404

# The audit trail
#                                                         nobody    traveller support   desk      finance   operations marketing engineer
GET    /console/audit                                     in        in        no        no        ok        no        no        ok
"""

OF_PARTNERS = """
# What suppliers say, what resellers book. Letting in is for those whose terms name a gate
#                                                         owner     other     ended     disabled
POST   /api/v1/supply/news                                ok        ok        in        in
GET    /api/v1/supply                                     ok        ok        in        in
GET    /api/v1/supply/bookings                            ok        ok        in        in
GET    /octo/supplier                                     ok        ok        in        in
GET    /octo/products                                     ok        ok        in        in
GET    /octo/products/{id}                                ok        ok        in        in
POST   /octo/availability                                 ok        ok        in        in
POST   /octo/availability/calendar                        ok        ok        in        in
POST   /octo/bookings                                     ok        ok        in        in
GET    /octo/bookings                                     ok        ok        in        in
GET    /octo/bookings/{uuid}                              ok        404       in        in
PATCH  /octo/bookings/{uuid}                              ok        404       in        in
DELETE /octo/bookings/{uuid}                              ok        404       in        in
POST   /octo/bookings/{uuid}/confirm                      ok        404       in        in
POST   /octo/bookings/{uuid}/extend                       ok        404       in        in
POST   /octo/bookings/{uuid}/cancel                       ok        404       in        in
GET    /octo/redemption/lookup                            no        no        in        in
POST   /octo/redemption/validate                          no        no        in        in
POST   /octo/redemption/redeem                            no        no        in        in
DELETE /octo/redemption/redeem                            no        no        in        in
GET    /octo/capabilities                                 ok        ok        ok        ok
"""
