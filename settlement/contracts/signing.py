"""Sign what must be provable later, with Ed25519 (RFC 8032); the public keys are published for ever.

The private keys are `settings.SIGNING_KEYS`, oldest first: 32-byte seeds in base64. The last one signs; a
retired one still verifies. A payload begins with words that say what it is, so that a signature made for one
thing never holds for another.
"""

import base64
import binascii
import datetime
import functools
import hashlib
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.utils import timezone

from settlement.contracts.models import SigningKey


@dataclass(frozen=True)
class Signature:
    """`kid` names the key; `value` is the 64 bytes in base64url without padding."""

    kid: str
    value: str


@dataclass(frozen=True)
class Signer:
    kid: str
    public_key: str
    private_key: Ed25519PrivateKey

    def sign(self, payload: bytes) -> Signature:
        return Signature(self.kid, _encoded(self.private_key.sign(payload)))


def sign(payload: bytes) -> Signature:
    return current_signer().sign(payload)


def verify(payload: bytes, signature: Signature) -> bool:
    """Whether one of the platform's keys, retired ones among them, signed exactly these bytes."""
    key = SigningKey.objects.filter(kid=signature.kid).first()
    if key is None:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(_decoded(key.public_key)).verify(
            _decoded(signature.value), payload
        )
    except (InvalidSignature, binascii.Error):
        return False
    return True


def current_signer() -> Signer:
    """The signer of the last key, published before its first signature.

    Raises ImproperlyConfigured where no key is set, or the last one is retired.
    """
    if not settings.SIGNING_KEYS:
        raise ImproperlyConfigured("Set SIGNING_KEYS: `openssl rand -base64 32` makes a key.")
    signer = _signer(settings.SIGNING_KEYS[-1])
    key, _created = SigningKey.objects.get_or_create(
        kid=signer.kid, defaults={"public_key": signer.public_key, "created_at": timezone.now()}
    )
    if key.retired_at is not None:
        raise ImproperlyConfigured(f"Signing key {key.kid} is retired: put a new key last in SIGNING_KEYS.")
    return signer


@transaction.atomic
def retire_older_keys(*, now: datetime.datetime) -> str:
    """Make the last key of SIGNING_KEYS the only one that signs; returns its kid."""
    signer = current_signer()
    SigningKey.objects.filter(retired_at=None).exclude(kid=signer.kid).update(retired_at=now)
    return signer.kid


def published_keys() -> dict[str, Any]:
    """A JSON Web Key Set (RFC 7517, RFC 8037) of every key that ever signed."""
    return {
        "keys": [
            {
                "kty": "OKP",
                "crv": "Ed25519",
                "alg": "EdDSA",
                "use": "sig",
                "kid": key.kid,
                "x": key.public_key,
                "created_at": key.created_at.isoformat(),
                "retired_at": key.retired_at.isoformat() if key.retired_at else None,
            }
            for key in SigningKey.objects.order_by("created_at", "pk")
        ]
    }


@functools.lru_cache(maxsize=16)
def _signer(seed: str) -> Signer:
    try:
        private_key = Ed25519PrivateKey.from_private_bytes(base64.b64decode(seed, validate=True))
    except ValueError as error:
        raise ImproperlyConfigured("SIGNING_KEYS: each key is 32 bytes in base64.") from error
    public = private_key.public_key().public_bytes_raw()
    return Signer(hashlib.sha256(public).hexdigest()[:16], _encoded(public), private_key)


def _encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _decoded(value: str) -> bytes:
    return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
