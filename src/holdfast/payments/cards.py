"""Cards: what the payer's browser needs to show the card service's own fields. Card numbers never come near us."""

from __future__ import annotations

from urllib.parse import urlsplit

import msgspec

from . import channels
from .model import AttemptState, PaymentView
from .providers.stripe import StripeCards

SCRIPT_ORIGIN = "https://js.stripe.com"


class CardForm(msgspec.Struct, frozen=True):
    """One payment's fields. `origins`: whom the page's script, its calls and its frames may reach (Stripe's CSP guide)."""

    client_secret: str
    publishable_key: str
    script_url: str
    script_origins: tuple[str, ...]
    connect_origins: tuple[str, ...]
    frame_origins: tuple[str, ...]

    def __repr__(self) -> str:
        return f"CardForm(script_url={self.script_url!r}, secret hidden)"


async def card_form(view: PaymentView) -> CardForm | None:
    """The form of a card payment that waits for its payer; None for any other. ChannelUnavailable as `channels` says."""
    if view.provider != "stripe" or view.attempt_state is not AttemptState.AWAITING_USER or not view.client_secret:
        return None
    adapter = await channels.current().get("stripe")
    assert isinstance(adapter, StripeCards)
    config = adapter.config
    script, api = origin(config.script_url), origin(config.api_base)
    theirs = script == SCRIPT_ORIGIN
    return CardForm(
        client_secret=view.client_secret,
        publishable_key=config.publishable_key,
        script_url=config.script_url,
        script_origins=(script, "https://*.js.stripe.com") if theirs else (script,),
        connect_origins=(api, script),
        frame_origins=(script, "https://*.js.stripe.com", "https://hooks.stripe.com") if theirs else (script,),
    )


def origin(url: str) -> str:
    """``https://js.stripe.com`` of ``https://js.stripe.com/v3/``."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
