"""Official messages and webhooks: each is written in the transaction that causes it, and sent by a worker afterwards.

Until a text gateway is configured, messages stay in the outbox and the development mailbox page shows them.
Webhooks tell programs of others what happened here (`publish`); they are signed, tried for days and can be sent again.
"""

from . import (
    jobs,  # noqa: F401 - whoever imports a domain can emit news for it
    subscriptions,
    webhooks,
)
from .courier import close as close_webhooks
from .events import EVENTS
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
from .outbox import recent, send
from .signatures import message_id
from .webhooks import publish

__all__ = [
    "EVENTS",
    "Attempt",
    "Delivery",
    "DeliveryUnknown",
    "Health",
    "Message",
    "Subscription",
    "SubscriptionInvalid",
    "SubscriptionState",
    "SubscriptionUnknown",
    "close_webhooks",
    "message_id",
    "publish",
    "recent",
    "send",
    "subscriptions",
    "webhooks",
]
