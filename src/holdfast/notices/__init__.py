"""Official messages: each is written to the outbox in the transaction that causes it, and sent by a worker afterwards.

Until a text gateway is configured, messages stay in the outbox and the development mailbox page shows them.
"""

from . import jobs  # noqa: F401 - whoever imports a domain can emit news for it
from .model import Message
from .outbox import recent, send

__all__ = ["Message", "recent", "send"]
