"""Passkeys (WebAuthn level 3): a key pair that a phone or computer keeps, unlocked with its screen lock, bound to our domain.

Nothing is stored until one is used: a challenge carries its purpose, its end and our signature, and counts once. Travellers and
staff have passkeys of the same kind and never each other's.
"""

from __future__ import annotations

import hmac
import ipaddress
import os
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
import webauthn
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from holdfast.kit import clock, crypto, ids, settings
from holdfast.kit.db import ReadTx, Tx

from . import credentials_store as store
from . import verification
from .credentials_model import PasskeyKnown, PasskeyRefused

Purpose = Literal["sign-in", "register", "confirm", "staff-sign-in", "staff-register"]
CHALLENGE_TTL = timedelta(minutes=10)
ANSWER_BYTES_MAX = 32 * 1024
NAME_LENGTH_MAX = 60
_KNOWN_TRANSPORTS = frozenset(one.value for one in AuthenticatorTransport)


class Owner(msgspec.Struct, frozen=True):
    """Whose passkey it is: an account's or a member of staff's."""

    account_id: UUID | None = None
    staff_id: UUID | None = None

    @property
    def handle(self) -> bytes:
        """The user handle: 32 bytes that tell nothing about the person (WebAuthn §14.6.1)."""
        whose = f"account:{self.account_id}" if self.account_id else f"staff:{self.staff_id}"
        return crypto.blind_index("passkey-user", whose)


class Proof(msgspec.Struct, frozen=True):
    """A passkey has answered. `subject` is the blind index of the credential."""

    owner: Owner
    passkey_id: UUID
    subject: bytes


def domain() -> str:
    """The relying party ID: the configured domain, else the host of our address; a host that is a number is localhost."""
    given = settings.current()
    host = given.passkey_domain or urlsplit(given.base_url).hostname or "localhost"
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host
    return "localhost"


def origins() -> list[str]:
    """Where a page that asks may come from: our address; on one's own machine also by its name."""
    parts = urlsplit(settings.current().base_url)
    own = f"{parts.scheme}://{parts.netloc}"
    port = f":{parts.port}" if parts.port else ""
    return [own, f"{parts.scheme}://localhost{port}"] if domain() == "localhost" else [own]


def challenge(purpose: Purpose, owner: Owner | None = None) -> bytes:
    """52 bytes: 16 random, 4 of the end, 32 of our signature over both, the purpose and for whom it is."""
    ends = int((clock.now() + CHALLENGE_TTL).timestamp())
    body = os.urandom(16) + ends.to_bytes(4)
    return body + _signature(body, purpose, owner)


def _signature(body: bytes, purpose: Purpose, owner: Owner | None) -> bytes:
    about = f"{purpose}|".encode() + (owner.handle if owner else b"")
    return hmac.digest(crypto.derived("links", "passkey-challenge"), body + about, "sha256")


def creation_options(owner: Owner, purpose: Purpose, name: str, known: list[bytes]) -> str:
    """What the browser makes a passkey from, as JSON; `name` is shown by the device, `known` are those there are."""
    options = webauthn.generate_registration_options(
        rp_id=domain(),
        rp_name="Holdfast",
        user_id=owner.handle,
        user_name=name,
        challenge=challenge(purpose, owner),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=one) for one in known],
    )
    return webauthn.options_to_json(options)


