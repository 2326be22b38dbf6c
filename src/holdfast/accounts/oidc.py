"""Speaking with an identity provider: authorisation code flow with PKCE (OpenID Connect Core §3.1, RFC 7636, RFC 9207).

Two steps from outside: the address to send a browser to, and what its return means. Everything between is one provider's
answer against another: signature, issuer, audience, time and nonce of the id token, or the account of user info.
"""

from __future__ import annotations

import base64
import time
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import msgspec
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from holdfast.kit import clock, http

from .credentials_model import ExternalRefused, ExternalUnavailable
from .external_model import Addresses, Identity, Provider

ALGORITHMS = ("RS256", "ES256", "EdDSA", "PS256", "RS384", "RS512", "ES384")
"""Signatures only: a shared secret or none would let others sign."""
LEEWAY_S = 60
KEPT_S = 3600.0
FRESH_PROOF_S = 300
Claims = dict[str, Any]
_addresses: dict[str, tuple[float, Addresses]] = {}
_keys: dict[str, tuple[float, KeySet]] = {}


class Asked(msgspec.Struct, frozen=True):
    """What we sent a browser away with; the same browser must bring it back."""

    provider: str
    state: str
    nonce: str
    verifier: str
    redirect_uri: str


async def authorisation(provider: Provider, asked: Asked, *, again: bool = False) -> str:
    """Where to send the browser. `again` asks the provider to have the person prove themselves anew."""
    where = await addresses(provider)
    more: dict[str, str] = {
        "code_challenge": create_s256_code_challenge(asked.verifier),
        "code_challenge_method": "S256",
    }
    if provider.id_token:
        more["nonce"] = asked.nonce
        more |= {"prompt": "login", "max_age": "0"} if again else {}
    url: str = prepare_grant_uri(
        where.authorization_endpoint, client_id=provider.client_id, response_type="code", redirect_uri=asked.redirect_uri,
        scope=provider.scope, state=asked.state, **more,
    )  # fmt: skip
    for ours, theirs in provider.rename.items():
        url = url.replace(f"{ours}=", f"{theirs}=", 1)
    return f"{url}#{provider.fragment}" if provider.fragment else url


async def identity(provider: Provider, asked: Asked, returned: dict[str, str], *, again: bool = False) -> Identity:
    """Who came back. ExternalRefused when the answers do not fit together; ExternalUnavailable when there are none."""
    where = await addresses(provider)
    if returned.get("state") != asked.state or returned.get("iss", where.issuer) != where.issuer:
        raise ExternalRefused(reason="state")
    if not returned.get("code"):
        raise ExternalRefused(reason=returned.get("error", "")[:60])
    answer = await _token(provider, where, asked, returned["code"])
    if provider.id_token:
        claims = await _id_token(provider, where, asked, str(answer.get("id_token", "")))
        if again and clock.now().timestamp() - float(claims.get("auth_time") or 0) > FRESH_PROOF_S:
            raise ExternalRefused(reason="auth_time")
    else:
        claims = await _userinfo(provider, where, answer)
    subject = claims.get(provider.subject)
    if not isinstance(subject, str) or not 0 < len(subject) <= 255:
        raise ExternalRefused(reason="subject")
    shown = str(claims.get(provider.shown) or claims.get("email") or subject)
    return Identity(provider.id, where.issuer, subject, shown[:60])


async def addresses(provider: Provider) -> Addresses:
    """Where the provider answers, kept for an hour."""
    if not provider.id_token:
        return Addresses(provider.issuer, provider.authorize_url, provider.token_url, provider.userinfo_url)
    kept = _addresses.get(provider.issuer)
    if kept and kept[0] > time.monotonic():
        return kept[1]
    url = provider.issuer.rstrip("/") + "/.well-known/openid-configuration"
    try:
        found = msgspec.convert(await _ask("GET", url), Addresses)
    except msgspec.ValidationError as error:
        raise ExternalUnavailable from error
    if found.issuer != provider.issuer:  # Discovery §4.3
        raise ExternalUnavailable
    found = Addresses(
        found.issuer, provider.authorize_url or found.authorization_endpoint, provider.token_url or found.token_endpoint,
        provider.userinfo_url or found.userinfo_endpoint, provider.jwks_url or found.jwks_uri,
    )  # fmt: skip
    _addresses[provider.issuer] = (time.monotonic() + KEPT_S, found)
    return found


