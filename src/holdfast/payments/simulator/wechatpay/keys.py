"""The identity of the simulated WeChat Pay: one merchant, and a platform with certificates and a public key side by side."""

from __future__ import annotations

import base64
import binascii
import secrets
import string
import time
from datetime import timedelta

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP, PKCS1v15
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from holdfast.kit import clock
from holdfast.payments.simulator import times

SCHEME = "WECHATPAY2-SHA256-RSA2048"
PUBLIC_KEY, CERTIFICATE = "public key", "certificate"
"""The two ways a platform may sign: as the merchant asked when it placed the order."""
OVERLAP_S = 86400
"""For so long an old certificate is announced, and signs for whoever asks for it, beside its successor."""
_PREFIX = "PUB_KEY_ID_"


class Identity(msgspec.Struct, frozen=True):
    """Made once, kept in the state file. The merchant's certificate is reduced to its serial and key."""

    mchid: str
    appid: str
    merchant_serial: str
    merchant_key_pem: str
    apiv3_key: str
    platform_keys_pem: dict[str, str]
    """Serial → private key; one ``PUB_KEY_ID_…``, then the certificates, the newest last."""
    certificates_pem: dict[str, str]
    """Serial → certificate."""
    retired_at: dict[str, float] = {}
    """Serial of a certificate that was replaced → when it ceases to be valid."""


def new_identity() -> Identity:
    """Fresh keys and numbers."""
    digits = "".join(secrets.choice(string.digits) for _ in range(28))
    serial, key, certificate = _new_certificate()
    return Identity(
        mchid="19" + digits[:8],
        appid="wx" + secrets.token_hex(8),
        merchant_serial=secrets.token_hex(20).upper(),
        merchant_key_pem=_pem(_new_key()),
        apiv3_key=secrets.token_hex(16),
        platform_keys_pem={f"{_PREFIX}01{digits}": _pem(_new_key()), serial: key},
        certificates_pem={serial: certificate},
    )


def rotated(identity: Identity, now: float) -> Identity:
    """The identity with a new certificate; the present ones are valid for a while. What was over is forgotten."""
    retired = {serial: identity.retired_at.get(serial, now + OVERLAP_S) for serial in identity.certificates_pem}
    kept = {serial: until for serial, until in retired.items() if until > now}
    serial, key, certificate = _new_certificate()
    keys = {name: pem for name, pem in identity.platform_keys_pem.items() if name.startswith(_PREFIX) or name in kept}
    certificates = {name: pem for name, pem in identity.certificates_pem.items() if name in kept}
    return msgspec.structs.replace(
        identity,
        platform_keys_pem=keys | {serial: key},
        certificates_pem=certificates | {serial: certificate},
        retired_at=kept,
    )


