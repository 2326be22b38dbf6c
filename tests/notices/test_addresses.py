"""Where webhooks may go: the open internet alone, whatever a name says, and whatever it says a moment later (SSRF)."""

from __future__ import annotations

import ssl
import threading
from datetime import UTC, datetime, timedelta

import pytest
import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from holdfast import notices
from holdfast.kit import egress, http
from holdfast.notices import subscriptions
from tests import world

from .conftest import ACTOR

pytestmark = pytest.mark.anyio

PRIVATE = [
    "10.0.0.1", "172.16.5.4", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "192.0.2.1", "198.18.0.1",
    "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "fe80::1", "fc00::1", "fd12:3456::1", "ff02::1", "2001:db8::1",
    "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::1", "2001:0:a00:1::1",
]  # fmt: skip
LOOPBACK = ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"]
PUBLIC = ["1.1.1.1", "8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8"]


@pytest.mark.parametrize("address", PRIVATE)
def test_a_private_address_is_never_told(address):
    assert not egress.is_public(address, strict=True)
    assert not egress.is_public(address, strict=False)


@pytest.mark.parametrize("address", LOOPBACK)
def test_this_host_is_told_outside_production_only(address):
    assert not egress.is_public(address, strict=True)
    assert egress.is_public(address, strict=False)


@pytest.mark.parametrize("address", PUBLIC)
def test_the_open_internet_is_told(address):
    assert egress.is_public(address, strict=True)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "not-a-url"), ("example.com", "not-a-url"), ("ftp://example.com", "not-a-url"), ("file:///etc/passwd", "not-a-url"),
        ("https://", "not-a-url"), ("https://example.com:99999/", "not-a-url"), ("https://exa mple.com/", "not-a-url"),
        ("https://example.com/#top", "not-a-url"), ("https://例子.com/", "not-a-url"), ("https://example.com/\r\nx", "not-a-url"),
        ("https://me:secret@example.com/", "credentials"), ("http://example.com/", "plain-http"), ("https://example.com/hooks?a=1", None),
    ],
)  # fmt: skip
def test_the_form_of_an_address_is_judged_first(url, reason):
    assert egress.flaw(url, strict=True) == reason


@pytest.mark.parametrize(
    "url",
    ["https://127.0.0.1/", "https://localhost/", "https://[::1]/", "https://2130706433/", "https://127.1/",
     "https://0x7f000001/", "https://10.1.2.3/", "https://169.254.169.254/latest/meta-data/", "https://[::ffff:10.0.0.1]/"],
)  # fmt: skip
async def test_in_production_no_way_of_writing_a_private_address_is_accepted(db, production, url):
    with pytest.raises(notices.SubscriptionInvalid) as refused:
        await subscriptions.add(db, ACTOR, url, ["payment.paid"])
    assert [error["code"] for error in refused.value.errors] == ["private-address"]


async def test_a_private_network_is_refused_outside_production_too(db):
    with pytest.raises(notices.SubscriptionInvalid):
        await subscriptions.add(db, ACTOR, "http://169.254.169.254/latest/meta-data/", ["payment.paid"])


async def test_an_address_that_has_become_private_is_not_sent_to(db, receiver, hook, request):
    """Subscribed while it was fine; the guard stands where the connection is made."""
    await db.run(notices.publish, "payment.paid", {}, subject="order:1")
    request.getfixturevalue("production")
    await notices.webhooks.deliver(db)
    assert receiver.got() == []
    [delivery] = await db.read(notices.webhooks.deliveries)
    assert (delivery.state, delivery.last_error) == ("waiting", "plain-http")


async def test_a_name_is_judged_when_the_connection_is_made_and_every_address_of_it(receiver):
    answers = {"good.test": ["127.0.0.1"], "mixed.test": ["127.0.0.1", "10.0.0.1"], "nowhere.test": []}

    async def resolve(host: str, port: int) -> list[str]:
        return answers[host]

    async with egress.client(strict=False, resolve=resolve) as client:
        sent = await http.send(client, "POST", f"http://good.test:{receiver.port}/hooks", body=b"{}")
        assert sent.status == 204
        [got] = receiver.got()
        assert got.headers["host"] == f"good.test:{receiver.port}"
        for name, reason in (("mixed.test", "private-address"), ("nowhere.test", "unresolvable")):
            with pytest.raises(http.NoAnswer) as refused:
                await http.send(client, "POST", f"http://{name}:{receiver.port}/hooks", body=b"{}")
            assert egress.refusal(refused.value) == reason
            assert not refused.value.sent
    assert receiver.got() == []


async def test_a_name_that_means_something_else_a_moment_later_gains_nothing(receiver):
    """DNS rebinding: public when it is judged, private when it is connected to. It is asked once per connection."""
    asked: list[str] = []

    async def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    async with egress.client(strict=False, resolve=resolve) as client:
        url = f"http://rebound.test:{receiver.port}/hooks"
        assert (await http.send(client, "POST", url, body=b"{}", headers={"connection": "close"})).status == 204
        assert len(asked) == 1
        with pytest.raises(http.NoAnswer) as refused:
            await http.send(client, "POST", url, body=b"{}")
    assert egress.refusal(refused.value) == "private-address"


async def test_tls_proves_the_name_though_the_connection_goes_to_a_judged_address(tmp_path, receiver):
    key, authority, certificate = _certificate("hooks.example.test", tmp_path)
    app = receiver._server.config.app
    server = uvicorn.Server(
        uvicorn.Config(app, port=0, ssl_keyfile=key, ssl_certfile=certificate, log_level="error", ws="none", lifespan="off")
    )  # fmt: skip
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()

    async def started() -> bool:
        return server.started

    await world.until(started)
    port = server.servers[0].sockets[0].getsockname()[1]

    async def resolve(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    trusted = ssl.create_default_context(cafile=authority)
    async with egress.client(strict=False, resolve=resolve, ssl_context=trusted) as client:
        answer = await http.send(client, "POST", f"https://hooks.example.test:{port}/tls", body=b"{}")
        assert answer.status == 204
        with pytest.raises(http.NoAnswer):
            await http.send(client, "POST", f"https://other.example.test:{port}/tls", body=b"{}")
    assert len(receiver.got("/tls")) == 1
    server.should_exit = True
    thread.join(10)


def _certificate(name: str, folder) -> tuple[str, str, str]:
    """Paths of a key, and of a certificate for a name that is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    paths = {part: str(folder / part) for part in ("key.pem", "certificate.pem")}
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    (folder / "certificate.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return paths["key.pem"], paths["certificate.pem"], paths["certificate.pem"]
