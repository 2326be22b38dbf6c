"""Calls through Alipay's gateway: signed, sent as a form, and believed only as far as the answer is proven."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

import msgspec

from holdfast.kit import clock, http, settings

from . import alipay_errors as errors
from . import alipay_protocol as protocol
from .base import CallRecord, Forged, OutcomeClass

TIMEOUTS_S = {"create": 10.0, "refund": 10.0, "query": 5.0, "query_refund": 5.0, "close": 5.0, "bill": 20.0}
QUESTIONS = ("query", "query_refund", "bill")
"""Operations without effect: silence after them leaves nothing in doubt."""


class Reply(msgspec.Struct, frozen=True):
    """What a call brought. `proven`: `content` is signed by Alipay. Error code None: proven and done as asked."""

    proven: bool
    content: bytes
    record: CallRecord

    @property
    def error_code(self) -> str | None:
        return self.record.error_code


class Gateway:
    """Alipay's one address, with our keys and the HTTP client we were given."""

    def __init__(
        self, config: protocol.AlipayConfig, client: http.Client, timeouts_s: Mapping[str, float], agent: str
    ) -> None:
        url = urlsplit(config.gateway)
        if url.scheme != "https" and (url.scheme != "http" or settings.current().is_production):
            raise ValueError("the gateway of Alipay must be https in production")
        self.keys = protocol.Keys(config)
        self._url, self._secure = config.gateway, url.scheme == "https"
        self._client, self._timeouts_s, self._agent = client, {**TIMEOUTS_S, **timeouts_s}, agent

    async def call(
        self, operation: str, method: str, content: Mapping[str, object], notify_url: str | None = None
    ) -> Reply:
        """Call a method of the open platform."""
        fields = self.keys.signed(method, content, notify_url=notify_url)
        charset = fields.pop("charset")
        reply = await self._sent(operation, "POST", f"{self._url}?charset={charset}", urlencode(fields).encode())
        return reply if reply.error_code is not None else self._judged(reply, method)

    async def download(self, operation: str, url: str) -> Reply:
        """Fetch a file; nothing proves it. Over TLS wherever the gateway is, since the file bears no signature."""
        if self._secure and url.startswith("http:"):
            url = "https:" + url.removeprefix("http:")
        return await self._sent(operation, "GET", url, b"")

    async def _sent(self, operation: str, verb: str, url: str, body: bytes) -> Reply:
        """One exchange, with error code None for HTTP 200, whatever that says; not proven."""
        headers = {"Accept": "*/*", "User-Agent": self._agent}
        if body:
            headers["Content-Type"] = "application/x-www-form-urlencoded;charset=utf-8"
        started_at, content, elapsed_ms, status = clock.now(), b"", 0, None
        largest = http.FILE_BYTES_MAX if operation == "bill" else http.RESPONSE_BYTES_MAX
        try:
            answer = await http.send(
                self._client, verb, url, body=body, headers=headers, timeout_s=self._timeouts_s[operation], bytes_max=largest
            )  # fmt: skip
        except http.NoAnswer as silence:
            elapsed_ms = round((clock.now() - started_at).total_seconds() * 1000)
            outcome = in_doubt(operation) if silence.sent else OutcomeClass.TECHNICAL
            code: str | None = silence.reason
        else:
            elapsed_ms, status, content = answer.elapsed_ms, answer.status, answer.body
            code = None if status == 200 else f"http-{status}"
            outcome = OutcomeClass.OK if code is None else in_doubt(operation)
        record = CallRecord(
            operation=operation,
            started_at=started_at,
            elapsed_ms=elapsed_ms,
            http_status=status,
            outcome_class=outcome,
            error_code=code,
            host=urlsplit(url).hostname,
        )
        return Reply(proven=False, content=content, record=record)

    def _judged(self, reply: Reply, method: str) -> Reply:
        """The answer as far as it is proven. Of an unsigned one only a refusal by the gateway itself counts, and only
        for the class of the call: nobody can say by it how a payment stands."""
        envelope = protocol.envelope(reply.content, method)
        head = None if envelope is None else protocol.read(envelope.node, protocol.Head)
        if envelope is None or head is None:
            return unusable(reply, "unreadable")
        if not envelope.signature:
            refused = head.code in errors.GATEWAY and head.code != "20000"
            return _failed(reply, head) if refused else unusable(reply, "unsigned")
        try:
            self.keys.verify(envelope.node, envelope.signature)
        except Forged as forged:
            return unusable(reply, forged.reason)
        proven = Reply(proven=True, content=envelope.node, record=reply.record)
        return proven if head.code == "10000" and not envelope.refused else _failed(proven, head)


def in_doubt(operation: str) -> OutcomeClass:
    """The class of a call whose outcome nobody has proven."""
    return OutcomeClass.TECHNICAL if operation in QUESTIONS else OutcomeClass.UNKNOWN_OUTCOME


def unusable(reply: Reply, code: str) -> Reply:
    """An answer that we cannot use: what was asked may well have happened."""
    outcome = in_doubt(reply.record.operation)
    record = msgspec.structs.replace(reply.record, outcome_class=outcome, error_code=code)
    return Reply(proven=False, content=reply.content, record=record)


def unsent(operation: str, code: str | None = None) -> Reply:
    """No call was made: none was needed, or (`code`) the request could not be right."""
    record = CallRecord(
        operation=operation,
        started_at=clock.now(),
        elapsed_ms=0,
        http_status=None,
        outcome_class=OutcomeClass.OK if code is None else OutcomeClass.CONFIG,
        error_code=code,
    )
    return Reply(proven=True, content=b"", record=record)


def _failed(reply: Reply, head: protocol.Head) -> Reply:
    """An answer with an error code, classed by the dictionary; 20000 is an unknown outcome whatever else it says."""
    rule = errors.ERRORS.get(head.word) or errors.ERRORS.get(head.code)
    outcome = OutcomeClass.UNKNOWN_OUTCOME if rule is None or head.code == "20000" else rule.outcome
    if outcome is OutcomeClass.UNKNOWN_OUTCOME:
        outcome = in_doubt(reply.record.operation)
    record = msgspec.structs.replace(reply.record, outcome_class=outcome, error_code=head.word)
    return msgspec.structs.replace(reply, record=record)
