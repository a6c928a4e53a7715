"""The outbox for e-mail: a letter is written down with the change that causes it, and sent after it."""

import smtplib
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from celery import current_app
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import F

from accounts.models import OutgoingEmail

SENDING_TAKES_AT_MOST = timedelta(minutes=5)
RETRY_AFTER = timedelta(minutes=1)


def queue_email(*, to: str, subject: str, text: str, now: datetime) -> OutgoingEmail:
    """Write a letter down; it is sent once the transaction has committed."""
    letter = OutgoingEmail.objects.create(to=to, subject=subject, text=text, created_at=now, due_at=now)
    transaction.on_commit(
        partial(current_app.send_task, "accounts.tasks.send_email", [letter.pk]), robust=True
    )
    return letter


def queue_emails(*, letters: Sequence[tuple[str, str, str]], now: datetime) -> int:
    """Write down many letters: address, subject, text. The next sweep sends them; how many there are."""
    rows = [
        OutgoingEmail(to=to, subject=subject, text=text, created_at=now, due_at=now)
        for to, subject, text in letters
    ]
    return len(OutgoingEmail.objects.bulk_create(rows, batch_size=2000))


def send_queued_email(*, letter_id: int, now: datetime) -> bool:
    """Send the letter if it is due, and forget its text, which may hold a secret. Whether it was sent.

    Whoever claims it has five minutes; if it is killed in between, the letter falls due again. A letter that
    the mail server refuses falls due later and later, and is given up after `MOST_ATTEMPTS`.
    """
    due = OutgoingEmail.objects.due(now).filter(pk=letter_id)
    if not due.update(due_at=now + SENDING_TAKES_AT_MOST, attempts=F("attempts") + 1):
        return False
    letter = OutgoingEmail.objects.get(pk=letter_id)
    try:
        send_mail(letter.subject, letter.text, None, [letter.to])
    except (smtplib.SMTPException, OSError) as error:
        letter.last_error = str(error)[:500]
        letter.due_at = now + RETRY_AFTER * 2**letter.attempts
        letter.save(update_fields=["last_error", "due_at"])
        return False
    letter.sent_at, letter.text, letter.last_error = now, "", ""
    letter.save(update_fields=["sent_at", "text", "last_error"])
    return True
