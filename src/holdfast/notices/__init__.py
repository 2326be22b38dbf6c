"""Official messages and webhooks: each is written in the transaction that causes it, and sent by a worker afterwards.

Until a gateway for texts and one for e-mails are configured, messages stay in the outbox, where the development mailbox
page shows them.
Every message bears a code under which anybody can compare it with what was sent (`checking`); what was sent never changes. What we
stand by is a register (`positions`); texts that people report lie on heaps (`reports`).
Webhooks tell programs of others what happened here (`publish`); they are signed, tried for days and can be sent again.
"""

from . import (
    checking,
    jobs,  # noqa: F401 - whoever imports a domain can emit news for it
    positions,
    reports,
    stamps,
    subscriptions,
    webhooks,
)
from .checking_model import Checked, Difference, Part, Reason, Sent, Verdict
from .courier import close as close_webhooks
from .events import EVENTS
from .links import Link
from .mail import Attachment
from .model import (
    Attempt,
    Delivery,
    DeliveryUnknown,
    Health,
    Message,
    Subscription,
    SubscriptionInvalid,
    SubscriptionState,
    SubscriptionUnknown,
)
from .outbox import attachments, recent, send, send_mail
from .positions_model import Position, PositionEndsBeforeNow, PositionOver, PositionUnknown
from .reasons import senders
from .reports import Cluster, Report, ReportHandled, ReportUnknown
from .rights import count_held, held, redact, redact_these, without_codes
from .signatures import message_id
from .webhooks import publish

__all__ = [
    "EVENTS",
    "Attachment",
    "Attempt",
    "Checked",
    "Cluster",
    "Delivery",
    "DeliveryUnknown",
    "Difference",
    "Health",
    "Link",
    "Message",
    "Part",
    "Position",
    "PositionEndsBeforeNow",
    "PositionOver",
    "PositionUnknown",
    "Reason",
    "Report",
    "ReportHandled",
    "ReportUnknown",
    "Sent",
    "Subscription",
    "SubscriptionInvalid",
    "SubscriptionState",
    "SubscriptionUnknown",
    "Verdict",
    "attachments",
    "checking",
    "close_webhooks",
    "count_held",
    "held",
    "message_id",
    "positions",
    "publish",
    "recent",
    "redact",
    "redact_these",
    "reports",
    "send",
    "send_mail",
    "senders",
    "stamps",
    "subscriptions",
    "webhooks",
    "without_codes",
]
