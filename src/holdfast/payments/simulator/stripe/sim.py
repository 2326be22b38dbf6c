"""Stripe as one provider of the simulator: one account, its balance, its payers and its news."""

from __future__ import annotations

from starlette.routing import BaseRoute, Route

from holdfast.payments.simulator import times
from holdfast.payments.simulator.callbacks import Courier
from holdfast.payments.simulator.faults import Scenario
from holdfast.payments.simulator.journal import Journal
from holdfast.payments.simulator.memory import Memory
from holdfast.payments.simulator.serving import Counter
from holdfast.payments.simulator.simulation import NotPayable, Options

from . import account, endpoints, events, intents, pages, refunds
from .account import SCHEMA, Obj
from .events import News, number

STATES = {"succeeded": "SUCCESS", "canceled": "CLOSED"}
"""Of the truth, in the words all providers share; everything else is NOTPAY, and REFUND once some was given back."""


class StripeSim:
    """See `ProviderSim`. Numbers are the merchant's, from the metadata ``merchant_ref`` and ``refund_ref``, or Stripe's."""

    name = "stripe"
    prefixes = ("/stripe",)

    def __init__(self, options: Options, journal: Journal, scenario: Scenario) -> None:
        self.options, self.journal, self.scenario = options, journal, scenario
        self.memory = Memory(options.state_dir / "stripe.sqlite3", SCHEMA, durable=options.durable)
        self.identity = account.identity(self.memory)
        self.courier = Courier(self.name, self.memory, journal, options, events.manners(lambda: self.identity))
        self.counter = Counter()
        self.routes: list[BaseRoute] = [*endpoints.routes(self), Route("/v3/", pages.script, methods=["GET"])]
        self.pages: list[BaseRoute] = pages.challenge(self)

    def config(self, base_url: str) -> dict[str, object]:
        """Keys and addresses."""
        return {
            "secret_key": self.identity.secret_key,
            "publishable_key": self.identity.publishable_key,
            "webhook_secret": self.identity.webhook_secret,
            "api_base": f"{base_url}/stripe",
            "script_url": f"{base_url}/stripe/v3/",
        }

    def truth(self) -> list[dict[str, object]]:
        """Every payment intent; `state` in the words of `STATES`."""
        return [self._truth(intent) for intent in account.every(self.memory.db, "payment_intent")]

    def _truth(self, intent: Obj) -> dict[str, object]:
        db = self.memory.db
        aside = account.aside(db, intent["id"])
        charges = [charge for charge in account.owned(db, "charge", intent["id"]) if charge["paid"]]
        given = [refund for charge in charges for refund in account.owned(db, "refund", charge["id"])]
        taken = sum(charge["amount_captured"] for charge in charges)
        state = STATES.get(intent["status"], "NOTPAY")
        if any(charge["amount_refunded"] for charge in charges):
            state = "REFUND"
        return {
            "provider": self.name,
            "out_trade_no": number(intent),
            "provider_ref": intent["id"],
            "amount": intent["amount"],
            "currency": intent["currency"].upper(),
            "state": state,
            "transaction_id": charges[-1]["id"] if charges else None,
            "created_at": times.shown(intent["created"]),
            "expires_at": None,
            "closed_at": times.shown(intent["canceled_at"]),
            "paid_at": times.shown(aside.get("paid_at")),
            "paid_amount": taken or None,
            "payer_amount": taken or None,
            "refunds": [self._refund_truth(refund) for refund in given],
        }

    def _refund_truth(self, refund: Obj) -> dict[str, object]:
        status, settled_at = (
            refunds.WORDS[refund["status"]],
            account.aside(self.memory.db, refund["id"]).get("settled_at"),
        )
        return {
            "out_refund_no": refund["metadata"].get("refund_ref") or refund["id"],
            "refund_id": refund["id"],
            "amount": refund["amount"],
            "status": status,
            "created_at": times.shown(refund["created"]),
            "success_at": times.shown(settled_at) if status == "SUCCESS" else None,
        }

    def callback_counts(self) -> dict[str, int]:
        return self.courier.counts()

    def scanned(self, code: str) -> str | None:
        """Cards are typed, not scanned."""
        return None

    def pay(
        self, number: str, amount: int | None = None, payer_amount: int | None = None, *, again: bool = False
    ) -> dict[str, object]:
        """The payer pays with the usual test card. `payer_amount` says nothing here: there are no coupons.

        `again` is refused: a payment intent is charged once. Two payments of one order are two payment intents.
        """
        with self.memory.writing() as db:
            intent = account.find(db, "payment_intent", number)
            if intent is None:
                raise KeyError(number)
            if again or intent["status"] not in intents.CONFIRMABLE:
                raise NotPayable(STATES.get(intent["status"], "NOTPAY"))
            intents.take(News(self.scenario, db), intent, amount=amount)
        self.journal.add("payment", provider=self.name, number=number, amount=intent["amount_received"])
        self.wake()
        return {"transaction_id": intent["latest_charge"], "amount": intent["amount_received"]}

    def settle_refund(self, number: str, status: str) -> dict[str, object]:
        """A pending refund succeeds, is cancelled or fails."""
        with self.memory.writing() as db:
            refund = account.find(db, "refund", number)
            if refund is None:
                raise KeyError(number)
            refund = refunds.settle(News(self.scenario, db), refund, status)
        self.journal.add("settlement", provider=self.name, number=number, status=refund["status"])
        self.wake()
        return {"status": refunds.WORDS[refund["status"]]}

    def rotate_keys(self) -> dict[str, object]:
        """The webhook secret is rolled: for a day news is signed with the new one and the old one."""
        self.identity = account.rolled(self.memory, self.identity)
        return {"webhook_secret": self.identity.webhook_secret}

    async def run(self) -> None:
        await self.courier.run(self._each_round)

    def _each_round(self) -> None:
        for refund in account.due(self.memory.db):
            self.settle_refund(refund, "SUCCESS")

    def wake(self) -> None:
        self.courier.wake()

    def reset(self) -> None:
        """Everything but the identity and the addresses that want news: those belong to the account, as its keys do."""
        self.memory.forget("callbacks", "keys")
        with self.memory.writing() as db:
            db.execute("delete from objects where kind <> 'webhook_endpoint'")

    def close(self) -> None:
        self.memory.close()
