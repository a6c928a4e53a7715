import datetime

from celery import shared_task
from django.utils import timezone

from settlement.payments import operations, stripe_api
from settlement.payments.compare import zone


@shared_task
def pay_out_what_is_due() -> None:
    operations.pay_out_on_schedule(now=timezone.now())


@shared_task
def reconcile_yesterday() -> None:
    now = timezone.now()
    operations.reconcile(day=now.astimezone(zone()).date() - datetime.timedelta(days=1), now=now)


@shared_task
def make_stripe_call(call_id: int) -> None:
    operations.make_stripe_call(call_id=call_id, now=timezone.now())


@shared_task
def make_due_stripe_calls() -> None:
    """Sweep up what a lost message or a killed worker left behind."""
    operations.make_due_calls(now=timezone.now())


@shared_task
def process_stripe_event(event_id: int) -> None:
    operations.process_event(event_id=event_id, now=timezone.now())


@shared_task
def process_due_stripe_events() -> None:
    """Sweep up what a lost message or a killed worker left behind."""
    operations.process_due_events(now=timezone.now())


@shared_task
def collect_arrears() -> None:
    operations.collect_arrears(now=timezone.now())


@shared_task
def begin_stripe_payouts() -> None:
    if stripe_api.is_configured():
        operations.begin_stripe_payouts(now=timezone.now())


@shared_task
def catch_up_with_stripe() -> None:
    if stripe_api.is_configured():
        operations.catch_up(now=timezone.now())
