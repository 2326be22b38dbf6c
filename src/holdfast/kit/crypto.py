"""Field encryption, blind indexes, signatures and the keys behind them.

AES-256-GCM per field (NIST SP 800-38D) with the column as associated data; HMAC-SHA-256 blind indexes with a key per
purpose (HKDF, RFC 5869); Ed25519 (RFC 8032) for what others must be able to verify offline.
Ciphertext layout: key number (1 byte) · nonce (12) · ciphertext and tag.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
from functools import cache
from pathlib import Path

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from . import settings


class Undecipherable(Exception):
    """The stored bytes were not written with our key for this column."""


@cache
def _secrets() -> dict[str, str]:
    """Master secrets by name, hex. From HOLDFAST_SECRETS (JSON) or made once and kept beside the database."""
    given = os.environ.get("HOLDFAST_SECRETS")
    if given:
        return dict(json.loads(given))
    path = settings.current().home / "secrets.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        fresh = {name: secrets.token_hex(32) for name in ("fields", "index", "tickets", "links")}
        temporary = path.with_suffix(f".{os.getpid()}.{secrets.token_hex(4)}")
        temporary.touch(mode=0o600)
        temporary.write_text(json.dumps(fresh))
        try:
            os.link(temporary, path)  # the first of several processes wins; nobody overwrites
        except FileExistsError:
            pass
        finally:
            temporary.unlink()
    return dict(json.loads(Path(path).read_text()))


@cache
def derived(secret: str, purpose: str) -> bytes:
    """A 32-byte key for one purpose."""
    return HKDF(hashes.SHA256(), 32, salt=None, info=purpose.encode()).derive(bytes.fromhex(_secrets()[secret]))


@cache
def _field_cipher(column: str) -> AESGCM:
    return AESGCM(derived("fields", column))


def seal(column: str, text: str) -> bytes:
    """`text` encrypted for one column, such as ``orders.travellers.name``."""
    nonce = os.urandom(12)
    return b"\x01" + nonce + _field_cipher(column).encrypt(nonce, text.encode(), column.encode())


def unseal(column: str, sealed: bytes) -> str:
    """The text again. Undecipherable when it was not sealed for this column with our key."""
    try:
        if sealed[:1] != b"\x01":
            raise Undecipherable(column)
        return _field_cipher(column).decrypt(sealed[1:13], sealed[13:], column.encode()).decode()
    except (InvalidTag, ValueError) as error:
        raise Undecipherable(column) from error


def blind_index(purpose: str, text: str) -> bytes:
    """32 bytes that are equal for equal texts and tell nothing else to whoever lacks the key."""
    return hmac.digest(derived("index", purpose), text.encode(), "sha256")


def digest(text: str | bytes) -> bytes:
    """SHA-256; for tokens that are random already (session tokens, request bodies)."""
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).digest()


def link_token(purpose: str, subject: str) -> str:
    """A signature for a link that opens one thing: 22 characters, 128 bits."""
    return (
        base64.urlsafe_b64encode(hmac.digest(derived("links", purpose), subject.encode(), "sha256")[:16])
        .decode()
        .rstrip("=")
    )


def link_token_fits(purpose: str, subject: str, token: str) -> bool:
    """Whether the token was made by us for this subject; constant time."""
    return hmac.compare_digest(link_token(purpose, subject).encode(), token.encode("utf-8", "replace"))


@cache
def ticket_key() -> Ed25519PrivateKey:
    """The key that signs tickets."""
    return Ed25519PrivateKey.from_private_bytes(derived("tickets", "ed25519"))


def public_bytes(key: Ed25519PublicKey) -> bytes:
    """The raw 32 bytes of a public key."""
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def verifies(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether an Ed25519 signature fits; false also for keys and signatures of wrong length."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
