from celery import shared_task
from django.utils import timezone

from settlement.delivery.operations import release, remind_of_unmetered_hours


@shared_task
def release_delivered_hours() -> None:
    release(now=timezone.now())


@shared_task
def remind_providers() -> None:
    remind_of_unmetered_hours(now=timezone.now())
