import datetime

from celery import shared_task
from django.utils import timezone

from settlement.payments.operations import pay_out_on_schedule, reconcile
from settlement.payments.operations.reconcile import zone


@shared_task
def pay_out_what_is_due() -> None:
    pay_out_on_schedule(now=timezone.now())


@shared_task
def reconcile_yesterday() -> None:
    now = timezone.now()
    reconcile(day=now.astimezone(zone()).date() - datetime.timedelta(days=1), now=now)
