"""Secrets that are read again, encrypted at rest (Fernet): the newest key encrypts, every key decrypts."""

import base64

from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


def encrypt(text: str, *, purpose: bytes) -> bytes:
    """`purpose` makes keys of its own: what was encrypted for one purpose is not read for another."""
    return _keys(purpose).encrypt(text.encode())


def decrypt(ciphertext: bytes, *, purpose: bytes) -> str:
    """Raises cryptography.fernet.InvalidToken where no key fits."""
    return _keys(purpose).decrypt(ciphertext).decode()


def _keys(purpose: bytes) -> MultiFernet:
    secrets = settings.ACCESS_KEYS or [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet([Fernet(_derived(secret, purpose)) for secret in secrets])


def _derived(secret: str, purpose: bytes) -> bytes:
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(secret.encode())
    return base64.urlsafe_b64encode(key)
