"""Whether a database transaction is open in the current task; `kit.db` sets it, `kit.http` refuses to run while it is."""

from __future__ import annotations

from contextvars import ContextVar

in_transaction: ContextVar[bool] = ContextVar("in_transaction", default=False)


def assert_none_open() -> None:
    """Stand before every call that leaves the program: locks are not held while others think."""
    if in_transaction.get():
        raise AssertionError("a database transaction is open; call the network before or after it")
