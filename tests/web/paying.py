"""Somebody in front of a page that asks for money, and hands that put ways to rest."""

from __future__ import annotations

import re
from datetime import timedelta

import httpx2

from holdfast import orders, payments
from holdfast.kit import clock
from holdfast.kit.db import Db, Tx
from holdfast.payments import channels
from tests import world

from .conftest import text_of

PHONE = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/130.0 Mobile Safari/537.36"
DESK = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/130.0 Safari/537.36"
EVERYTHING = tuple((provider, method) for provider, methods in channels.METHODS.items() for method in methods)
WECHAT = ("wechatpay", "native"), ("wechatpay", "h5")


class Payer:
    """Somebody in front of the payment page of one order, or of a change of it."""

    def __init__(
        self, db: Db, reader: httpx2.AsyncClient, owner: world.Person, order: orders.Order, part: str = "payment"
    ) -> None:
        self.db, self.reader, self.owner, self.order = db, reader, owner, order
        self.path = f"/orders/{order.number}/{part}"

    async def sees(self, query: str = "") -> str:
        """The page's words."""
        answer = await self.reader.get(self.path + query)
        assert answer.status_code == 200, answer.text
        return text_of(answer)

    async def html(self, query: str = "") -> str:
        return str((await self.reader.get(self.path + query)).text)

    async def stage(self) -> str:
        return str((await self.reader.get(f"{self.path}/status")).json()["stage"])

    async def chooses(self, provider: str, method: str = "", **more: str) -> httpx2.Response:
        """Presses the button with this row chosen."""
        typed = {"provider": provider, **({f"method.{provider}": method} if method else {}), **more}
        return await self.reader.post(self.path, data=typed)

    async def view(self) -> payments.PaymentView:
        if "change" not in self.path:
            return await world.payment_of(self.db, self.owner, self.order)
        [newest, *_] = await self.db.read(orders.changes.of_order, self.order)
        assert newest.intent_id
        return await self.db.read(payments.view, newest.intent_id)

    async def state(self) -> str:
        return str((await world.order_of(self.db, self.owner, self.order.number)).state)

    async def works(self) -> None:
        await world.work_once(self.db)


def rows(html: str) -> list[tuple[str, bool, bool]]:
    """The rows of the choice: provider, whether it can be chosen, whether it is chosen beforehand."""
    found = re.findall(r'<input type="radio" id="way-\w+" name="provider" value="(\w+)"([^>]*)>', html)
    return [(provider, "disabled" not in rest_, "checked" in rest_) for provider, rest_ in found]


def methods(html: str, provider: str) -> list[tuple[str, bool]]:
    """The methods of a row and which is chosen beforehand."""
    found = re.findall(rf'name="method.{provider}" value="(\w+)"([^>]*)>', html)
    return [(method, "checked" in rest_) for method, rest_ in found]


async def rest(db: Db, *ways: tuple[str, str], state: str = "down", share: int = 0) -> None:
    """These ways to pay do not answer, as far as their calls tell."""

    async def write(tx: Tx) -> None:
        for provider, method in ways:
            for version in channels.VERSIONS[provider]:
                await tx.execute(
                    """insert into payments.channels (provider, method, adapter_version, operation, state, since, reason, share,
                                                      counted_from)
                       values (%(provider)s, %(method)s, %(version)s, 'create', %(state)s, %(at)s, 'in-a-row', %(share)s, %(at)s)
                       on conflict on constraint one_channel do update set state = excluded.state, share = excluded.share""",
                    provider=provider, method=method, version=version, state=state, share=share, at=clock.now(),
                )  # fmt: skip

    await db.run(write)


async def switch_off(db: Db, provider: str) -> None:
    """Staff turned a provider off."""

    async def write(tx: Tx) -> None:
        await tx.execute(
            """insert into payments.switches (provider, reason, by, at, until)
               values (%(provider)s, 'test', 'staff:test', %(at)s, %(until)s)""",
            provider=provider, at=clock.now(), until=clock.now() + timedelta(hours=1),
        )  # fmt: skip

    await db.run(write)


async def heal(db: Db) -> None:
    """Everything answers again."""

    async def write(tx: Tx) -> None:
        await tx.execute("delete from payments.channels")

    await db.run(write)
