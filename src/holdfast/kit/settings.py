"""Settings: read once from the environment; everything has a default that works on a laptop.

Secrets that nobody sets are made at the first start and kept in ``$HOLDFAST_HOME/secrets.json`` (mode 0600).
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import msgspec


class Settings(msgspec.Struct, frozen=True):
    """All that can be set from outside; each field is ``HOLDFAST_<NAME>``."""

    home: Path
    database_url: str = ""
    """Empty: the embedded PostgreSQL under `home`."""
    env: str = "dev"
    """dev, test, drill or prod. The mailbox page and plain-http providers exist only outside prod."""
    base_url: str = "http://127.0.0.1:8000"
    simulator_url: str = "http://127.0.0.1:8090"
    wechatpay_config: str = ""
    """Path of a JSON file with the WeChat Pay merchant's configuration; empty: fetched from the simulator in dev."""
    alipay_config: str = ""
    """The same for Alipay."""
    stripe_config: str = ""
    """The same for cards through Stripe."""
    channels: str = ""
    """Online payment providers to offer, separated by commas (wechatpay, alipay, stripe); empty: all that are configured."""
    provider_patience_s: float = 8.0
    """So long at most a payer's request waits for a provider's answer; then the outcome is unknown and asked about."""
    channel_step_s: float = 20.0
    """A channel that returns after an outage is offered to more payers after each clean pause of so many seconds."""
    resolver_rates: str = ""
    """Questions a second to each provider, such as ``wechatpay=60,alipay=20``; empty: a fifth of what they document."""
    reconciliation_write_off_minor: int = 1_000
    """The largest difference to a provider's bill that one person may write off, in minor units."""
    deferral: str = "outage"
    """When an order may be confirmed before it is paid: never, outage (no online channel answers) or always."""
    deferral_order_minor: int = 100_000
    """The largest order that may be paid later, in minor units."""
    deferral_total_minor: int = 50_000_000
    """The largest sum of all promises to pay that are open at once, in minor units."""
    deferral_per_person: int = 2
    """Orders of one person that may be open promises at once."""
    support: str = ""
    """How a person reaches people, shown on the pages: a telephone number, an address, opening hours."""
    invoice_issuer: str = "document"
    """Who issues invoices: ``document`` writes readable documents; an issuer of the tax authority's is registered by name."""
    invoice_tax_bp: int = 600
    """The rate of value-added tax in the prices, in basis points."""
    seller_title: str = "Holdfast Demonstration Travel"
    """The seller as invoices name it, and its unified social credit code (GB 32100-2015)."""
    seller_code: str = ""
    sms_url: str = ""
    """HTTP gateway that gets ``POST {"to", "text"}`` for each text message; empty: messages stay in the mailbox page."""
    smtp_url: str = ""
    """Mail server, ``smtps://user:password@host:465`` or ``smtp://…:587``; empty: e-mails stay in the mailbox page."""
    mail_from: str = "Holdfast <no-reply@holdfast.example>"
    """Whom e-mails come from."""
    official_domains: str = ""
    """Sites of ours beside that of `base_url`, separated by commas: links in our messages may lead there and below."""
    official_senders: str = ""
    """What our messages come from, as the page for checking them lists it, separated by commas: numbers, addresses, names."""
    message_signature: str = "Holdfast"
    """The name in 【】 that the gateway for texts puts before or behind ours."""
    passkey_domain: str = ""
    """The relying party ID of passkeys (WebAuthn §4): a domain that must never change; empty: the host of `base_url`."""
    oidc_config: str = ""
    """Path of a JSON file with the identity providers people may sign in with; empty: the simulator's outside prod."""
    release: str = ""
    """What this release is called in sign-ins and restrictions; empty: the version of the program."""
    documents_kept_days: int = 30
    """Numbers of documents go so many days after the visit; of an erased person also their last four and blind index."""
    codes_kept_days: int = 7
    """One-time codes, and the messages that brought them."""
    replies_kept_days: int = 30
    """Remembered replies: so long an Idempotency-Key gives the same answer."""
    addresses_kept_days: int = 180
    """Network addresses in the audit trail and of payers (Cybersecurity Law art. 21: six months at least)."""
    cases_kept_days: int = 1095
    """What was written in a case, after it was closed (E-commerce Law art. 31: three years)."""
    feedback_kept_days: int = 365
    """Words people sent from a page, after they were sent. Environment: HOLDFAST_FEEDBACK_KEPT_DAYS."""
    reports_kept_days: int = 180
    """Texts that people reported as false, after they were reported."""
    exports_kept_days: int = 7
    """A copy of somebody's data can be fetched for so long."""
    erasure_window_days: int = 7
    """So long one can change one's mind about an erasure."""
    pool_size: int = 10
    hold_ttl_s: int = 900
    batch_lanes: int = 2
    log_level: str = "INFO"

    @property
    def is_production(self) -> bool:
        return self.env == "prod"


def default_home() -> Path:
    """``var`` beside a checkout's pyproject.toml, else the user's data folder (XDG base directory specification)."""
    checkout = Path(__file__).resolve().parents[3]
    if (checkout / "pyproject.toml").exists():
        return checkout / "var"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "holdfast"


def from_environment(environ: dict[str, str] | os._Environ[str] = os.environ) -> Settings:
    """Settings of this process. ValidationError names the variable that does not fit."""
    given = {
        name: environ[f"HOLDFAST_{name.upper()}"]
        for name in Settings.__struct_fields__
        if environ.get(f"HOLDFAST_{name.upper()}")
    }
    given.setdefault("home", str(default_home()))
    return msgspec.convert(given, Settings, strict=False, dec_hook=lambda kind, value: kind(value))


@cache
def current() -> Settings:
    """The settings of this process, read once."""
    return from_environment()
