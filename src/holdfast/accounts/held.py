"""What accounts itself holds about a person, in a copy of their data and in an erasure; messages too, which know no accounts.

Messages are those to a phone or address since it was proven: who had the number before is somebody else.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from holdfast import notices
from holdfast.kit import crypto, retention
from holdfast.kit.db import ReadTx, Tx

from . import codes, consents_store, erasure_store, exports_store, links
from . import held_store as store
from .held_model import (
    Contact,
    HeldAccount,
    HeldAct,
    HeldConsent,
    HeldDevice,
    HeldErasure,
    HeldExport,
    HeldIdentifier,
    HeldLink,
    HeldMessage,
    HeldPasskey,
    HeldPassword,
    HeldRestriction,
    HeldSession,
    HeldSignIn,
)
from .rights import eraser, exported, foreseen
from .rights_model import Erased, Foreseen, Progress

NETWORK_LOGS = "Cybersecurity Law, article 21: logs are kept for at least six months."
PROOF = (
    "Personal Information Protection Law, articles 14 and 69: whoever handles data must be able to show the consent."
)
STAYS_CONSISTENT = (
    "E-commerce Law, article 31: the transactions of these accounts must stay complete; nothing here names anybody."
)

exported("accounts", HeldAccount)(store.accounts)
exported("passkeys", HeldPasskey)(store.passkeys)
exported("passwords", HeldPassword)(store.passwords)
exported("sessions", HeldSession)(store.sessions)
exported("devices", HeldDevice)(store.devices)
exported("sign_ins", HeldSignIn)(store.sign_ins)
exported("restrictions", HeldRestriction)(store.restrictions)
exported("links", HeldLink)(store.links)
exported("audit", HeldAct)(store.acts)


@exported("identifiers", HeldIdentifier)
async def identifiers(tx: ReadTx, accounts: Sequence[UUID]) -> list[HeldIdentifier]:
    """In clear: they are the owner's."""
    return [
        HeldIdentifier(
            one.account_id, one.kind, crypto.unseal("accounts.identifiers.value", one.value), one.verified_at
        )
        for one in await store.contacts(tx, accounts)
    ]


@exported("consents", HeldConsent)
async def consents(tx: ReadTx, accounts: Sequence[UUID]) -> list[HeldConsent]:
    """Every consent that was ever given."""
    return [
        HeldConsent(
            one.account_id, one.purpose, one.version, one.text_digest.hex(), one.place, one.given_at, one.withdrawn_at
        )
        for one in await consents_store.of_accounts(tx, accounts)
    ]


@exported("exports", HeldExport)
async def exports(tx: ReadTx, accounts: Sequence[UUID]) -> list[HeldExport]:
    """Copies that were asked for; not their content."""
    return [
        HeldExport(one.account_id, one.state, one.asked_at, one.built_at, one.expires_at, one.fetched)
        for one in await exports_store.of_accounts(tx, accounts)
    ]


@exported("erasures", HeldErasure)
async def erasures(tx: ReadTx, accounts: Sequence[UUID]) -> list[HeldErasure]:
    """Erasures that were asked for."""
    return [
        HeldErasure(one.account_id, one.scope, one.state, one.asked_at, one.due_at, one.finished_at)
        for one in await erasure_store.of_accounts(tx, accounts)
    ]


def held_message(message: notices.Message) -> HeldMessage:
    """A message as a copy tells it."""
    fields = (message.channel, message.recipient, message.template, message.subject)
    return HeldMessage(*fields, notices.without_codes(message), message.created_at, message.sent_at)


@exported("messages", HeldMessage)
async def messages(tx: ReadTx, accounts: Sequence[UUID]) -> list[HeldMessage]:
    """To what identifies the accounts."""
    return [held_message(message) for message in await own_messages(tx, accounts)]


async def own_messages(tx: ReadTx, accounts: Sequence[UUID]) -> list[notices.Message]:
    """The same as notices has them, oldest first."""
    found = [
        message
        for one in await store.contacts(tx, accounts)
        for message in await notices.held(tx, [one.value_index], since=one.verified_at - codes.CODE_TTL)
    ]
    return sorted(found, key=lambda message: message.created_at)


async def reached(tx: ReadTx, account_id: UUID) -> dict[bytes, datetime]:
    """Blind indexes of the phones and addresses of the person behind an account, and since when each is theirs."""
    found = await store.contacts(tx, await links.members(tx, account_id))
    return {one.value_index: one.verified_at - codes.CODE_TTL for one in found}


@foreseen("accounts")
async def foresee(tx: ReadTx, accounts: Sequence[UUID], now: datetime) -> list[Foreseen]:
    """Whatever lets somebody in or reaches them goes; proofs of what was agreed stay without a name."""
    count = await store.counts(tx, accounts)
    reached = [one.value_index for one in await store.contacts(tx, accounts)]
    return [
        Foreseen("identifiers", count["identifiers"], "Phones, e-mail addresses and identities elsewhere go; they are free for a new account."),
        Foreseen("credentials", count["credentials"], "Passwords and passkeys go."),
        Foreseen("sessions", count["sessions"], "You are signed out everywhere; devices and sign-ins go."),
        Foreseen("messages", await notices.count_held(tx, reached), "Text and recipient of messages go; that one was sent stays."),
        Foreseen("exports", count["exports"], "Copies of your data that you have not fetched go."),
        Foreseen("accounts", len(accounts), "The account stays as a number without anybody behind it.", STAYS_CONSISTENT),
        Foreseen("consents", count["consents"], "What you agreed to and took back stays, with the account's number.", PROOF),
        Foreseen("audit", await store.audit_lines(tx, accounts), "The audit trail stays, with the account's number.", NETWORK_LOGS),
    ]  # fmt: skip


async def forget(tx: Tx, accounts: Sequence[UUID], at: datetime) -> tuple[list[bytes], dict[str, int]]:
    """Closes accounts: nobody gets in any more. What identified them, as blind indexes, and how much went."""
    reached = [one.value_index for one in await store.contacts(tx, accounts)]
    done = await store.forget(tx, accounts, reached)
    done["exports"] = await exports_store.end_of(tx, accounts)
    done["replies"] = await retention.forget_replies_of(tx, accounts)
    await consents_store.withdraw_all(tx, accounts, at)
    await store.close(tx, accounts, at)
    return reached, done


@eraser("messages")
async def erase_messages(tx: Tx, erased: Erased, limit: int) -> Progress:
    """Messages to what identified the accounts, up to their closing; those still on their way must arrive first."""
    done = await notices.redact(tx, erased.contacts, erased.closed_at, limit)
    return Progress(done, 0 if done else await notices.count_held(tx, erased.contacts, until=erased.closed_at))


async def contacts(tx: ReadTx, accounts: Sequence[UUID]) -> list[Contact]:
    """What identifies the accounts, sealed, with blind indexes."""
    return await store.contacts(tx, accounts)


async def about(tx: ReadTx, accounts: Sequence[UUID], subjects: Sequence[str]) -> list[HeldAct]:
    """The audit trail about other things of these accounts, for the domains that own them; what their owners did is told already."""
    return await store.lines_of_subjects(tx, accounts, subjects)


retention.rule("one-time codes", "codes_kept_days")(store.forget_codes)
retention.rule("sessions that are over", "addresses_kept_days")(store.forget_sessions)
