"""A software authenticator (WebAuthn level 3): makes and uses passkeys as a phone does, and can be made to misbehave.

phone = Authenticator()
answer = phone.create(options_json)      # navigator.credentials.create
answer = phone.get(options_json)         # navigator.credentials.get
"""

from __future__ import annotations

import hashlib
import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

ORIGIN = "http://127.0.0.1:8000"
UP, UV, BE, BS, AT = 0x01, 0x04, 0x08, 0x10, 0x40


def b64(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def unb64(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Authenticator:
    """Keeps discoverable keys. `counts`: whether it has a signature counter; synced passkeys have none."""

    def __init__(self, *, origin: str = ORIGIN, counts: bool = True, verifies: bool = True) -> None:
        self.origin, self.counts, self.verifies = origin, counts, verifies
        self.keys: dict[bytes, ec.EllipticCurvePrivateKey] = {}
        self.handles: dict[bytes, bytes] = {}
        self.counter = 0

    def create(self, options: str) -> str:
        """Makes a key for the page that asks."""
        asked = json.loads(options)
        credential_id, key = os.urandom(32), ec.generate_private_key(ec.SECP256R1())
        self.keys[credential_id] = key
        self.handles[credential_id] = unb64(asked["user"]["id"])
        numbers = key.public_key().public_numbers()
        cose = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)})
        attested = bytes(16) + len(credential_id).to_bytes(2) + credential_id + cose
        data = self._data(asked["rp"]["id"], AT) + attested
        client = self._client("webauthn.create", asked["challenge"])
        return self._answer(
            credential_id,
            clientDataJSON=b64(client),
            attestationObject=b64(cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})),
            transports=["internal", "hybrid", "telepathy"],
        )

    def get(self, options: str, *, of: bytes | None = None, handle: bytes | None = None) -> str:
        """Signs with the key that is allowed, or the newest it has."""
        asked = json.loads(options)
        allowed = [unb64(one["id"]) for one in asked.get("allowCredentials", [])]
        credential_id = of or next(one for one in reversed(self.keys) if not allowed or one in allowed)
        client = self._client("webauthn.get", asked["challenge"])
        data = self._data(asked["rpId"], 0)
        signature = self.keys[credential_id].sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return self._answer(
            credential_id,
            clientDataJSON=b64(client),
            authenticatorData=b64(data),
            signature=b64(signature),
            userHandle=b64(handle or self.handles[credential_id]),
        )

    def _data(self, domain: str, more: int) -> bytes:
        self.counter += int(self.counts)
        flags = UP | (UV if self.verifies else 0) | (0 if self.counts else BE | BS) | more
        return hashlib.sha256(domain.encode()).digest() + bytes([flags]) + self.counter.to_bytes(4)

    def _client(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}).encode()

    def _answer(self, credential_id: bytes, **response: Any) -> str:
        known = {"id": b64(credential_id), "rawId": b64(credential_id), "type": "public-key"}
        return json.dumps(known | {"clientExtensionResults": {}, "response": response})
