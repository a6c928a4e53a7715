from celery import shared_task
from django.utils import timezone

from settlement.ledger import operations


@shared_task
def seal() -> None:
    while operations.seal_transfers():
        pass


@shared_task
def expire_holds() -> None:
    while operations.expire_holds(now=timezone.now()):
        pass
