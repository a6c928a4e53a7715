from celery import shared_task
from django.utils import timezone

from settlement.vouchers.operations import return_rest_of_closed


@shared_task
def return_rest() -> int:
    """Give issuers what came back to their closed programmes."""
    return return_rest_of_closed(now=timezone.now())
