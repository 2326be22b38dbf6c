"""E-mail addresses: forgiving to read, strict about what no message can reach."""

from __future__ import annotations

import re

from .findings import Finding, finding, visible

EMAIL_LENGTH_MAX = 254
"""RFC 5321 §4.5.3.1.3, less the angle brackets."""
_LOCAL = re.compile(r"[^\s@\"(),:;<>\[\\\]\x00-\x1f\x7f]{1,64}").fullmatch
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?").fullmatch


def check_email(raw: str, field: str = "email") -> tuple[str | None, list[Finding]]:
    """The address as it is stored: NFKC, small letters, the domain as names are looked up (IDNA). A code proves the rest."""
    address = visible(raw[: 4 * EMAIL_LENGTH_MAX]).strip().lower()
    if not address:
        return None, [finding(field, "EMAIL_EMPTY")]
    local, at, domain = address.rpartition("@")
    try:
        ascii_domain = domain.encode("idna").decode() if domain else ""
    except UnicodeError:
        ascii_domain = ""
    labels = ascii_domain.split(".")
    fine = at and _LOCAL(local) and len(labels) >= 2 and all(map(_LABEL, labels)) and not labels[-1].isdigit()
    if not fine or local.startswith(".") or local.endswith(".") or ".." in local:
        return None, [finding(field, "EMAIL_FORM")]
    address = f"{local}@{ascii_domain}"
    return (address, []) if len(address) <= EMAIL_LENGTH_MAX else (None, [finding(field, "EMAIL_FORM")])


def mask_email(address: str) -> str:
    """``m***@example.org``."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}***@{domain}"
