"""One gate for every dangerous change: proposed, previewed by trying it, approved by another person, applied, reverted.

A domain above registers a kind (`register`): how it is applied, what the preview shows of that, how it is reverted. The
preview is made by applying the change and rolling it back, so it shows what will be done and not what somebody thinks
would be. An approval is bound to the hashes of content and preview; when the world has moved and applying would
do something else, the approval no longer counts and the new preview must be approved (`PreviewStale`).

A kind says whose agreement it needs (`Demand`: so many people, one of them in a capacity such as finance) and who may agree;
each agreement is a review, bound to the same hashes, and the last one approves. It may also say which figures they type again,
blind: a slip rejects the proposal (`FiguresDiffer`).

States: proposed → approved → applied → reverted; proposed → rejected; open ones → withdrawn | expired. Every step is a review,
and reviews are never changed. The database holds that content stays as it was and that a second person approved it.
"""

from . import jobs  # noqa: F401 - whoever imports a domain can emit news for it
from .kinds import Draft, register
from .model import (
    AlreadyAgreed,
    BaseMoved,
    Demand,
    FiguresDiffer,
    NotRevertible,
    PreviewStale,
    Proposal,
    ProposalOver,
    ProposalUnknown,
    ReasonNeeded,
    Review,
    SamePerson,
    State,
    hashed,
)
from .proposals import (
    agreed,
    apply,
    approve,
    capacities,
    propose,
    queue,
    recent,
    reject,
    renew,
    require,
    revert,
    reviews,
    withdraw,
)

__all__ = [
    "AlreadyAgreed",
    "BaseMoved",
    "Demand",
    "Draft",
    "FiguresDiffer",
    "NotRevertible",
    "PreviewStale",
    "Proposal",
    "ProposalOver",
    "ProposalUnknown",
    "ReasonNeeded",
    "Review",
    "SamePerson",
    "State",
    "agreed",
    "apply",
    "approve",
    "capacities",
    "hashed",
    "propose",
    "queue",
    "recent",
    "register",
    "reject",
    "renew",
    "require",
    "revert",
    "reviews",
    "withdraw",
]
