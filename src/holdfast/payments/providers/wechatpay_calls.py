"""Carries requests to WeChat Pay's two hosts and judges what comes back.

A call that could not reach a host, or met a gateway's page there, is repeated at once at the other host: the number in
it makes that safe. Whatever was sent and got no answer stays in doubt.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import msgspec

from holdfast.kit import clock, http, settings

from . import wechatpay_errors as errors
from . import wechatpay_protocol as protocol
from .base import CallRecord, Forged, OutcomeClass
from .wechatpay_protocol import Keys, WeChatPayConfig

QUESTIONS = ("query", "query_refund", "bill")
"""Operations without effect: silence after them leaves nothing in doubt."""
PREFERENCE = timedelta(seconds=60)
"""The host that worked when the first did not is asked first for so long."""


class Reply(msgspec.Struct, frozen=True):
    """What a call brought. `proven`: signed by the platform. Error code None: a proven 2xx."""

    proven: bool
    body: bytes
    record: CallRecord

    @property
    def error_code(self) -> str | None:
        return self.record.error_code

    def unusable(self, code: str = "unreadable") -> Reply:
        """As an answer that cannot be used: what was asked may well have happened."""
        outcome = in_doubt(self.record.operation)
        return Reply(False, self.body, msgspec.structs.replace(self.record, outcome_class=outcome, error_code=code))


class Host(msgspec.Struct, frozen=True):
    """One place where the interface is served; `prefix` is what stands before ``/v3``."""

    origin: str
    prefix: str

    @property
    def name(self) -> str:
        return urlsplit(self.origin).netloc


def host(url: str) -> Host:
    """ValueError for anything but https in production."""
    parts = urlsplit(url)
    if parts.scheme != "https" and (parts.scheme != "http" or settings.current().is_production):
        raise ValueError("the URLs of WeChat Pay must be https in production")
    return Host(f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/"))


def in_doubt(operation: str) -> OutcomeClass:
    """The class of a call that nobody answered as the protocol says."""
    return OutcomeClass.TECHNICAL if operation in QUESTIONS else OutcomeClass.UNKNOWN_OUTCOME


class Calls:
    """The way to one merchant's provider. Remembers nothing but which host worked last."""

    def __init__(self, config: WeChatPayConfig, keys: Keys, client: http.Client, agent: str) -> None:
        self._keys, self._client = keys, client
        self._hosts = [host(url) for url in (config.base_url, config.backup_url) if url]
        self._other_first_until: datetime | None = None
        self._headers = {
            "Accept": "application/json",
            "Content-Type": "application/json",
            "Wechatpay-Serial": keys.asked_serial,
            "User-Agent": agent,
        }

    async def call(
        self,
        operation: str,
        method: str,
        target: str,
        body: dict[str, object] | None = None,
        *,
        timeout_s: float,
        is_file: bool = False,
    ) -> Reply:
        """One question or order; `target` is path and query from ``/v3`` on. `is_file`: the answer bears no signature.

        `timeout_s` bounds both hosts together, but the second has at least half of it.
        """
        raw = b"" if body is None else msgspec.json.encode(body)
        started_at, started = clock.now(), time.monotonic()
        asked, got = await self._anywhere(method, target, raw, timeout_s)
        proven, code, outcome = False, None, in_doubt(operation)
        if isinstance(got, http.NoAnswer):
            code, outcome = got.reason, outcome if got.sent else OutcomeClass.TECHNICAL
        else:
            proven, code = self._judged(got, is_file=is_file)
            if code is None:
                outcome = OutcomeClass.OK
            elif proven:
                outcome = errors.CLASSES.get(code, outcome)
        record = CallRecord(
            operation=operation,
            started_at=started_at,
            elapsed_ms=round((time.monotonic() - started) * 1000),
            http_status=got.status if isinstance(got, http.Answer) else None,
            outcome_class=outcome,
            error_code=code,
            host=asked.name,
        )
        return Reply(proven, got.body if isinstance(got, http.Answer) else b"", record)

    def target_of(self, url: str) -> str | None:
        """Path and query of a URL that lies at one of our hosts; None for any other: it gets no signature of ours."""
        for known in self._hosts:
            base = known.origin + known.prefix
            if url.startswith(f"{base}/v3/"):
                return url[len(base) :]
        return None

    async def _anywhere(
        self, method: str, target: str, raw: bytes, timeout_s: float
    ) -> tuple[Host, http.Answer | http.NoAnswer]:
        """The first host's answer; where that host stays out of reach, the other's. Doubt outweighs "never sent"."""
        started, found = time.monotonic(), None
        for at in self._by_preference():
            left_s = max(timeout_s - (time.monotonic() - started), timeout_s / 2)
            got = await self._sent(at, method, target, raw, left_s)
            never_sent = isinstance(got, http.NoAnswer) and not got.sent
            if found is None or not never_sent:
                found = (at, got)
            if isinstance(got, http.Answer) and not _is_gateways(got):
                self._prefer(at)
            if not never_sent and not _is_gateways(got):
                break
        assert found is not None
        return found

    async def _sent(
        self, at: Host, method: str, target: str, raw: bytes, timeout_s: float
    ) -> http.Answer | http.NoAnswer:
        target = at.prefix + target
        largest = http.FILE_BYTES_MAX if "/billdownload/" in target else http.RESPONSE_BYTES_MAX
        headers = {**self._headers, "Authorization": self._keys.authorization(method, target, raw)}
        try:
            return await http.send(
                self._client, method, at.origin + target, body=raw, headers=headers, timeout_s=timeout_s, bytes_max=largest
            )  # fmt: skip
        except http.NoAnswer as silence:
            return silence

    def _by_preference(self) -> list[Host]:
        turned = self._other_first_until is not None and clock.now() < self._other_first_until
        return self._hosts[::-1] if turned else self._hosts

    def _prefer(self, worked: Host) -> None:
        """Keep to a host that answered. The second keeps its place for a while only; then the first is tried again."""
        if worked == self._hosts[0]:
            self._other_first_until = None
        elif self._by_preference()[0] != worked:
            self._other_first_until = clock.now() + PREFERENCE

    def _judged(self, answer: http.Answer, *, is_file: bool) -> tuple[bool, str | None]:
        """Whether the answer is proven, and its error code: None for a proven 2xx without one."""
        code = _failure(answer)
        failed = answer.status not in (200, 204)
        if answer.status >= 500 or answer.status < 200 or 300 <= answer.status < 400:
            return False, code or f"http-{answer.status}"
        if is_file:
            return False, (code or f"http-{answer.status}") if failed else None
        try:
            self._keys.verify(answer.headers, answer.body)
        except Forged as forged:
            return False, forged.reason
        return True, (code or f"http-{answer.status}") if failed else None


def _failure(answer: http.Answer) -> str:
    found = protocol.read(answer.body, protocol.Failure)
    return "" if found is None else found.code[:64]


def _is_gateways(got: http.Answer | http.NoAnswer) -> bool:
    """A 5xx that does not speak the protocol: whatever stands before the provider answered in its place."""
    return isinstance(got, http.Answer) and got.status >= 500 and not _failure(got)
