"""An identity provider to try and test against: OpenID Connect at ``/oidc``, and OAuth 2 as chat services have it at ``/oidc/plain``.

Strict: registered client, loopback return addresses, PKCE (S256), codes that count once within a minute, a secret for the token. Any
name may be typed; the same name is the same person for ever. ``POST /oidc/_lie {"lie": "nonce"}`` makes the next id token false in
one way: nonce, issuer, audience, expired, signature, none, key.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

import msgspec
from jinja2 import Environment
from joserfc import jwt
from joserfc.jwk import ECKey
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from .serving import origin

CLIENTS = {"holdfast": "demo-secret"}
CODE_TTL_S = 60
LIES = ("nonce", "issuer", "audience", "expired", "signature", "none", "key")
_PAGE = Environment(autoescape=True).from_string("""<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Demo identity</title><h1>Demo identity · 演示身份</h1>
<p>No password: type any name. · 无需密码，输入任意名字。</p>
<form method="post">{% for name, value in asked.items() %}<input type="hidden" name="{{ name }}" value="{{ value }}">{% endfor %}
<p><label>Name · 名字 <input name="name" value="mei" required></label>
<p><button name="act" value="allow">Continue · 继续</button> <button name="act" value="deny" formnovalidate>Refuse · 拒绝</button>
</form></html>""")


class Grant(msgspec.Struct, frozen=True):
    """A code that may be redeemed, and for what."""

    name: str
    redirect_uri: str
    nonce: str
    challenge: str
    made_at: float


class Memory:
    """What the provider knows; gone when it stops."""

    def __init__(self) -> None:
        self.key = ECKey.generate_key(
            "P-256", {"kid": secrets.token_hex(4), "use": "sig", "alg": "ES256"}, private=True
        )
        self.grants: dict[str, Grant] = {}
        self.tokens: dict[str, str] = {}
        self.lie = ""


_memory = Memory()


async def discovery(request: Request) -> Response:
    """``/.well-known/openid-configuration``."""
    root = origin(request) + "/oidc"
    return JSONResponse(
        {
            "issuer": root, "authorization_endpoint": f"{root}/authorize", "token_endpoint": f"{root}/token",
            "userinfo_endpoint": f"{root}/userinfo", "jwks_uri": f"{root}/jwks", "response_types_supported": ["code"],
            "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["ES256"],
            "code_challenge_methods_supported": ["S256"], "authorization_response_iss_parameter_supported": True,
        }
    )  # fmt: skip


async def jwks(request: Request) -> Response:
    return JSONResponse({"keys": [_memory.key.as_dict(private=False)]})


def _fault(asked: dict[str, str], client_field: str) -> str:
    """What is wrong with a question, before anybody is sent anywhere."""
    back = urlsplit(asked.get("redirect_uri", ""))
    if asked.get(client_field) not in CLIENTS:
        return "unknown client"
    if back.hostname not in ("127.0.0.1", "localhost", "holdfast.test") or back.fragment:
        return "redirect_uri is not registered"
    return ""


async def authorize(request: Request) -> Response:
    """The page where somebody says who they are; its POST sends them back with a code, or with access_denied."""
    plain = request.url.path.startswith("/oidc/plain")
    typed = dict(request.query_params)
    if request.method == "POST":
        typed = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
    fault = _fault(typed, "appid" if plain else "client_id")
    if fault:
        return HTMLResponse(fault, 400)
    state = {"state": typed.get("state", ""), **({} if plain else {"iss": origin(request) + "/oidc"})}
    if typed.get("response_type") != "code" or (not plain and typed.get("code_challenge_method") != "S256"):
        return _back(typed, error="invalid_request", **state)
    if request.method == "GET":
        return HTMLResponse(_PAGE.render(asked=typed))
    if typed.get("act") != "allow" or not typed.get("name", "").strip():
        return _back(typed, error="access_denied", **state)
    code = secrets.token_urlsafe(24)
    _memory.grants[code] = Grant(
        typed["name"].strip(),
        typed["redirect_uri"],
        typed.get("nonce", ""),
        typed.get("code_challenge", ""),
        time.time(),
    )
    return _back(typed, code=code, **state)


def _back(typed: dict[str, str], **fields: str) -> Response:
    uri = typed["redirect_uri"]
    return RedirectResponse(f"{uri}{'&' if '?' in uri else '?'}{urlencode(fields)}", 303)


def _redeemed(fields: dict[str, str]) -> Grant | None:
    """A code counts once, soon, for the same return address and with its verifier."""
    grant = _memory.grants.pop(fields.get("code", ""), None)
    if grant is None or time.time() - grant.made_at > CODE_TTL_S:
        return None
    verifier = fields.get("code_verifier", "")
    proof = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    return grant if not grant.challenge or secrets.compare_digest(proof, grant.challenge) else None


async def token(request: Request) -> Response:
    """A code for tokens (RFC 6749 §4.1.3): the secret in the Authorization header or in the form."""
    fields = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        client, _, secret = base64.b64decode(given).decode().partition(":")
        fields |= {"client_id": unquote(client), "client_secret": unquote(secret)}
    if CLIENTS.get(fields.get("client_id", "")) != fields.get("client_secret"):
        return JSONResponse({"error": "invalid_client"}, 401)
    grant = _redeemed(fields)
    if grant is None or fields.get("redirect_uri") != grant.redirect_uri:
        return JSONResponse({"error": "invalid_grant"}, 400)
    access = secrets.token_urlsafe(24)
    _memory.tokens[access] = grant.name
    answer = {"access_token": access, "token_type": "Bearer", "expires_in": 300}
    return JSONResponse(answer | {"id_token": _id_token(origin(request) + "/oidc", fields["client_id"], grant)})


def subject(name: str) -> str:
    """Who somebody is, for ever."""
    return hashlib.sha256(f"subject|{name}".encode()).hexdigest()[:24]


def _id_token(issuer: str, client_id: str, grant: Grant) -> str:
    """The id token, false in the way that was asked for."""
    lie, _memory.lie = _memory.lie, ""
    now = int(time.time())
    claims: dict[str, Any] = {
        "iss": "https://elsewhere.example" if lie == "issuer" else issuer, "sub": subject(grant.name), "name": grant.name,
        "aud": "somebody-else" if lie == "audience" else client_id, "iat": now - (7200 if lie == "expired" else 0),
        "exp": now + (-3600 if lie == "expired" else 300), "auth_time": now,
        "nonce": "another" if lie == "nonce" else grant.nonce,
    }  # fmt: skip
    key = (
        ECKey.generate_key("P-256", {"kid": _memory.key.kid or ""}, private=True) if lie == "signature" else _memory.key
    )
    if lie == "key":
        _memory.key = key = ECKey.generate_key("P-256", {"kid": secrets.token_hex(4), "alg": "ES256"}, private=True)
    if lie == "none":
        parts = [{"alg": "none", "typ": "JWT"}, claims]
        return ".".join(base64.urlsafe_b64encode(msgspec.json.encode(p)).decode().rstrip("=") for p in parts) + "."
    return jwt.encode({"alg": "ES256", "kid": key.kid or ""}, claims, key)


async def plain_token(request: Request) -> Response:
    """As chat services do it: GET with ``appid`` and ``secret``; errors come with status 200."""
    fields = dict(request.query_params)
    if CLIENTS.get(fields.get("appid", "")) != fields.get("secret"):
        return JSONResponse({"errcode": 40125, "errmsg": "invalid appsecret"})
    grant = _redeemed(fields)
    if grant is None:
        return JSONResponse({"errcode": 40029, "errmsg": "invalid code"})
    access, openid = secrets.token_urlsafe(24), "o" + subject(grant.name)
    _memory.tokens[access] = grant.name
    return JSONResponse({"access_token": access, "expires_in": 7200, "openid": openid, "scope": "snsapi_login"})


async def userinfo(request: Request) -> Response:
    """Who an access token speaks of."""
    given = request.headers.get("authorization", "").removeprefix("Bearer ") or request.query_params.get(
        "access_token", ""
    )
    name = _memory.tokens.get(given)
    if request.url.path.startswith("/oidc/plain"):
        if name is None or request.query_params.get("openid") != "o" + subject(name):
            return JSONResponse({"errcode": 40003, "errmsg": "invalid openid"})
        return JSONResponse({"openid": "o" + subject(name), "unionid": "u" + subject(name), "nickname": name})
    if name is None:
        return JSONResponse({"error": "invalid_token"}, 401)
    return JSONResponse({"sub": subject(name), "name": name})


async def lie(request: Request) -> Response:
    """How the next id token will be false."""
    asked = msgspec.json.decode(await request.body(), type=dict[str, str]).get("lie", "")
    if asked not in ("", *LIES):
        return JSONResponse({"error": f"one of {', '.join(LIES)}"}, 400)
    _memory.lie = asked
    return JSONResponse({"lie": asked})


ROUTES = [
    Route("/oidc/.well-known/openid-configuration", discovery),
    Route("/oidc/jwks", jwks),
    Route("/oidc/authorize", authorize, methods=["GET", "POST"]),
    Route("/oidc/token", token, methods=["POST"]),
    Route("/oidc/userinfo", userinfo),
    Route("/oidc/plain/authorize", authorize, methods=["GET", "POST"]),
    Route("/oidc/plain/token", plain_token),
    Route("/oidc/plain/userinfo", userinfo),
    Route("/oidc/_lie", lie, methods=["POST"]),
]
