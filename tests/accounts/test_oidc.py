"""Identities elsewhere, against a real provider over HTTP that can be made to lie in every way an id token can be false."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx2
import msgspec
import pytest

from holdfast import accounts
from holdfast.accounts import external, identifiers, oidc
from holdfast.kit import clock, crypto, settings
from tests import world
from tests.payments.conftest import SimulatorProcess

from . import people

pytestmark = pytest.mark.anyio
RETURN = "http://127.0.0.1:8000/session/external/demo/return"


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatorProcess]:
    running = SimulatorProcess(tmp_path_factory.mktemp("simulator"))
    yield running
    running.http.close()
    running.kill()


@pytest.fixture(autouse=True)
def _here(provider: SimulatorProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    given = msgspec.structs.replace(settings.current(), simulator_url=provider.url)
    monkeypatch.setattr(settings, "current", lambda: given)


async def away(purpose: str = "sign-in", name: str = "demo", **more) -> tuple[str, str]:
    return await external.set_off(name, purpose, redirect_uri=RETURN, following="/orders", **more)


def say(url: str, name: str, act: str = "allow") -> dict[str, str]:
    """What the browser comes back with after its person typed a name."""
    asked = {key: values[0] for key, values in parse_qs(urlsplit(url).query).items()}
    answer = httpx2.post(
        url.partition("?")[0], data=asked | {"name": name, "act": act}, trust_env=False, follow_redirects=False
    )
    assert answer.status_code == 303, answer.text
    return {key: values[0] for key, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}


async def journey(name: str, purpose: str = "sign-in", where: str = "demo", **more):
    url, cookie = await away(purpose, where, **more)
    return await external.come_back(where, cookie, say(url, name))


async def sign_in(db, name: str, where: str = "demo") -> accounts.SignedIn:
    _errand, who = await journey(name, where=where)
    return await external.sign_in_external(db, who, kept=True, place=people.place(), locale="en")


@pytest.mark.parametrize("where", ["demo", "demo-plain"])
async def test_the_first_return_opens_an_account_and_the_next_finds_it(db, where):
    first, second = await sign_in(db, "Mei", where), await sign_in(db, "Mei", where)
    assert first.account_id == second.account_id
    assert first.phone_masked == f"{where}: Mei"
    assert (await sign_in(db, "Li", where)).account_id != first.account_id


async def test_the_same_name_at_two_providers_is_two_identities(db):
    assert (await sign_in(db, "Mei", "demo")).account_id != (await sign_in(db, "Mei", "demo-plain")).account_id


async def test_the_question_has_state_nonce_and_proof_of_the_code(db):
    url, _cookie = await away()
    asked = parse_qs(urlsplit(url).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert all(len(asked[name][0]) >= 32 for name in ("state", "nonce", "code_challenge"))
    url, _cookie = await away(name="demo-plain")
    assert url.endswith("#wechat_redirect")
    assert parse_qs(urlsplit(url).query)["appid"] == ["holdfast"]


@pytest.mark.parametrize("lie", ["nonce", "issuer", "audience", "expired", "signature", "none"])
async def test_an_id_token_that_is_false_in_one_way_opens_nothing(db, provider, lie):
    provider.http.post("/oidc/_lie", json={"lie": lie}).raise_for_status()
    with pytest.raises(accounts.ExternalRefused):
        await sign_in(db, "Mei")
    assert await world.value(db, "select count(*) from accounts.accounts") == 0


async def test_a_provider_may_change_its_key(db, provider):
    first = await sign_in(db, "Mei")
    oidc._keys.update({url: (0.0, keys) for url, (_until, keys) in oidc._keys.items()})
    provider.http.post("/oidc/_lie", json={"lie": "key"}).raise_for_status()
    assert (await sign_in(db, "Mei")).account_id == first.account_id


async def test_who_refuses_there_is_not_signed_in_here():
    url, cookie = await away()
    with pytest.raises(accounts.ExternalRefused) as raised:
        await external.come_back("demo", cookie, say(url, "Mei", "deny"))
    assert raised.value.fields == {"reason": "access_denied"}


async def test_only_the_browser_that_was_sent_away_may_return():
    (url, cookie), (_other, others) = await away(), await away()
    returned = say(url, "Mei")
    for wrong in ("", "zz", "00ff", others, cookie[:-2] + ("00" if cookie[-2:] != "00" else "11")):
        with pytest.raises(accounts.ExternalRefused):
            await external.come_back("demo", wrong, returned)
    with pytest.raises(accounts.ExternalRefused):
        await external.come_back("demo-plain", cookie, returned)
    with pytest.raises(accounts.ExternalRefused):
        await external.come_back("demo", cookie, returned | {"iss": "https://elsewhere.example"})
    clock.move(timedelta(minutes=16))
    with pytest.raises(accounts.ExternalRefused):
        await external.come_back("demo", cookie, returned)


async def test_a_code_counts_once_and_only_with_its_verifier():
    url, cookie = await away()
    returned = say(url, "Mei")
    errand = json.loads(crypto.unseal(external.SEAL, bytes.fromhex(cookie)))
    errand["asked"]["verifier"] = "x" * 64
    stolen = crypto.seal(external.SEAL, json.dumps(errand)).hex()
    with pytest.raises(accounts.ExternalRefused):
        await external.come_back("demo", stolen, returned)
    with pytest.raises(accounts.ExternalRefused):
        await external.come_back("demo", cookie, returned)


async def test_an_identity_is_added_confirms_and_is_never_taken_over(db):
    person, session = await people.signed_in(db)
    errand, who = await journey("Mei", "add", account_id=person.account_id)
    await external.add_external(db, session, errand, who)
    assert [one.kind for one in (await db.read(identifiers.credentials, person.account_id)).identifiers] == [
        "phone",
        "external",
    ]
    with pytest.raises(accounts.IdentifierYours):
        await external.add_external(db, session, errand, who)
    li, theirs = await people.signed_in(db)
    errand, who = await journey("Mei", "add", account_id=li.account_id)
    with pytest.raises(accounts.IdentifierTaken):
        await external.add_external(db, theirs, errand, who)
    with pytest.raises(accounts.ExternalRefused):
        await external.add_external(db, session, errand, who)
    errand, who = await journey("Li", "confirm", account_id=person.account_id)
    with pytest.raises(accounts.CredentialUnknown):
        await external.confirm_external(db, session, errand, who)


async def test_confirming_asks_the_provider_for_a_new_proof(db):
    person, session = await people.signed_in(db)
    errand, who = await journey("Mei", "add", account_id=person.account_id)
    await external.add_external(db, session, errand, who)
    url, cookie = await away("confirm", account_id=person.account_id)
    assert parse_qs(urlsplit(url).query)["max_age"] == ["0"]
    errand, who = await external.come_back("demo", cookie, say(url, "Mei"))
    await external.confirm_external(db, session, errand, who)
    with pytest.raises(accounts.ExternalRefused):
        await away("confirm", "demo-plain", account_id=person.account_id)


async def test_a_provider_that_does_not_answer_is_said_to(provider, monkeypatch):
    oidc._addresses.clear()
    given = msgspec.structs.replace(settings.current(), simulator_url="http://127.0.0.1:9")
    monkeypatch.setattr(settings, "current", lambda: given)
    with pytest.raises(accounts.ExternalUnavailable):
        await away()


def test_production_has_no_provider_unless_configured(tmp_path, monkeypatch):
    given = msgspec.structs.replace(settings.current(), env="prod")
    monkeypatch.setattr(settings, "current", lambda: given)
    assert accounts.providers() == ()
    config = tmp_path / "providers.json"
    config.write_text(
        json.dumps(
            [
                {
                    "id": "city",
                    "name": {"zh": "市民卡", "en": "City card"},
                    "issuer": "https://id.city.example",
                    "client_id": "hf",
                }
            ]
        )
    )
    configured = msgspec.structs.replace(given, oidc_config=str(config))
    monkeypatch.setattr(settings, "current", lambda: configured)
    assert [one.id for one in accounts.providers()] == ["city"]
    with pytest.raises(accounts.ProviderUnknown):
        external.provider("demo")
