from celery import shared_task
from django.utils import timezone

from marketplace.trading.operations import run_round


@shared_task
def run_due_round() -> None:
    """Beat's bell at each gate; it also takes up whatever an earlier worker left half-way."""
    run_round.run_due_round(now=timezone.now())


@shared_task
def resume_rounds() -> None:
    """The sweeper between gates: a round whose worker died need not wait for the next one."""
    run_round.resume_rounds(now=timezone.now())


@shared_task
def run_round_now(round_id: int) -> None:
    """Close this round's gate before its time: an operator's or the demo's wish."""
    run_round.run_round(round_id=round_id, now=timezone.now())
