from celery import shared_task
from django.utils import timezone

from settlement.delivery.operations import release


@shared_task
def release_delivered_hours() -> None:
    release(now=timezone.now())
