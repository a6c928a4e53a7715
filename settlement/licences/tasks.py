from celery import shared_task
from django.utils import timezone

from settlement.licences import operations


@shared_task
def issue() -> None:
    operations.issue_licences(now=timezone.now())


@shared_task
def reclaim() -> None:
    operations.release_lapsed_seats(now=timezone.now())


@shared_task
def revoke() -> None:
    operations.revoke_for_undone_contracts(now=timezone.now())
