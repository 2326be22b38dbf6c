"""How the `stripe` package reaches the network, and how what came back is judged.

The package composes requests; limits on time and size, the refusal of redirects and of calls inside transactions are
those of `kit.http`. What came is kept as bytes, for they are what is judged: whatever the package makes of them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import msgspec
import stripe

from holdfast.kit import clock, http, settings

from . import stripe_errors as errors
from . import stripe_protocol as protocol
from .base import CallRecord, OutcomeClass

FORWARDED = ("Authorization", "Content-Type", "Idempotency-Key", "Stripe-Version")
"""All that the protocol needs. Descriptions of our machine are nobody's business."""
TIMEOUTS_S = {
    "create": 10.0,
    "refund": 10.0,
    "query": 5.0,
    "query_refund": 5.0,
    "close": 10.0,
    "bill": 30.0,
    "announce": 10.0,
}
QUESTIONS = ("query", "query_refund", "bill")
"""Operations without effect: silence after them leaves nothing in doubt."""

Work = Callable[[stripe.StripeClient], Awaitable[object]]

stripe.enable_telemetry = False  # the package's own switch: no identifier on this disk, no timings to others


class Reply(msgspec.Struct, frozen=True):
    """What a call brought. Error code None: a 2xx. `failure`: a refusal in their words, only with a 4xx."""

    body: bytes
    record: CallRecord
    failure: protocol.Failure | None = None
    kept: str = ""
    """The number of the request whose result this repeats; empty when the idempotency key was new."""

    @property
    def error_code(self) -> str | None:
        return self.record.error_code

    def refuted(self, code: str) -> Reply:
        """A 2xx we cannot use: what was asked may well have happened. A reply that failed already stays as it is."""
        if self.error_code is not None:
            return self
        outcome = in_doubt(self.record.operation)
        record = msgspec.structs.replace(self.record, outcome_class=outcome, error_code=code)
        return Reply(body=self.body, record=record)


def in_doubt(operation: str) -> OutcomeClass:
    """The class of an answer that tells nothing."""
    return OutcomeClass.TECHNICAL if operation in QUESTIONS else OutcomeClass.UNKNOWN_OUTCOME


class Wire(stripe.HTTPClient):
    """Carries one request; `answer` or `silence` is set afterwards, neither when nothing was to be sent."""

    name = "holdfast"

    def __init__(self, client: http.Client, agent: str, timeout_s: float) -> None:
        super().__init__()
        self.answer: http.Answer | None = None
        self.silence: http.NoAnswer | None = None
        self._client, self._agent, self._timeout_s = client, agent, timeout_s

    async def request_async(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """The package's hook for asynchronous requests. APIConnectionError when nothing usable came."""
        sent = {name: headers[name] for name in FORWARDED if name in headers} | {"User-Agent": self._agent}
        body, verb = (post_data or "").encode(), method.upper()
        try:
            self.answer = await http.send(self._client, verb, url, body=body, headers=sent, timeout_s=self._timeout_s)
        except http.NoAnswer as silence:
            self.silence = silence
            raise stripe.APIConnectionError(silence.reason) from silence  # type: ignore[no-untyped-call]
        return self.answer.body, self.answer.status, self.answer.headers


class Calls:
    """Calls with one merchant's secret key under one adapter version."""

    def __init__(
        self,
        config: protocol.StripeConfig,
        client: http.Client,
        timeouts_s: Mapping[str, float],
        version: str,
        api_version: str,
    ) -> None:
        url = urlsplit(config.api_base)
        if url.scheme != "https" and (url.scheme != "http" or settings.current().is_production):
            raise ValueError("the api_base of Stripe must be https in production")
        self.host = url.netloc
        self._config, self._client, self._api_version = config, client, api_version
        self._timeouts_s = {**TIMEOUTS_S, **timeouts_s}
        self._agent = f"holdfast-stripe/{version} stripe-python/{stripe.VERSION}"

    async def ask(self, operation: str, work: Work) -> Reply:
        """One request, never repeated from here. What the package says of the answer is not needed: the bytes are."""
        wire, started_at = Wire(self._client, self._agent, self._timeouts_s[operation]), clock.now()
        sdk = stripe.StripeClient(
            self._config.secret_key,
            stripe_version=self._api_version,
            base_addresses={"api": self._config.api_base.rstrip("/")},
            max_network_retries=0,
            http_client=wire,
        )
        try:
            await work(sdk)
        except Exception:
            if wire.answer is None and wire.silence is None:
                raise  # ours: nothing had been sent
        record = CallRecord(
            operation=operation,
            started_at=started_at,
            elapsed_ms=round((clock.now() - started_at).total_seconds() * 1000),
            http_status=None,
            outcome_class=OutcomeClass.OK,
            host=self.host,
        )
        if wire.answer is None:
            assert wire.silence is not None
            outcome = in_doubt(operation) if wire.silence.sent else OutcomeClass.TECHNICAL
            return Reply(b"", msgspec.structs.replace(record, outcome_class=outcome, error_code=wire.silence.reason))
        return _judged(record, wire.answer)


def _judged(record: CallRecord, answer: http.Answer) -> Reply:
    """An answer with its class. Their words count with a 4xx only; a 5xx tells nothing, whatever it says."""
    code: str | None = None
    outcome, failure = OutcomeClass.OK, None
    if not 200 <= answer.status < 300:
        failure = protocol.read(answer.body, protocol.Failure)
        code = f"http-{answer.status}" if failure is None else failure.code
        outcome = in_doubt(record.operation)
        if failure is not None and 400 <= answer.status < 500:
            outcome = _told(answer.status, code, failure.error.type) or outcome
        else:
            failure = None
    again = answer.headers.get("idempotent-replayed") == "true"
    return Reply(
        body=answer.body,
        record=msgspec.structs.replace(
            record,
            elapsed_ms=answer.elapsed_ms,
            http_status=answer.status,
            outcome_class=outcome,
            error_code=code,
        ),
        failure=failure,
        kept=answer.headers.get("original-request", "")[:64] if again else "",
    )


def _told(status: int, code: str, kind: str) -> OutcomeClass | None:
    """The class that a refusal's words have; None when they leave it open, as those of every conflict do."""
    if status == HTTPStatus.CONFLICT:
        return None
    if status == HTTPStatus.TOO_MANY_REQUESTS and code == kind:
        return OutcomeClass.RATE_LIMIT
    told = errors.outcome(code, kind)
    return None if told is OutcomeClass.UNKNOWN_OUTCOME else told
