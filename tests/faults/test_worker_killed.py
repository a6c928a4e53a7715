"""A real Celery worker is killed in the middle of a round; the next one finishes it, once."""

import datetime
import os
import signal
from collections.abc import Iterator

import pytest
from django.utils import timezone

from listings.slots import SLOT, slot_of
from marketplace.celery import app
from marketplace.trading.models import Round, Trade
from marketplace.trading.operations.open_round import open_round
from marketplace.trading.tasks import resume_rounds, run_due_round
from settlement.contracts.models import Contract
from tests.factories.listings import CapacityFactory
from tests.factories.trading import bid
from tests.faults.processes import wait_until, worker

pytestmark = pytest.mark.django_db(transaction=True)


def rounds(*statuses: Round.Status) -> bool:
    return Round.objects.filter(status__in=statuses).exists()


@pytest.fixture
def due_round() -> Iterator[Round]:
    now = timezone.now()
    day = slot_of(now) + SLOT
    CapacityFactory(starts_at=day, ends_at=day + 24 * SLOT)
    bid(now=now, window_start=day + SLOT, window_end=day + 12 * SLOT)
    app.control.purge()
    yield open_round(now=now - datetime.timedelta(hours=1))
    app.control.purge()


def test_the_next_worker_finishes_the_round(due_round):
    with worker() as first:
        run_due_round.delay()
        wait_until(lambda: rounds(Round.Status.CLOSED, Round.Status.CLEARED, Round.Status.SETTLED))
        os.kill(first.pid, signal.SIGKILL)
        first.wait(timeout=30)
    with worker():
        resume_rounds.delay()
        run_due_round.delay()
        wait_until(lambda: not rounds(Round.Status.CLOSED, Round.Status.CLEARED))
    due_round.refresh_from_db()
    assert due_round.status == Round.Status.SETTLED
    assert due_round.matched_count == Trade.objects.count() == Contract.objects.count() == 1
