"""What identifies an account: phones, e-mail addresses, identities elsewhere; adding them and taking them off again.

Each is proven before it is added. One that belongs to another account is never taken over: joining the two accounts is another
act, with a preview. The last way in stays. Whoever owns the account hears of every change.
"""

from __future__ import annotations

from uuid import UUID

from holdfast import notices
from holdfast.kit import audit, clock, crypto, i18n, ids
from holdfast.kit.actor import Actor
from holdfast.kit.db import Db, ReadTx, Tx, lock
from holdfast.kit.problems import Problem

from . import attempts_store, codes, passwords, sessions, store
from . import credentials_store as kept
from .credentials_model import Credentials, CredentialUnknown, IdentifierTaken, IdentifierYours, LastWayIn
from .credentials_store import Sealed
from .freshness import require_fresh
from .model import Challenge, Session
from .places import Place

ADD = "add"
WORDS = {
    "phone": "phone",
    "email": "e-mail address",
    "external": "sign-in elsewhere",
    "passkey": "passkey",
    "password": "password",
}
"""What messages call a credential; English, translated."""


def opened(found: Sealed) -> str:
    """The number or address itself."""
    return crypto.unseal("accounts.identifiers.value", bytes(found.value))


async def credentials(tx: ReadTx, account_id: UUID) -> Credentials:
    """All that lets a person into an account."""
    password = await kept.password_of(tx, account_id)
    return Credentials(
        await kept.identifiers(tx, account_id), await kept.passkeys(tx, account_id), password[1] if password else None
    )


async def request_identifier_code(
    db: Db, session: Session, channel: codes.Channel, contact: str, locale: str, place: Place
) -> Challenge:
    """Sends a code to a phone or an address that shall be added. TooManyCodes. Whether it is somebody else's is not told yet."""
    return await codes.request_code(
        db, contact, locale, place.source, channel=channel, purpose=f"{ADD}:{session.account_id}", device=place.token
    )


async def add_identifier(
    db: Db, session: Session, channel: codes.Channel, contact: str, code: str, place: Place
) -> None:
    """Adds a phone or an address that was proven by a code.

    FreshProofNeeded, CodeWrong, CodeExpired, IdentifierYours; IdentifierTaken: join the accounts instead.
    """
    refusal = await db.run(_add_proven, session, channel, contact, code, place)
    if refusal:
        raise refusal


async def _add_proven(
    tx: Tx, session: Session, channel: codes.Channel, contact: str, code: str, place: Place
) -> Problem | None:
    require_fresh(session)
    known = await attempts_store.is_known(tx, place.key, session.account_id)
    refusal = await codes.use_code(
        tx, channel, contact, code, purpose=f"{ADD}:{session.account_id}", place=place, known=known
    )
    return refusal or await add_proven(tx, session.account_id, channel, contact, codes.masked(channel, contact))


async def add_proven(tx: Tx, account_id: UUID, kind: str, value: str, masked: str) -> Problem | None:
    """Adds what has just been proven; IdentifierYours and IdentifierTaken are returned, so that the proof stays used up."""
    index = crypto.blind_index(kind, value)
    await lock(tx, f"accounts.identifiers:{kind}:{index.hex()}")
    owner = await store.account_of(tx, kind, index)
    if owner is not None:
        return IdentifierYours() if owner == account_id else IdentifierTaken(kind=kind, masked=masked)
    await sessions.identify(tx, account_id, kind, value, masked)
    await tell(tx, account_id, "credential-added", kind, masked)
    return None


async def remove_identifier(tx: Tx, session: Session, identifier_id: UUID) -> None:
    """It opens the account no more and may be added to another. FreshProofNeeded, LastWayIn, CredentialUnknown."""
    require_fresh(session)
    await keep_a_way_in(tx, session.account_id)
    found = [one for one in await kept.identifiers(tx, session.account_id) if one.id == identifier_id]
    if not found:
        raise CredentialUnknown
    await tell(tx, session.account_id, "credential-removed", found[0].kind, found[0].masked)
    await kept.delete_identifier(tx, session.account_id, identifier_id)


async def keep_a_way_in(tx: Tx, account_id: UUID) -> None:
    """Stands before every removal: LastWayIn when it would leave nobody in."""
    await kept.lock_account(tx, account_id)
    if (await credentials(tx, account_id)).ways < 2:
        raise LastWayIn


async def set_password(db: Db, session: Session, password: str) -> None:
    """A first or a new password. FreshProofNeeded, PasswordWeak."""
    require_fresh(session)
    own = await db.read(kept.sealed_identifiers, session.account_id)
    words = [word for one in own if one.kind != "external" for word in _words_of(opened(one))]
    hashed = await passwords.hashed(passwords.check(password, words))
    await db.run(_set_password, session.account_id, hashed)


def _words_of(contact: str) -> list[str]:
    """A number without its country code, the two halves of an address."""
    return contact.split("@") if "@" in contact else [contact.removeprefix("+86").removeprefix("+")]


async def _set_password(tx: Tx, account_id: UUID, password_hash: str) -> None:
    await kept.set_password(tx, account_id, password_hash, clock.now())
    await tell(tx, account_id, "credential-added", "password", "")


async def remove_password(tx: Tx, session: Session) -> None:
    """No password opens the account any more. FreshProofNeeded, CredentialUnknown."""
    require_fresh(session)
    if not await kept.delete_password(tx, session.account_id):
        raise CredentialUnknown
    await tell(tx, session.account_id, "credential-removed", "password", "")


async def tell(tx: Tx, account_id: UUID, template: str, kind: str, shown: str) -> None:
    """The audit trail, and a message to every phone and address of the account: a thief cannot do it in silence."""
    await audit.record(
        tx, Actor("traveller", account_id), f"account.{template}", f"account:{account_id}", kind=kind, what=shown
    )
    locale = await kept.locale_of(tx, account_id)
    what = f"{i18n.translate(WORDS[kind], locale)} {shown}".strip()
    for found in await kept.sealed_identifiers(tx, account_id):
        if found.kind != "external":
            send = notices.send if found.kind == "phone" else notices.send_mail
            await send(tx, opened(found), found.masked, template, locale, what=what)


async def open_account(tx: Tx, locale: str = "zh") -> UUID:
    """An account that nothing identifies yet: of a partner, or of somebody whom staff serve. Its id."""
    account_id = ids.uuid7()
    await store.insert_account(tx, account_id, locale, clock.now())
    return account_id
