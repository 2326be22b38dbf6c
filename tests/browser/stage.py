"""What happens around a page: people, their messages, and orders that are there already, so that a test can begin in the middle."""

from __future__ import annotations

import contextlib
import functools
import html
import json
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode
from uuid import uuid4
from zoneinfo import ZoneInfo

import psycopg

from holdfast.drills import Instance
from holdfast.kit import clock
from tests import world

PALACE, MUSEUM = "palace-museum", "national-museum"
PAID, FREE = PALACE, MUSEUM
ROOT = Path(__file__).parents[2]
DEVICE = "Pixel · Android"
NAMES = {"zh": ("王小明", "欧阳娜娜"), "en": ("Anna Maria Okafor", "Jean-Luc O'Neill")}


class Slot(NamedTuple):
    """A slot on sale, as the API shows it, and the first ticket sold in it."""

    venue: str
    day: str
    id: str
    price: str
    price_minor: int
    places_left: int

    @property
    def venue_page(self) -> str:
        return f"/venues/{self.venue}?date={self.day}"

    def checkout(self, quantity: int = 1) -> str:
        """The address of the checkout for so many tickets."""
        asked = {"venue": self.venue, "date": self.day, "slot": self.id, f"price.{self.price}": quantity}
        return f"/checkout?{urlencode(asked)}"


class Person(NamedTuple):
    """Somebody with a phone of their own, signed in."""

    phone: str
    token: str

    @property
    def cookie(self) -> dict[str, str]:
        return {"name": "hf_session", "value": self.token}


def swapped(number: str) -> str:
    """The identity number with two neighbouring digits changed over, as people type it."""
    return (
        number[:15] + number[16] + number[15] + number[17]
        if number[15] != number[16]
        else number[:4] + "50" + number[6:]
    )


def national(phone: str) -> str:
    """The number as people type it at home."""
    return phone.removeprefix("+86")


