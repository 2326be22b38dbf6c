"""Channels: the providers this installation can reach, their ways to pay and their adapters' versions, made once per process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from holdfast.kit import http, settings

from .model import DESK, ChannelUnavailable
from .providers.alipay import Alipay
from .providers.alipay import load_config as alipay_config
from .providers.base import Provider
from .providers.desk import Desk
from .providers.stripe import StripeCards
from .providers.stripe import load_config as stripe_config
from .providers.wechatpay import WeChatPay
from .providers.wechatpay import load_config as wechatpay_config

METHODS = {"wechatpay": ("native", "h5"), "alipay": ("qr", "page"), "stripe": ("card",)}
"""Ways to pay online, in the order in which they are offered while all are well. `native` and `qr` are scanned; `h5` and `page`
lead the payer's own browser away; `card` is typed into the provider's fields on our page."""
JUDGED_BY = {("alipay", "page"): "qr"}
"""Ways that begin without a call to their provider are as well as another of its ways, and as its answers to questions."""
VERSIONS = {"wechatpay": ("apiv3.1", "apiv3.2"), "alipay": ("openapi.1",), "stripe": ("2026-10",), DESK: ("1",)}
"""Versions of each adapter, the tried one first."""
MAKERS: dict[str, Callable[[bytes, http.Client, str], Provider]] = {
    "wechatpay": lambda raw, client, version: WeChatPay(wechatpay_config(raw), client, patience(), version),
    "alipay": lambda raw, client, version: Alipay(alipay_config(raw), client, patience(), version),
    "stripe": lambda raw, client, version: StripeCards(stripe_config(raw), client, patience(), version),
}
QUESTION_PATIENCE_S, BILL_PATIENCE_S = 5.0, 60.0
CONNECTIONS_MAX = 40
"""Of each provider: a bulkhead, so that one that hangs takes no connection from another."""


def configured() -> tuple[str, ...]:
    """The online providers of this installation: those with a configuration; outside production, all of them."""
    given = settings.current()
    wanted = [name.strip() for name in given.channels.split(",") if name.strip()] or list(METHODS)
    return tuple(name for name in METHODS if name in wanted and (_config_path(name) or not given.is_production))


def patience() -> dict[str, float]:
    """How long each operation waits for its answer, in seconds."""
    longest = settings.current().provider_patience_s
    short = min(longest, QUESTION_PATIENCE_S)
    return {
        "create": longest, "refund": longest, "query": short, "query_refund": short, "close": short,
        "bill": max(longest, BILL_PATIENCE_S),
    }  # fmt: skip


def _config_path(provider: str) -> str:
    given = settings.current()
    return {"wechatpay": given.wechatpay_config, "alipay": given.alipay_config, "stripe": given.stripe_config}[provider]


class Channels:
    """Adapters by name and version. Configuration comes from files; outside production the simulator hands out its own."""

    def __init__(self) -> None:
        self._clients: dict[str, http.Client] = {}
        self._configs: dict[str, bytes] = {}
        self._made: dict[tuple[str, str], Provider] = {}
        self._lock = asyncio.Lock()

    async def get(self, name: str, version: str = "") -> Provider:
        """The adapter of a provider, in its tried version unless one is named.

        ChannelUnavailable when its configuration cannot be had; KeyError for a provider or version that there is not.
        """
        version = version or VERSIONS[name][0]
        if (made := self._made.get((name, version))) is not None:
            return made
        if version not in VERSIONS[name]:
            raise KeyError(version)
        async with self._lock:
            if (name, version) not in self._made:
                self._made[name, version] = Desk() if name == DESK else await self._make(name, version)
        return self._made[name, version]

    async def _make(self, name: str, version: str) -> Provider:
        client = self._clients.setdefault(name, http.client(connections_max=CONNECTIONS_MAX))
        if name not in self._configs:
            self._configs[name] = await self._config(name, client)
        made = MAKERS[name](self._configs[name], client, version)
        if isinstance(made, StripeCards) and not _config_path(
            name
        ):  # a charge cannot name the address of its callbacks
            await made.announce(f"{settings.current().base_url}/webhooks/{name}")
        return made

    async def _config(self, name: str, client: http.Client) -> bytes:
        given = settings.current()
        if path := _config_path(name):
            return await asyncio.to_thread(Path(path).read_bytes)
        if given.is_production:
            raise ChannelUnavailable(reason=f"HOLDFAST_{name.upper()}_CONFIG is not set")
        url = f"{given.simulator_url}/_sim/config?provider={name}"
        try:
            answer = await http.send(client, "GET", url, timeout_s=3)
        except http.NoAnswer as missing:
            raise ChannelUnavailable(reason=missing.reason, retry_after_s=5) from missing
        if answer.status != 200:
            raise ChannelUnavailable(reason=f"http-{answer.status}", retry_after_s=5)
        return answer.body

    async def close(self) -> None:
        for client in self._clients.values():
            await client.aclose()


_current: Channels | None = None


def current() -> Channels:
    """The channels of this process; made at first use, inside the running event loop."""
    global _current  # noqa: PLW0603 - one set of connections per process
    if _current is None:
        _current = Channels()
    return _current


async def close() -> None:
    """Closes the connections; the next use makes new ones."""
    global _current  # noqa: PLW0603
    if _current is not None:
        await _current.close()
        _current = None
