"""The simulator's identity: one app with its key, the account it collects for, and Alipay's own key."""

from __future__ import annotations

import base64
import secrets
import string

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)


class Identity(msgspec.Struct, frozen=True):
    """Made once, kept in the memory."""

    app_id: str
    seller_id: str
    app_key_pem: str
    alipay_key_pem: str
    stranger_key_pem: str
    """Of somebody who forges callbacks."""


def digits(count: int) -> str:
    return "".join(secrets.choice(string.digits) for _ in range(count))


def new_identity() -> Identity:
    """Fresh keys and numbers."""
    return Identity(f"2021{digits(12)}", f"2088{digits(12)}", _new_key(), _new_key(), _new_key())


def _new_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _private(pem: str) -> rsa.RSAPrivateKey:
    key = load_pem_private_key(pem.encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


def _signature(key: rsa.RSAPrivateKey, content: bytes) -> str:
    return base64.b64encode(key.sign(content, PKCS1v15(), hashes.SHA256())).decode()


class Keys:
    """An identity, ready to sign and verify."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self._app = _private(identity.app_key_pem).public_key()
        self._alipay, self._stranger = _private(identity.alipay_key_pem), _private(identity.stranger_key_pem)

    def config(self, gateway: str) -> dict[str, object]:
        """What a merchant's adapter must know."""
        public = self._alipay.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return {
            "app_id": self.identity.app_id,
            "seller_id": self.identity.seller_id,
            "private_key_pem": self.identity.app_key_pem,
            "alipay_public_key_pem": public.decode(),
            "gateway": gateway,
        }

    def signature(self, content: bytes, *, spoil: bool = False) -> str:
        """Alipay's; `spoil` signs something else."""
        return _signature(self._alipay, content + b"!" if spoil else content)

    def forged(self, content: bytes) -> str:
        """A stranger's."""
        return _signature(self._stranger, content)

    def app_signed(self, content: bytes, signature: str) -> bool:
        """Whether the app's key made this signature."""
        try:
            self._app.verify(base64.b64decode(signature, validate=True), content, PKCS1v15(), hashes.SHA256())
        except (InvalidSignature, ValueError):
            return False
        return True