def request_options(purpose: Purpose, owner: Owner | None = None, known: list[bytes] | None = None) -> str:
    """What the browser asks a passkey with, as JSON. Without `known` the device offers all it has for us."""
    options = webauthn.generate_authentication_options(
        rp_id=domain(),
        challenge=challenge(purpose, owner),
        allow_credentials=[PublicKeyCredentialDescriptor(id=one) for one in known or []],
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return webauthn.options_to_json(options)


async def keep(tx: Tx, owner: Owner, purpose: Purpose, answer: str, name: str) -> UUID:
    """Keeps the passkey that a browser made for us; its id. PasskeyRefused, PasskeyKnown."""
    given = _read(answer)
    asked = await _spend(tx, given, purpose, owner)
    try:
        made = webauthn.verify_registration_response(
            credential=given, expected_challenge=asked, expected_rp_id=domain(), expected_origin=origins(),
            require_user_verification=True,
        )  # fmt: skip
    except Exception as error:  # whatever the library meets in what strangers send, it is no passkey of ours
        raise PasskeyRefused from error
    told = given["response"].get("transports")
    passkey_id, transports = ids.uuid7(), told if isinstance(told, list) else []
    kept = await store.insert_passkey(
        tx, passkey_id=passkey_id, account_id=owner.account_id, staff_id=owner.staff_id, credential_id=made.credential_id,
        public_key=made.credential_public_key, sign_count=made.sign_count,
        transports=sorted({str(one) for one in transports} & _KNOWN_TRANSPORTS), synced=made.credential_backed_up,
        name=" ".join(name.split())[:NAME_LENGTH_MAX] or "?", at=clock.now(),
    )  # fmt: skip
    if not kept:
        raise PasskeyKnown
    return passkey_id


async def prove(tx: Tx, purpose: Purpose, answer: str, owner: Owner | None = None) -> Proof | UUID | None:
    """Whose passkey answered. On failure the account it belongs to, if it is one we know, and None otherwise.

    A failure is returned, so that the attempt can be written down. With `owner`, another's passkey does not count.
    """
    try:
        given = _read(answer)
        credential_id = base64url_to_bytes(str(given.get("id", "")))
        stored = await store.passkey(tx, credential_id)
        asked = await _spend(tx, given, purpose, owner)
    except (PasskeyRefused, ValueError):
        return None
    if stored is None:
        return None
    whose = Owner(stored.account_id, stored.staff_id)
    if not _is_of(given, whose) or owner not in (None, whose) or not verification.stands():
        return stored.account_id
    seen = _verified(given, stored, asked)
    if seen is None:
        return stored.account_id
    await store.use_passkey(tx, stored.id, seen[0], synced=seen[1], at=clock.now())
    return Proof(whose, stored.id, crypto.blind_index("passkey", credential_id.hex()))


def _is_of(given: dict[str, Any], whose: Owner) -> bool:
    """The user handle, where the device tells it, is that of the owner (WebAuthn §7.2 step 6)."""
    handle = given["response"].get("userHandle")
    return not handle or handle == bytes_to_base64url(whose.handle)


def _verified(given: dict[str, Any], stored: store.StoredPasskey, asked: bytes) -> tuple[int, bool] | None:
    """The counter and whether it is synced, when the signature stands. A counter that went back is a copied key."""
    try:
        seen = webauthn.verify_authentication_response(
            credential=given, expected_challenge=asked, expected_rp_id=domain(), expected_origin=origins(),
            credential_public_key=bytes(stored.public_key), credential_current_sign_count=stored.sign_count,
            require_user_verification=True,
        )  # fmt: skip
    except Exception:  # see above
        return None
    return seen.new_sign_count, seen.credential_backed_up


def _read(answer: str) -> dict[str, Any]:
    """What the browser sent. PasskeyRefused for what is none."""
    if len(answer) > ANSWER_BYTES_MAX:
        raise PasskeyRefused
    try:
        given = msgspec.json.decode(answer, type=dict[str, Any])
        response = given.get("response")
    except (msgspec.DecodeError, RecursionError) as error:
        raise PasskeyRefused from error
    if not isinstance(response, dict):
        raise PasskeyRefused
    return given


async def _spend(tx: Tx, given: dict[str, Any], purpose: Purpose, owner: Owner | None) -> bytes:
    """The challenge that was answered, if it is ours, of this purpose, not too old, and answered for the first time."""
    try:
        told = msgspec.json.decode(
            base64url_to_bytes(str(given["response"].get("clientDataJSON", ""))), type=dict[str, Any]
        )
        asked = base64url_to_bytes(str(told.get("challenge", "")))
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise PasskeyRefused from error
    body, signature = asked[:20], asked[20:]
    if not hmac.compare_digest(signature, _signature(body, purpose, owner)):
        raise PasskeyRefused
    ends = datetime.fromtimestamp(int.from_bytes(body[16:]), UTC)
    if ends <= clock.now() or not await store.spend_challenge(tx, crypto.digest(asked), ends):
        raise PasskeyRefused
    return asked


async def known_to(tx: ReadTx, owner: Owner) -> list[bytes]:
    """The credential ids of the passkeys somebody has."""
    return await store.passkey_ids(tx, owner.account_id, owner.staff_id)
