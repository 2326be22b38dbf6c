"""Structured logs: one JSON line per event on stderr, with the request's id when there is one. Never personal data."""

from __future__ import annotations

import logging
import sys
from contextvars import ContextVar

import structlog

request_id: ContextVar[str] = ContextVar("request_id", default="")


def _with_request(logger: object, method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Adds the id of the request that is being answered."""
    if request_id.get():
        event["request_id"] = request_id.get()
    return event


def configure(level: str = "INFO") -> None:
    """Set up once per process; a terminal gets readable lines, everything else JSON."""
    structlog.configure(
        processors=[
            _with_request,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer()
            if sys.stderr.isatty()
            else structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
        ),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def get() -> structlog.typing.FilteringBoundLogger:
    """The logger."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    return logger