def _new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _pem(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _new_certificate() -> tuple[str, str, str]:
    """Serial (40 hex digits), private key and certificate of a platform, for five years."""
    key, serial = _new_key(), "7" + secrets.token_hex(20)[1:].upper()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tenpay.com sign (simulator)")])
    begins = clock.now() - timedelta(days=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(int(serial, 16))
        .not_valid_before(begins)
        .not_valid_after(begins + timedelta(days=5 * 365))
        .sign(key, hashes.SHA256())
    )
    return serial, _pem(key), made.public_bytes(Encoding.PEM).decode()


def _private(pem: str) -> rsa.RSAPrivateKey:
    key = load_pem_private_key(pem.encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


class Keys:
    """An identity, ready to sign, verify, seal and open."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self._merchant = _private(identity.merchant_key_pem).public_key()
        self._platform = {serial: _private(pem) for serial, pem in identity.platform_keys_pem.items()}
        self.public_key_id = next(serial for serial in self._platform if serial.startswith(_PREFIX))
        self.certificate_serial = list(self._platform)[-1]
        self._cipher = AESGCM(identity.apiv3_key.encode())

    def config(self, base_url: str) -> dict[str, object]:
        """What a merchant's adapter must know; `WeChatPayConfig` loads it."""
        identity = self.identity
        public = {
            serial: key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
            for serial, key in self._platform.items()
            if self._is_valid(serial)
        }
        return {
            "mchid": identity.mchid,
            "appid": identity.appid,
            "serial": identity.merchant_serial,
            "private_key_pem": identity.merchant_key_pem,
            "apiv3_key": identity.apiv3_key,
            "platform_keys": public,
            "base_url": base_url,
            "backup_url": f"{base_url}/backup",
        }

    def certificates(self) -> list[dict[str, object]]:
        """The answer of ``/v3/certificates``: every certificate that is valid now, sealed."""
        shown: list[dict[str, object]] = []
        for serial, pem in self.identity.certificates_pem.items():
            if self._is_valid(serial):
                certificate = x509.load_pem_x509_certificate(pem.encode())
                shown.append(
                    {
                        "serial_no": serial,
                        "effective_time": times.beijing(certificate.not_valid_before_utc.timestamp()),
                        "expire_time": times.beijing(certificate.not_valid_after_utc.timestamp()),
                        "encrypt_certificate": self._sealed("certificate", pem.encode()),
                    }
                )
        return shown

    def _is_valid(self, serial: str) -> bool:
        until = self.identity.retired_at.get(serial)
        return until is None or times.now() < until

    def signer(self, asked: str) -> str:
        """The way of signing that a merchant asks for by ``Wechatpay-Serial``; see `serial_of`."""
        return PUBLIC_KEY if asked.startswith(_PREFIX) else CERTIFICATE

    def serial_of(self, signer: str) -> str:
        """The key that signs at present."""
        return self.public_key_id if signer == PUBLIC_KEY else self.certificate_serial

    def signing_serial(self, asked: str) -> str:
        """The key to sign an answer with: the one the merchant asked for, while it is valid, else the newest certificate's."""
        return asked if asked in self._platform and self._is_valid(asked) else self.certificate_serial

    def platform_headers(
        self, serial: str, body: bytes, *, spoil: bool = False, age_s: float = 0, key: rsa.RSAPrivateKey | None = None
    ) -> dict[str, str]:
        """The headers that sign an answer or a callback. `spoil` signs something else, `key` lends a stranger's hand."""
        timestamp, nonce = str(int(times.now() - age_s)), secrets.token_hex(16)
        message = f"{timestamp}\n{nonce}\n".encode() + body + (b"!\n" if spoil else b"\n")
        signature = (key or self._platform[serial]).sign(message, PKCS1v15(), hashes.SHA256())
        return {
            "Request-ID": f"{time.time_ns():X}-0",
            "Wechatpay-Timestamp": timestamp,
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Serial": serial,
            "Wechatpay-Signature-Type": SCHEME,
            "Wechatpay-Signature": base64.b64encode(signature).decode(),
        }

    def strangers_headers(self, serial: str, body: bytes) -> dict[str, str]:
        """Headers under a serial of ours or of nobody, signed by a key that is not ours."""
        return self.platform_headers(serial, body, key=_new_key())

    def merchant_signed(self, message: bytes, signature: str) -> bool:
        """Whether the merchant's key made this signature."""
        try:
            self._merchant.verify(base64.b64decode(signature, validate=True), message, PKCS1v15(), hashes.SHA256())
        except (InvalidSignature, ValueError):
            return False
        return True

    def opened(self, serial: str, sealed: str) -> str | None:
        """A field that the merchant encrypted for the platform key it names; None when it does not open."""
        if serial not in self._platform:
            return None
        padding = OAEP(MGF1(hashes.SHA1()), hashes.SHA1(), None)
        try:
            return self._platform[serial].decrypt(base64.b64decode(sealed, validate=True), padding).decode()
        except (ValueError, binascii.Error):
            return None

    def sealed(self, original_type: str, plain: bytes) -> dict[str, str]:
        """The ``resource`` of a callback."""
        return {"original_type": original_type, **self._sealed(original_type, plain)}

    def _sealed(self, associated_data: str, plain: bytes) -> dict[str, str]:
        nonce = secrets.token_hex(6)
        ciphertext = self._cipher.encrypt(nonce.encode(), plain, associated_data.encode())
        return {
            "algorithm": "AEAD_AES_256_GCM",
            "ciphertext": base64.b64encode(ciphertext).decode(),
            "associated_data": associated_data,
            "nonce": nonce,
        }
