"""Identity providers people may sign in with: OpenID Connect, and OAuth 2 with a user info address, as WeChat has it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

from holdfast.kit import settings


class Provider(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to reach a provider, and what its parameters are called. `name` is shown, in both languages.

    OpenID Connect: `issuer`, `client_id`, `client_secret`; the addresses come from its discovery document. Without
    (`id_token` false): the four addresses that are not empty, and who it is stands in the claim `subject` of user info.
    """

    id: str
    name: dict[str, str]
    issuer: str
    client_id: str
    client_secret: str = ""
    scope: str = "openid"
    authorize_url: str = ""
    token_url: str = ""
    userinfo_url: str = ""
    jwks_url: str = ""
    id_token: bool = True
    subject: str = "sub"
    shown: str = "name"
    """The claim by which the owner recognises the identity in a list."""
    rename: dict[str, str] = {}
    """Parameters that are called otherwise there: ``{"client_id": "appid", "client_secret": "secret"}``."""
    redeem_by: Literal["POST", "GET"] = "POST"
    userinfo_query: tuple[str, ...] = ()
    """Fields of the token answer that go into the query of user info, such as access_token and openid; empty: a bearer token."""
    fragment: str = ""
    """What follows the address of authorisation: ``wechat_redirect``."""


class Identity(msgspec.Struct, frozen=True):
    """Who a provider says somebody is: issuer and subject name them for ever, `shown` may change."""

    provider: str
    issuer: str
    subject: str
    shown: str

    @property
    def value(self) -> str:
        """What the blind index is made of."""
        return f"{self.issuer}|{self.subject}"


class Addresses(msgspec.Struct, frozen=True):
    """Where a provider answers: from its configuration or its discovery document (OpenID Connect Discovery §3)."""

    issuer: str
    authorization_endpoint: str = ""
    token_endpoint: str = ""
    userinfo_endpoint: str = ""
    jwks_uri: str = ""


@cache
def _read(path: str) -> tuple[Provider, ...]:
    return msgspec.json.decode(Path(path).read_bytes(), type=tuple[Provider, ...])


def providers() -> tuple[Provider, ...]:
    """Those of the configuration; outside production, without one, those of the simulator."""
    given = settings.current()
    if given.oidc_config:
        return _read(given.oidc_config)
    return () if given.is_production else _simulated(given.simulator_url)


DEMO = "demo-secret"
"""What the simulator knows us by."""


def _simulated(root: str) -> tuple[Provider, ...]:
    plain = f"{root}/oidc/plain"
    return (
        Provider(
            id="demo", name={"zh": "演示身份", "en": "Demo identity"}, issuer=f"{root}/oidc", client_id="holdfast",
            client_secret=DEMO, scope="openid profile",
        ),
        Provider(
            id="demo-plain", name={"zh": "演示聊天账号", "en": "Demo chat account"}, issuer=plain, client_id="holdfast",
            client_secret=DEMO, scope="snsapi_login", authorize_url=f"{plain}/authorize", token_url=f"{plain}/token",
            userinfo_url=f"{plain}/userinfo", id_token=False, subject="unionid", shown="nickname", redeem_by="GET",
            rename={"client_id": "appid", "client_secret": "secret"}, userinfo_query=("access_token", "openid"),
            fragment="wechat_redirect",
        ),
    )  # fmt: skip
