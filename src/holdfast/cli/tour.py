"""``holdfast tour``: walks a traveller through the whole story against a throw-away installation, in plain words."""

from __future__ import annotations

import argparse
import itertools
import json
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from datetime import timedelta
from typing import Any
from uuid import uuid4

from holdfast.accounts import staff_passwords
from holdfast.drills import Instance
from holdfast.kit import clock
from holdfast.kit.money import Money

PHONE = "13800138000"
LOGIN, PASSWORD = "zhao.min@example.org", "kelp anchors seven boats"
WRONG, RIGHT = "11010519491231020X", "11010519491231002X"


def register(commands: Any) -> None:
    """The subcommands of this file."""
    commands.add_parser(
        "tour", help="a traveller's way from search to the gate, in plain words, on a throw-away installation"
    ).set_defaults(run=tour)


class _Guide:
    """Talks to the API as a traveller's phone would, and says what happens."""

    def __init__(self, here: Instance) -> None:
        self.here = here
        self.token = ""
        self.steps = 0

    def step(self, text: str) -> None:
        self.steps += 1
        print(f"\n{self.steps:2}. {text}")

    def tell(self, text: str) -> None:
        print(f"      {text}")

    def ask(self, method: str, path: str, body: Any = None, *, key: str = "", base: str = "") -> tuple[int, Any]:
        """One request; status and decoded answer."""
        headers = {"content-type": "application/json", "accept-language": "en"}
        if self.token:
            headers["authorization"] = f"Bearer {self.token}"
        if key:
            headers["idempotency-key"] = key
        raw = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request((base or self.here.url) + path, raw, headers, method=method)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=15) as answer:  # noqa: S310 - our own address
                return answer.status, _decoded(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, _decoded(error.read())


def _decoded(raw: bytes) -> Any:
    try:
        return json.loads(raw) if raw else None
    except ValueError:
        return raw.decode(errors="replace")


def tour(given: argparse.Namespace) -> int:
    """The walk; exit 1 at the first step that does not go as told."""
    began = time.monotonic()
    print("Holdfast: a traveller's way from search to the gate.")
    with Instance() as here:
        print("Setting up a throw-away installation: PostgreSQL, catalogue, payment simulator, worker, site …")
        here.start()
        print(f"Ready after {time.monotonic() - began:.1f} s at {here.url}.")
        walked = time.monotonic()
        guide = _Guide(here)
        slot, price = _choose(guide)
        _sign_in(guide)
        placed = _book(guide, slot, price)
        code = _pay(guide, placed)
        _verify(guide, code)
        _gate(guide, placed, code)
        _audit(guide)
        print(f"\nThe walk took {time.monotonic() - walked:.1f} s. The installation is removed again.")
    return 0


def _choose(guide: _Guide) -> tuple[dict[str, Any], dict[str, Any]]:
    """The first slot of the coming days that is open and costs something."""
    guide.step("Search: what can be visited in Beijing?")
    _, found = guide.ask("GET", "/api/v1/venues?city=Beijing")
    for venue in found["items"]:
        guide.tell(f"{venue['name']['en']} · {venue['name']['zh']}")
    for day, venue in itertools.product(range(1, 8), found["items"]):
        date = (clock.now() + timedelta(days=day)).date().isoformat()
        _, answer = guide.ask("GET", f"/api/v1/venues/{venue['id']}/slots?date={date}")
        for slot in answer["items"]:
            paid = [price for price in slot["prices"] if price["price"]["amount_minor"] > 0]
            if slot["sale"] == "open" and slot["places_left"] > 2 and paid:
                guide.step(f"Live places: {venue['name']['en']} on {date}")
                guide.tell(f"{slot['starts_at'][11:16]}–{slot['ends_at'][11:16]}: {slot['places_left']:,} places left")
                money = Money(**paid[0]["price"])
                guide.tell(f"{paid[0]['name']['en']}: {money}")
                return slot, paid[0]
    raise SystemExit("no slot is open for sale")


def _sign_in(guide: _Guide) -> None:
    guide.step("Sign in with a code sent to the phone (there is no password)")
    guide.ask("POST", "/api/v1/codes", {"phone": PHONE, "locale": "en"})
    code = _mailbox_code(guide)
    guide.tell(f"the message says: {code}")
    status, session = guide.ask(
        "POST", "/api/v1/sessions", {"phone": PHONE, "code": code, "kept": False, "device": "tour"}
    )
    assert status == 201, session
    guide.token = session["token"]
    guide.tell(f"signed in as {session['phone_masked']}")


def _mailbox_code(guide: _Guide) -> str:
    with urllib.request.urlopen(f"{guide.here.url}/mailbox?lang=en", timeout=10) as page:  # noqa: S310
        text = page.read().decode()
    match = re.search(r"\b(\d{6})\b", re.sub(r"<[^>]+>", " ", text.partition("<main")[2]))
    assert match, "no code in the mailbox"
    return match[1]


def _book(guide: _Guide, slot: dict[str, Any], price: dict[str, Any]) -> dict[str, Any]:
    def basket(document: str) -> dict[str, Any]:
        person = {"name": "王小明", "document_type": "cn_resident_id", "document": document}
        line = {"slot_id": slot["id"], "price_id": price["id"], "quantity": 1, "travellers": [person]}
        return {"lines": [line], "phone": PHONE, "locale": "en"}

    key = str(uuid4())
    guide.step("Book, with two digits of the identity number swapped")
    status, problem = guide.ask("POST", "/api/v1/orders", basket(WRONG), key=key)
    assert status == 422, (status, problem)
    for error in problem["errors"]:
        guide.tell(f"{error['field']}: {error['message']['en']}")
    guide.tell(problem["detail"])
    guide.step("Correct it and book again")
    status, placed = guide.ask("POST", "/api/v1/orders", basket(RIGHT), key=key)
    assert status == 201, (status, placed)
    guide.tell(f"order {placed['number']}: {placed['state']}, places kept until {placed['expires_at'][11:19]} UTC")
    guide.step("The network fails just then, so the phone sends the same request again with the same key")
    status, again = guide.ask("POST", "/api/v1/orders", basket(RIGHT), key=key)
    assert again == placed, (again, placed)
    guide.tell("same answer, same order: it counts once")
    return dict(placed)


def _pay(guide: _Guide, placed: dict[str, Any]) -> str:
    number = placed["number"]
    guide.step("Pay with WeChat Pay (the simulator: no real money)")
    status, payment = guide.ask("POST", f"/api/v1/orders/{number}/payment", {})
    assert status == 200, (status, payment)
    guide.tell(f"the QR code says {payment['code_url']}")
    _, truth = guide.ask("GET", "/_sim/truth", base=guide.here.simulator_url)
    reference = truth["orders"][-1]["out_trade_no"]
    guide.ask("POST", f"/_sim/pay/{reference}", {}, base=guide.here.simulator_url)
    guide.tell("the payer confirmed in the wallet; the provider calls us back, a worker confirms the order …")
    for _ in range(100):
        _, order = guide.ask("GET", f"/api/v1/orders/{number}")
        if order["state"] == "confirmed":
            break
        time.sleep(0.1)
    assert order["state"] == "confirmed", order["state"]
    guide.tell("confirmed. The order's story: " + " → ".join(event["kind"] for event in order["events"]))
    guide.step("The ticket")
    _, answer = guide.ask("GET", f"/api/v1/orders/{number}/tickets")
    ticket = answer["items"][0]
    guide.tell(f"for {ticket['holder_masked']} ({ticket['document_masked']}), code {ticket['code'][:40]}…")
    return str(ticket["code"])


def _verify(guide: _Guide, code: str) -> None:
    guide.step("At the gate, offline: the code is checked with nothing but the public keys")
    keys = guide.here.home / "keys.json"
    keys.write_text(guide.here.command("ticket", "keys"))
    for text in (code, code[:-6] + "AAAAAA"):
        done = subprocess.run(
            [sys.executable, "-m", "holdfast", "ticket", "verify", "--keys", str(keys), text],
            env={"PATH": "", "HOLDFAST_HOME": "/nonexistent"}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        guide.tell(("the ticket: " if text is code else "a forged copy: ") + done.stdout.strip().replace("\n", "; "))
        assert ("signed by us" in done.stdout) == (text is code), done


def _gate(guide: _Guide, placed: dict[str, Any], code: str) -> None:
    guide.step("The gate itself: a phone is enrolled by a link, and somebody of the desk goes on duty on it")
    _, order = guide.ask("GET", f"/api/v1/orders/{placed['number']}")
    link = guide.here.command("gate", "device", order["lines"][0]["venue_id"], "North gate").strip()
    made = guide.here.command("staff", "add", LOGIN, "--name", "Zhao Min", "--role", "desk", "--demo", PASSWORD)
    secret = re.search(r"secret: (\w+)", made)
    assert secret, made
    traveller, guide.token = guide.token, ""
    status, device = guide.ask("POST", "/api/v1/gate/devices", {"code": link.partition("enrol=")[2], "agent": "tour"})
    assert status == 201, device
    guide.token = device["token"]
    totp = staff_passwords.code_at(secret[1], clock.now())
    status, shift = guide.ask("POST", "/api/v1/gate/shift", {"login": LOGIN, "password": PASSWORD, "code": totp})
    assert status == 201, shift
    guide.tell(f"{shift['name']} is on duty at {device['name']}")
    guide.step("The traveller comes on the wrong day; staff may let in all the same, once")
    for scan, wanted in (({}, "too-early"), ({"insisted": True}, "valid"), ({}, "used")):
        body = {"scans": [{"counter": 1 if wanted != "used" else 2, "code": code, **scan}]}
        _, answer = guide.ask("POST", "/api/v1/gate/admissions", body)
        [said] = answer["answers"]
        assert said["verdict"] == wanted, said
        guide.tell(f"the gate says: {said['verdict']}" + (f", {said['holder']}" if said["holder"] else ""))
    guide.tell(f"inside now: {answer['inside']}")
    guide.token = traveller
    for _ in range(100):
        _, order = guide.ask("GET", f"/api/v1/orders/{placed['number']}")
        if order["state"] == "used":
            break
        time.sleep(0.1)
    assert order["state"] == "used", order["state"]
    guide.tell(f"the order is {order['state']}; its story ends: " + " → ".join(e["kind"] for e in order["events"][-2:]))


def _audit(guide: _Guide) -> None:
    guide.step("Do all invariants hold?")
    for line in guide.here.command("check").splitlines():
        if line:
            guide.tell(line)
