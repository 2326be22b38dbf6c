"""Official messages and webhooks: each is written in the transaction that causes it, and sent by a worker afterwards.

Until a gateway for texts and one for e-mails are configured, messages stay in the outbox, where the development mailbox
page shows them.
Webhooks tell programs of others what happened here (`publish`); they are signed, tried for days and can be sent again.
"""

from . import (
    jobs,  # noqa: F401 - whoever imports a domain can emit news for it
    subscriptions,
    webhooks,
)
from .courier import close as close_webhooks
from .events import EVENTS
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
from .rights import count_held, held, redact, redact_these, without_codes
from .signatures import message_id
from .webhooks import publish

__all__ = [
    "EVENTS",
    "Attachment",
    "Attempt",
    "Delivery",
    "DeliveryUnknown",
    "Health",
    "Message",
    "Subscription",
    "SubscriptionInvalid",
    "SubscriptionState",
    "SubscriptionUnknown",
    "attachments",
    "close_webhooks",
    "count_held",
    "held",
    "message_id",
    "publish",
    "recent",
    "redact",
    "redact_these",
    "send",
    "send_mail",
    "subscriptions",
    "webhooks",
    "without_codes",
]