class Stage:
    """Talks to an instance as other programs and the people's phones would."""

    def __init__(self, here: Instance) -> None:
        self.here = here
        self.staff_cookies: dict[tuple[str, ...], list[Any]] = {}
        """What the browsers of staff who signed in keep, by roles."""
        self._clerk: subprocess.Popen[str] | None = None

    def close(self) -> None:
        """Sends the clerk home."""
        if self._clerk:
            self._clerk.communicate()
            self._clerk = None

    def _asked(self, **question: Any) -> dict[str, Any]:
        """The answer of the clerk, who comes at the first question and stays: starting Python takes seconds."""
        log = self.here.home / "clerk.log"
        if self._clerk is None:
            with log.open("ab") as complaints:
                self._clerk = subprocess.Popen(
                    [sys.executable, "-m", "tests.browser.clerk", self.here.database_url],
                    cwd=ROOT, env=self.here.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints,
                    text=True,
                )  # fmt: skip
        assert self._clerk.stdin
        assert self._clerk.stdout
        self._clerk.stdin.write(json.dumps(question) + "\n")
        self._clerk.stdin.flush()
        answer = self._clerk.stdout.readline()
        assert answer, log.read_text()
        return dict(json.loads(answer))

    def command(self, *arguments: str) -> str:
        """Runs a ``holdfast`` command; its output. AssertionError when it fails."""
        done = self._asked(command=arguments)
        assert done["code"] == 0, f"{arguments}: {done['said']}"
        return str(done["said"])

    def hire(self, login: str, name: str, *roles: str, password: str) -> str:
        """A new member of staff; the secret of their authenticator."""
        asked = [part for role in roles for part in ("--role", role)]
        made = self.command("staff", "add", login, "--name", name, *asked, "--demo", password)
        secret = re.search(r"secret: (\w+)", made)
        assert secret, made
        return secret[1]

    def ask(self, method: str, path: str, body: Any = None, *, who: Person | None = None, key: str = "") -> Any:
        """One request to the API; its decoded answer. AssertionError when it is refused."""
        headers = {"content-type": "application/json", "accept-language": "en"}
        if who:
            headers["authorization"] = f"Bearer {who.token}"
        if key:
            headers["idempotency-key"] = key
        url = path if path.startswith("http") else self.here.url + path
        request = urllib.request.Request(
            url, None if body is None else json.dumps(body).encode(), headers, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=15) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.code} {error.read().decode()}") from error

    def keys(self) -> dict[str, str]:
        """The public ticket keys, as a gate loads them."""
        found = self.ask("GET", "/.well-known/holdfast-ticket-keys.json")
        return {key["id"]: key["public_key"] for key in found["keys"]}

    def code(self, phone: str) -> str:
        """The newest sign-in code sent to a phone, read in the development mailbox."""
        with urllib.request.urlopen(f"{self.here.url}/mailbox?lang=en", timeout=15) as page:
            found = code_in(page.read().decode(), phone)
        assert found, f"no code for {phone} in the mailbox"
        return found

    def person(self) -> Person:
        """Somebody new who is signed in. No code was sent: one address gets only so many of them in an hour."""
        phone = world.phone_number()
        return Person(phone, self._asked(phone=phone, device=DEVICE)["token"])

    def person_with_code(self) -> Person:
        """Somebody new who has signed in over the API, with the code of a message."""
        phone = world.phone_number()
        self.ask("POST", "/api/v1/codes", {"phone": phone, "locale": "en"})
        body = {"phone": phone, "code": self.code(phone), "kept": True, "device": DEVICE}
        return Person(phone, self.ask("POST", "/api/v1/sessions", body)["token"])

    def slots(self, venue: str) -> Iterator[Slot]:
        """The slots on sale in the coming days, from tomorrow on."""
        today = clock.now().astimezone(ZoneInfo("Asia/Shanghai")).date()
        for ahead in range(1, 15):
            day = (today + timedelta(days=ahead)).isoformat()
            for slot in self.ask("GET", f"/api/v1/venues/{venue}/slots?date={day}")["items"]:
                if slot["sale"] == "open" and slot["places_left"] > 10 and slot["prices"]:
                    price = slot["prices"][0]
                    yield Slot(venue, day, slot["id"], price["id"], price["price"]["amount_minor"], slot["places_left"])

    @functools.cache  # noqa: B019 - one stage per session
    def slot(self, venue: str) -> Slot:
        """The first slot on sale."""
        return next(self.slots(venue))

    def places_left(self, slot: Slot) -> int:
        found = self.ask("GET", f"/api/v1/venues/{slot.venue}/slots?date={slot.day}")["items"]
        return int(next(one["places_left"] for one in found if one["id"] == slot.id))

    def order(self, who: Person, slot: Slot, people: int = 1, language: str = "en") -> str:
        """A new order; its number."""
        names = NAMES[language]
        visitors = [
            {"name": names[at % 2], "document_type": "cn_resident_id", "document": world.identity_number()}
            for at in range(people)
        ]
        line = {"slot_id": slot.id, "price_id": slot.price, "quantity": people, "travellers": visitors}
        body = {"lines": [line], "phone": who.phone, "locale": language}
        return str(self.ask("POST", "/api/v1/orders", body, who=who, key=str(uuid4()))["number"])

    def orders(self, who: Person) -> list[dict[str, Any]]:
        return list(self.ask("GET", "/api/v1/orders", who=who)["items"])

    def start_payment(self, who: Person, number: str, **wish: str) -> None:
        """The code to scan is there, or what else its payer needs."""
        path = f"/api/v1/orders/{number}/payment"
        self.ask("POST", path, wish, who=who)
        until(lambda: self.ask("GET", path, who=who)["attempt_state"] == "awaiting_user")

    def break_payments(self) -> None:
        """From now on the provider's answers get lost: whether money came is in doubt."""
        self.script({"fault": "lost_response"})

    def script(self, *steps: dict[str, Any]) -> None:
        """What goes wrong at the providers from now on."""
        self.ask("POST", f"{self.here.simulator_url}/_sim/scenario", {"steps": steps})

    def heal(self) -> None:
        """The providers answer again, and nothing is switched off any more. Who rested has to notice that."""
        self.ask("DELETE", f"{self.here.simulator_url}/_sim/scenario")
        with psycopg.connect(self.here.database_url) as connection:
            connection.execute("update payments.switches set lifted_at = now() where lifted_at is null")

    def come_back(self) -> None:
        """The providers answer again; what rested is tried, offered to some and then to everybody, as always but sooner."""
        self.heal()
        until(self._has_come_back, 60)

    def _has_come_back(self) -> bool:
        with psycopg.connect(self.here.database_url) as connection:
            connection.execute("update payments.channels set next_probe_at = now() where next_probe_at > now()")
            found = connection.execute("select count(*) from payments.channels where state <> 'healthy'").fetchone()
        return found == (0,)

    def mend_payments(self) -> None:
        """The providers answer again, everything is offered to everybody, and what was is forgotten."""
        self.heal()
        with psycopg.connect(self.here.database_url) as connection:
            connection.execute(
                """insert into payments.channels (provider, method, adapter_version, operation, state, since, reason, counted_from)
                   select distinct provider, method, adapter_version, operation, 'healthy', now(), 'clean', now()
                   from payments.calls
                   on conflict on constraint one_channel do update
                   set state = 'healthy', since = now(), reason = 'clean', share = 100, next_probe_at = null, counted_from = now()"""
            )

    def age_payment(self, number: str, seconds: float) -> None:
        """The payment of an order was begun so much earlier."""
        with psycopg.connect(self.here.database_url) as connection:
            aged = connection.execute(
                """update payments.attempts a set created_at = a.created_at - make_interval(secs => %s)
                   from payments.intents i, orders.orders o
                   where i.id = a.intent_id and i.reference = 'order:' || o.id and o.number = %s""",
                [seconds, number],
            )
        assert aged.rowcount == 1

    def until_confirmed(self, number: str) -> None:
        """The site knows that an order is paid."""
        with psycopg.connect(self.here.database_url, autocommit=True) as connection:
            ask = "select state from orders.orders where number = %s"
            until(lambda: connection.execute(ask, [number]).fetchone() == ("confirmed",))

    def until_changed(self, number: str) -> None:
        """The site knows that the newest change of an order is paid."""
        with psycopg.connect(self.here.database_url, autocommit=True) as connection:
            ask = """select c.state from orders.changes c join orders.orders o on o.id = c.order_id
                     where o.number = %s order by c.seq desc limit 1"""
            until(lambda: connection.execute(ask, [number]).fetchone() == ("done",))

    def hurry(self, job: str) -> None:
        """A repeated piece of the worker's work is due now."""
        with psycopg.connect(self.here.database_url) as connection:
            connection.execute("update kit.timetable set due_at = now() where name = %s", [job])

    def knock_out(self, *ways: tuple[str, str]) -> None:
        """So many calls of these ways fail that they are no longer offered."""
        self.script(*({"fault": "html_502", "match": "create", "provider": provider} for provider, _ in ways))
        person, slot = self.person(), self.slot(PAID)
        for provider, method in ways:
            for _ in range(5):
                number = self.order(person, slot)
                with contextlib.suppress(AssertionError):  # from the fifth on it is refused
                    self.ask(
                        "POST", f"/api/v1/orders/{number}/payment", {"provider": provider, "method": method}, who=person
                    )
        with psycopg.connect(self.here.database_url, autocommit=True) as connection:
            ask = "select array_agg(distinct provider || '/' || method) from payments.channels where state = 'down' and operation = 'create'"
            wanted = {f"{provider}/{method}" for provider, method in ways}
            until(lambda: wanted <= set((connection.execute(ask).fetchone() or [[]])[0] or []))

    def switch_off(self, provider: str, method: str) -> None:
        """Staff turn a way to pay off."""
        with psycopg.connect(self.here.database_url) as connection:
            connection.execute(
                "insert into payments.switches (provider, method, reason, by, at, until) values (%s, %s, 'test', 'test', now(), now() + interval '1 h')",
                [provider, method],
            )

    def pay(self, who: Person, number: str) -> None:
        """Pays in the wallet and waits until the order is confirmed."""
        self.start_payment(who, number)
        code_url = self.ask("GET", f"/api/v1/orders/{number}/payment", who=who)["code_url"]
        wallet = f"{self.here.simulator_url}/wallet/{code_url.partition('pr=')[2]}"
        with urllib.request.urlopen(wallet, b"action=pay", timeout=15) as answer:
            assert answer.status == 200
        until(lambda: self.ask("GET", f"/api/v1/orders/{number}", who=who)["state"] == "confirmed")

    def run_out(self, number: str) -> None:
        """The time to pay for an order that was never paid is over, and a worker has noticed."""
        with psycopg.connect(self.here.database_url) as connection:
            connection.execute(
                "update orders.orders set expires_at = now() - interval '1 second' where number = %s", [number]
            )
            ask = "select state from orders.orders where number = %s"
        with psycopg.connect(self.here.database_url, autocommit=True) as connection:
            until(lambda: connection.execute(ask, [number]).fetchone() == ("expired",))


def code_in(page: str, phone: str) -> str:
    """The first code for a phone on the mailbox page; empty when there is none."""
    masked = f"{national(phone)[:3]}****{phone[-4:]}"
    for mail in page.split("<article")[1:]:
        text = html.unescape(re.sub(r"<[^>]+>", " ", mail.partition("</article>")[0]))
        if masked in text and (found := re.search(r"\b\d{6}\b", text)):
            return found[0]
    return ""


def until(condition: Callable[[], Any], timeout_s: float = 15) -> None:
    """Waits until a condition holds."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
