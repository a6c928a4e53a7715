"""Access details are encrypted at rest, under keys of their own."""

from accounts import encryption

PURPOSE = b"suanpan access details"


def encrypt(text: str) -> bytes:
    return encryption.encrypt(text, purpose=PURPOSE)


def decrypt(ciphertext: bytes) -> str:
    """Raises cryptography.fernet.InvalidToken where no key fits."""
    return encryption.decrypt(ciphertext, purpose=PURPOSE)
