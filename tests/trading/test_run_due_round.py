"""Beat's bell closes a due gate; a round left half-way is taken up; a bad result is never published."""

import datetime
from dataclasses import replace

import pytest
from django.core.management import call_command

from listings.models import Capacity, CapacityHour
from marketplace.trading import tasks
from marketplace.trading.models import Order, Round, RoundOrder, Trade
from marketplace.trading.operations import clear_round as clearing
from marketplace.trading.operations.close_gate import close_gate
from marketplace.trading.operations.open_round import open_round
from marketplace.trading.operations.run_round import MOST_CLAIMS, advance_round, resume_rounds, run_due_round
from marketplace.trading.queries.market import last_round
from settlement.ledger.queries import balance_of
from tests.factories.accounts import NOW
from tests.factories.listings import CapacityFactory, hour
from tests.factories.trading import bid

pytestmark = pytest.mark.django_db
GATE = NOW + datetime.timedelta(minutes=5)


@pytest.fixture
def order() -> Order:
    CapacityFactory()
    return bid()


@pytest.fixture
def closed(order) -> Round:
    done = close_gate(round_id=open_round(now=NOW).pk, now=NOW)
    assert done is not None
    return done


@pytest.fixture
def broken_engine(monkeypatch) -> None:
    """An engine whose result claims more welfare than it reached."""
    solve = clearing.solve

    def wrong(book):
        result = solve(book)
        return replace(result, welfare=result.welfare + 1)

    monkeypatch.setattr(clearing, "solve", wrong)


def test_nothing_closes_before_its_time(order):
    assert run_due_round(now=NOW) is None
    assert open_round(now=NOW).gate_at == GATE
    assert run_due_round(now=GATE - datetime.timedelta(seconds=1)) is None


def test_a_due_gate_closes_clears_and_settles(order):
    open_round(now=NOW)
    done = run_due_round(now=GATE)
    assert done is not None
    assert done.status == Round.Status.SETTLED
    order.refresh_from_db()
    assert order.status == Order.Status.FILLED
    assert open_round(now=GATE).gate_at == GATE + datetime.timedelta(minutes=5)
    assert run_due_round(now=GATE) is None


def test_a_round_left_closed_or_cleared_is_taken_up(closed, order):
    assert [each.status for each in resume_rounds(now=GATE)] == [Round.Status.SETTLED]
    assert resume_rounds(now=GATE) == []
    order.refresh_from_db()
    assert order.status == Order.Status.FILLED


def test_the_task_reads_the_clock_and_runs_what_is_due(closed):
    tasks.resume_rounds()
    closed.refresh_from_db()
    assert closed.status == Round.Status.SETTLED


def test_a_result_that_breaks_a_promise_is_never_published(closed, order, broken_engine):
    failed = advance_round(round_id=closed.pk, now=GATE)
    assert failed.status == Round.Status.FAILED
    assert "welfare" in failed.error
    order.refresh_from_db()
    assert order.status == Order.Status.RESTING
    assert balance_of(order.organisation).held == 24_000
    assert not Trade.objects.exists()
    assert not Capacity.objects.filter(frozen=True).exists()
    assert last_round() is None
    failed = Round.objects.get(pk=failed.pk)
    assert (failed.result, failed.result_sha256) == (None, "")


def test_the_orders_of_a_failed_round_are_cleared_by_the_next(closed, order, broken_engine, monkeypatch):
    advance_round(round_id=closed.pk, now=GATE)
    monkeypatch.undo()
    done = run_due_round(now=GATE)
    assert done is not None
    order.refresh_from_db()
    assert order.status == Order.Status.FILLED
    assert RoundOrder.objects.get(order=order).round == done


def test_what_is_no_longer_there_fails_the_round_instead_of_overselling(closed, order):
    """Freezing makes this impossible through operations; a hand in the database is stopped all the same."""
    CapacityHour.objects.update(sold=6)
    failed = advance_round(round_id=closed.pk, now=GATE)
    assert failed.status == Round.Status.FAILED
    assert "no longer on sale" in failed.error
    order.refresh_from_db()
    assert order.status == Order.Status.RESTING
    assert set(CapacityHour.objects.values_list("sold", flat=True)) == {6}


def test_a_book_that_kills_its_clearers_fails_in_the_end(closed, order):
    Round.objects.filter(pk=closed.pk).update(fence=MOST_CLAIMS)
    failed = advance_round(round_id=closed.pk, now=GATE)
    assert (failed.status, failed.error) == (Round.Status.FAILED, "It was not finished in 5 attempts.")
    order.refresh_from_db()
    assert order.status == Order.Status.RESTING


def test_the_command_prints_the_round(order, capsys):
    Capacity.objects.update(ends_at=hour(10_000))
    call_command("clear_round")
    assert "settled" in capsys.readouterr().out
