from celery import shared_task
from django.utils import timezone

from accounts.api.idempotency import forget_old_requests
from accounts.models import OutgoingEmail
from accounts.operations.outgoing_email import send_queued_email


@shared_task
def send_email(letter_id: int) -> None:
    send_queued_email(letter_id=letter_id, now=timezone.now())


@shared_task
def send_due_email() -> None:
    """Sweep up what a lost message or a killed worker left behind."""
    for letter_id in OutgoingEmail.objects.due(timezone.now()).values_list("pk", flat=True):
        send_queued_email(letter_id=letter_id, now=timezone.now())


@shared_task
def forget_old_api_requests() -> None:
    forget_old_requests(now=timezone.now())
