"""Reaching a person: what concerns an account goes to its phones, and to its e-mail addresses when it has none."""

from __future__ import annotations

from uuid import UUID

from holdfast import notices
from holdfast.kit import crypto
from holdfast.kit.db import Tx

from . import credentials_store


async def tell(tx: Tx, account_id: UUID, template: str, **values: str) -> int:
    """Sends a template to every phone of an account, else to every address; how many messages that were."""
    found = await credentials_store.sealed_identifiers(tx, account_id)
    kind = "phone" if any(one.kind == "phone" for one in found) else "email"
    locale = await credentials_store.locale_of(tx, account_id)
    reached = [one for one in found if one.kind == kind]
    for one in reached:
        to = crypto.unseal("accounts.identifiers.value", bytes(one.value))
        if kind == "phone":
            await notices.send(tx, to, one.masked, template, locale, **values)
        else:
            await notices.send_mail(tx, to, one.masked, template, locale, attachments=(), **values)
    return len(reached)
