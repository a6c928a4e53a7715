from celery import shared_task
from django.utils import timezone

from accounts.api.idempotency import forget_old_requests
from accounts.models import OutgoingEmail, WebhookDelivery
from accounts.operations.outgoing_email import send_queued_email
from accounts.operations.webhooks import deliver, forget_old_events

MOST_AT_ONCE = 1_000


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


@shared_task
def deliver_webhook(delivery_id: int) -> None:
    deliver(delivery_id=delivery_id, now=timezone.now())


@shared_task
def deliver_due_webhooks() -> None:
    """Send each on its way by itself, so that a slow receiver keeps nobody else waiting."""
    due = WebhookDelivery.objects.due(timezone.now()).filter(endpoint__disabled_at__isnull=True)
    for delivery_id in due.order_by("due_at").values_list("pk", flat=True)[:MOST_AT_ONCE]:
        deliver_webhook.delay(delivery_id)


@shared_task
def forget_old_webhook_events() -> None:
    forget_old_events(now=timezone.now())
