"""Fresh proofs: what could cost somebody their account asks who they are once more, if that is longer than five minutes ago."""

from __future__ import annotations

from datetime import timedelta

from holdfast.kit import clock

from .credentials_model import FreshProofNeeded
from .model import Session

FRESH = timedelta(minutes=5)


def is_fresh(session: Session, within: timedelta = FRESH) -> bool:
    """Whether the person proved who they are so short a time ago, in this session."""
    return session.proven_at is not None and clock.now() - session.proven_at <= within


def require_fresh(session: Session, within: timedelta = FRESH) -> None:
    """FreshProofNeeded unless `is_fresh`; for acts such as removing a credential, merging, export and erasure."""
    if not is_fresh(session, within):
        raise FreshProofNeeded
