"""The simulator's identity: one merchant, and a platform with a certificate key and a public key side by side."""

from __future__ import annotations

import base64
import secrets
import string
import time

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from holdfast.kit import clock

SCHEME = "WECHATPAY2-SHA256-RSA2048"


class Identity(msgspec.Struct, frozen=True):
    """Made once, kept in the state file. The merchant's certificate is reduced to its serial and key."""

    mchid: str
    appid: str
    merchant_serial: str
    merchant_key_pem: str
    apiv3_key: str
    platform_keys_pem: dict[str, str]
    """Serial → private key; one ``PUB_KEY_ID_…`` and one certificate serial."""


def new_identity() -> Identity:
    """Fresh keys and numbers."""
    digits = "".join(secrets.choice(string.digits) for _ in range(28))
    return Identity(
        mchid="19" + digits[:8],
        appid="wx" + secrets.token_hex(8),
        merchant_serial=secrets.token_hex(20).upper(),
        merchant_key_pem=_new_key(),
        apiv3_key=secrets.token_hex(16),
        platform_keys_pem={f"PUB_KEY_ID_01{digits}": _new_key(), "7" + secrets.token_hex(20)[1:].upper(): _new_key()},
    )


def _new_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _private(pem: str) -> rsa.RSAPrivateKey:
    key = load_pem_private_key(pem.encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


class Keys:
    """An identity, ready to sign, verify and seal."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self._merchant = _private(identity.merchant_key_pem).public_key()
        self._platform = {serial: _private(pem) for serial, pem in identity.platform_keys_pem.items()}
        self.public_key_id = next(serial for serial in self._platform if serial.startswith("PUB_KEY_ID_"))
        self.certificate_serial = next(serial for serial in self._platform if serial != self.public_key_id)
        self._cipher = AESGCM(identity.apiv3_key.encode())

    def config(self, base_url: str) -> dict[str, object]:
        """What a merchant's adapter must know; `WeChatPayConfig` loads it."""
        identity = self.identity
        public = {
            serial: key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
            for serial, key in self._platform.items()
        }
        return {
            "mchid": identity.mchid,
            "appid": identity.appid,
            "serial": identity.merchant_serial,
            "private_key_pem": identity.merchant_key_pem,
            "apiv3_key": identity.apiv3_key,
            "platform_keys": public,
            "base_url": base_url,
        }

    def signing_serial(self, asked: str) -> str:
        """The key to sign with: the one a merchant asked for by ``Wechatpay-Serial``, else the certificate's."""
        return asked if asked in self._platform else self.certificate_serial

    def platform_headers(self, serial: str, body: bytes, *, spoil: bool = False) -> dict[str, str]:
        """The headers that sign an answer or a callback; `spoil` signs something else."""
        timestamp, nonce = str(int(clock.now().timestamp())), secrets.token_hex(16)
        message = f"{timestamp}\n{nonce}\n".encode() + body + (b"!\n" if spoil else b"\n")
        return {
            "Request-ID": f"{time.time_ns():X}-0",
            "Wechatpay-Timestamp": timestamp,
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Serial": serial,
            "Wechatpay-Signature-Type": SCHEME,
            "Wechatpay-Signature": self._signature(serial, message),
        }

    def _signature(self, serial: str, message: bytes) -> str:
        return base64.b64encode(self._platform[serial].sign(message, PKCS1v15(), hashes.SHA256())).decode()

    def merchant_signed(self, message: bytes, signature: str) -> bool:
        """Whether the merchant's key made this signature."""
        try:
            self._merchant.verify(base64.b64decode(signature, validate=True), message, PKCS1v15(), hashes.SHA256())
        except (InvalidSignature, ValueError):
            return False
        return True

    def sealed(self, original_type: str, plain: bytes) -> dict[str, str]:
        """The ``resource`` of a callback."""
        nonce = secrets.token_hex(6)
        ciphertext = self._cipher.encrypt(nonce.encode(), plain, original_type.encode())
        return {
            "original_type": original_type,
            "algorithm": "AEAD_AES_256_GCM",
            "ciphertext": base64.b64encode(ciphertext).decode(),
            "associated_data": original_type,
            "nonce": nonce,
        }
