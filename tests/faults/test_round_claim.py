"""One clearer at a time, and one that was cut off past its claim cannot write."""

import threading

import pytest
from django.db import connection

from marketplace.trading.errors import Fenced
from marketplace.trading.models import Round, Trade
from marketplace.trading.operations import clear_round as clearing
from marketplace.trading.operations import settle_round as settling
from marketplace.trading.operations.claim import claim
from marketplace.trading.operations.clear_round import clear_round
from marketplace.trading.operations.close_gate import close_gate
from marketplace.trading.operations.open_round import open_round
from marketplace.trading.operations.run_round import advance_round
from marketplace.trading.operations.settle_round import settle_round
from tests.factories.accounts import NOW
from tests.factories.listings import CapacityFactory
from tests.factories.trading import bid

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def closed() -> Round:
    CapacityFactory()
    bid()
    done = close_gate(round_id=open_round(now=NOW).pk, now=NOW)
    assert done is not None
    return done


@pytest.fixture
def without_fence(monkeypatch: pytest.MonkeyPatch) -> None:
    def unguarded(*, round_id: int, fence: int, status: Round.Status) -> Round:
        return Round.objects.select_for_update().get(pk=round_id, status=status)

    monkeypatch.setattr(clearing, "check_fence", unguarded)
    monkeypatch.setattr(settling, "check_fence", unguarded)


def cut_off() -> None:
    """Lose the database session, and its lock with it; the next query opens another, as a worker's would."""
    connection.close()


def test_a_second_session_does_not_get_the_round(closed):
    answers = []

    def ask() -> None:
        with claim(closed.pk) as fence:
            answers.append(fence)
        connection.close()

    with claim(closed.pk) as mine:
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join(timeout=30)
    assert (mine, answers) == (1, [None])
    with claim(closed.pk) as again:
        assert again == 2


def test_a_clearer_cut_off_past_its_claim_cannot_write(closed):
    with claim(closed.pk) as stale:
        cut_off()
        with claim(closed.pk) as current:
            assert (stale, current) == (1, 2)
            with pytest.raises(Fenced):
                clear_round(round_id=closed.pk, fence=stale, now=NOW)
            closed.refresh_from_db()
            assert closed.status == Round.Status.CLOSED
            clear_round(round_id=closed.pk, fence=current, now=NOW)
            with pytest.raises(Fenced):
                settle_round(round_id=closed.pk, fence=stale, now=NOW)
            assert not Trade.objects.exists()
            settle_round(round_id=closed.pk, fence=current, now=NOW)
    assert Trade.objects.count() == 1


def test_without_the_fence_it_writes_into_anothers_round(closed, without_fence):
    """The guard off: the harm that the test above would see."""
    with claim(closed.pk) as stale:
        cut_off()
        with claim(closed.pk):
            clear_round(round_id=closed.pk, fence=stale, now=NOW)
            settle_round(round_id=closed.pk, fence=stale, now=NOW)
    assert Trade.objects.count() == 1


def test_a_clearer_paused_in_the_engine_finds_the_round_settled(closed, monkeypatch):
    """It is paused while it solves; its session ends; another takes the round up; then it goes on."""
    paused, go_on, met = threading.Event(), threading.Event(), []
    solve = clearing.solve

    def solve_slowly(book):
        if threading.current_thread().name == "paused":
            cut_off()
            paused.set()
            go_on.wait(timeout=60)
        return solve(book)

    def work() -> None:
        try:
            advance_round(round_id=closed.pk, now=NOW)
        except Fenced as refusal:
            met.append(refusal)
        finally:
            connection.close()

    monkeypatch.setattr(clearing, "solve", solve_slowly)
    thread = threading.Thread(target=work, name="paused")
    thread.start()
    assert paused.wait(timeout=60)
    assert advance_round(round_id=closed.pk, now=NOW).status == Round.Status.SETTLED
    go_on.set()
    thread.join(timeout=60)
    assert len(met) == 1
    assert Trade.objects.count() == 1
