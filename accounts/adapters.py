"""How allauth behaves in this house."""

import base64
import hashlib

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.utils import timezone, translation

from accounts.operations.outgoing_email import queue_email
from accounts.queries import language_of


class AccountAdapter(DefaultAccountAdapter):
    """Its letters go through the outbox, in the language of whom they are for."""

    def send_mail(self, template_prefix: str, email: str, context: dict[str, object]) -> None:
        context = {"request": self.request, "email": email, **context}
        with translation.override(language_of(email)):
            letter = self.render_mail(template_prefix, email, context)
        queue_email(to=email, subject=letter.subject, text=letter.body, now=timezone.now())


class MFAAdapter(DefaultMFAAdapter):
    """Secrets of second factors are stored encrypted under the secret key, or under one of its fallbacks."""

    def encrypt(self, text: str) -> str:
        return _cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return _cipher().decrypt(encrypted_text.encode()).decode()


def _cipher() -> MultiFernet:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet([Fernet(_derive(key)) for key in keys])


def _derive(key: str) -> bytes:
    digest = hashlib.blake2b(key.encode(), digest_size=32, person=b"suanpan.mfa").digest()
    return base64.urlsafe_b64encode(digest)