async def _token(provider: Provider, where: Addresses, asked: Asked, code: str) -> Claims:
    """The token answer (RFC 6749 §4.1.3). A secret goes into the header, or under the name the provider gives it."""
    fields = {"code": code, "code_verifier": asked.verifier, "client_id": provider.client_id}
    headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
    if "client_secret" in provider.rename:
        fields["client_secret"] = provider.client_secret
    elif provider.client_secret:
        pair = f"{quote(provider.client_id, safe='')}:{quote(provider.client_secret, safe='')}"
        headers["authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
    named = {provider.rename.get(name, name): value for name, value in fields.items()}
    body: str = prepare_token_request("authorization_code", redirect_uri=asked.redirect_uri, **named)
    if provider.redeem_by == "GET":
        return await _ask("GET", f"{where.token_endpoint}{'&' if '?' in where.token_endpoint else '?'}{body}")
    return await _ask("POST", where.token_endpoint, body.encode(), headers)


async def _id_token(provider: Provider, where: Addresses, asked: Asked, token: str) -> Claims:
    """The claims of an id token that is meant for us, now, and for this very question (Core §3.1.3.7)."""
    registry = jwt.JWTClaimsRegistry(
        now=int(clock.now().timestamp()), leeway=LEEWAY_S,
        iss={"essential": True, "value": where.issuer}, sub={"essential": True},
        aud={"essential": True, "value": provider.client_id}, exp={"essential": True}, iat={"essential": True},
        nonce={"essential": True, "value": asked.nonce},
    )  # fmt: skip
    try:
        claims = (await _decoded(where, token)).claims
        registry.validate(claims)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise ExternalRefused(reason=getattr(error, "error", "id-token")) from error
    audience = claims["aud"]
    if claims.get("azp", provider.client_id) != provider.client_id:
        raise ExternalRefused(reason="azp")
    if isinstance(audience, list) and len(audience) > 1 and "azp" not in claims:
        raise ExternalRefused(reason="azp")
    return dict(claims)


async def _decoded(where: Addresses, token: str) -> jwt.Token:
    """By the keys we have; by new ones, asked for at most once a minute, when the provider has changed them."""
    kept = _keys.get(where.jwks_uri)
    if kept is not None:
        try:
            return jwt.decode(token, kept[1], algorithms=ALGORITHMS)
        except (JoseError, ValueError):
            if kept[0] > time.monotonic():
                raise
    keys = KeySet.import_key_set(await _ask("GET", where.jwks_uri))  # type: ignore[arg-type]
    _keys[where.jwks_uri] = (time.monotonic() + 60, keys)
    return jwt.decode(token, keys, algorithms=ALGORITHMS)


async def _userinfo(provider: Provider, where: Addresses, answer: Claims) -> Claims:
    """Who an access token speaks of, where there is no id token."""
    token = answer.get("access_token")
    if not isinstance(token, str) or not token:
        raise ExternalRefused(reason="token")
    if not provider.userinfo_query:
        return await _ask("GET", where.userinfo_endpoint, headers={"authorization": f"Bearer {token}"})
    asked = urlencode({name: str(answer.get(name, "")) for name in provider.userinfo_query})
    return await _ask("GET", f"{where.userinfo_endpoint}?{asked}")


async def _ask(method: str, url: str, body: bytes = b"", headers: dict[str, str] | None = None) -> Claims:
    """A JSON object from a provider. A refusal of theirs is ExternalRefused, silence or nonsense ExternalUnavailable."""
    if urlsplit(url).scheme not in ("http", "https"):
        raise ExternalUnavailable
    async with http.client() as client:
        try:
            answer = await http.send(client, method, url, body=body, headers=headers)
        except http.NoAnswer as missing:
            raise ExternalUnavailable(reason=missing.reason) from missing
    if 400 <= answer.status < 500:
        raise ExternalRefused(reason=f"http {answer.status}")
    try:
        return msgspec.json.decode(answer.body, type=Claims) if answer.status == 200 else _nothing()
    except msgspec.DecodeError as error:
        raise ExternalUnavailable from error


def _nothing() -> Claims:
    raise ExternalUnavailable
