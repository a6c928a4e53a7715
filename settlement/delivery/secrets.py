"""Access details are encrypted at rest (Fernet); the newest key encrypts, every key decrypts."""

import base64

from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

PURPOSE = b"suanpan access details"


def encrypt(text: str) -> bytes:
    return _keys().encrypt(text.encode())


def decrypt(ciphertext: bytes) -> str:
    """Raises cryptography.fernet.InvalidToken where no key fits."""
    return _keys().decrypt(ciphertext).decode()


def _keys() -> MultiFernet:
    secrets = settings.ACCESS_KEYS or [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet([Fernet(_derived(secret)) for secret in secrets])


def _derived(secret: str) -> bytes:
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=PURPOSE).derive(secret.encode())
    return base64.urlsafe_b64encode(key)
