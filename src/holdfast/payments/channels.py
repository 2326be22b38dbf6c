"""Channels: the providers this installation can reach, made once per process."""

from __future__ import annotations

import asyncio
from pathlib import Path

from holdfast.kit import http, settings

from .model import ChannelUnavailable
from .providers.base import Provider
from .providers.wechatpay import WeChatPay, load_config


class Channels:
    """Adapters by name. Configuration comes from a file; outside production the simulator hands out its own."""

    def __init__(self) -> None:
        self._client = http.client()
        self._made: dict[str, Provider] = {}
        self._lock = asyncio.Lock()

    async def get(self, name: str) -> Provider:
        """The adapter of a provider. ChannelUnavailable when its configuration cannot be had; KeyError for others."""
        if name != "wechatpay":
            raise KeyError(name)
        async with self._lock:
            if name not in self._made:
                self._made[name] = WeChatPay(load_config(await self._wechatpay_config()), self._client)
        return self._made[name]

    async def _wechatpay_config(self) -> bytes:
        given = settings.current()
        if given.wechatpay_config:
            return await asyncio.to_thread(Path(given.wechatpay_config).read_bytes)
        if given.is_production:
            raise ChannelUnavailable(reason="HOLDFAST_WECHATPAY_CONFIG is not set")
        try:
            answer = await http.send(self._client, "GET", f"{given.simulator_url}/_sim/config", timeout_s=3)
        except http.NoAnswer as missing:
            raise ChannelUnavailable(reason=missing.reason, retry_after_s=5) from missing
        return answer.body

    async def close(self) -> None:
        await self._client.aclose()


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
