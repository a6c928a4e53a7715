"""Two ask for one balance, two files take one payout, one answer comes in many times: each happens once."""

import threading
from functools import partial

import pytest

from accounts.errors import DomainError
from settlement.ledger.check import differences
from settlement.ledger.queries import Balances, balance_of
from settlement.payments.models import Payout, PayoutFile, PayoutSource
from settlement.payments.operations import (
    approve_payout_file,
    ask_payout,
    collect_payouts,
    import_payout_results,
    refuse_payout_file,
)
from settlement.payments.operations import payout_file as guarded
from tests.factories.payouts import asked, clearing, earn, operator, payout_account, sent
from tests.factories.settlement import acting
from tests.faults.races import at_once

pytestmark = pytest.mark.django_db(transaction=True)

THREADS = 6


def taken(work) -> int:
    """How many of THREADS calls, begun together, were not refused."""
    acts = [partial(work, number) for number in range(THREADS)]
    return at_once(acts, refusals=(DomainError,)).count(None)


@pytest.fixture
def rich(provider):
    """¥1,000 receivable, and an account to be paid to."""
    earn(provider, 100_000)
    payout_account(provider)
    return provider


def asker(organisation, now, *, key=str):
    actor = acting(organisation)
    return lambda number: ask_payout(
        actor=actor, amount=40_000, taken_from=PayoutSource.RECEIVABLE, key=key(number), now=now
    )


def test_many_ask_for_one_balance_and_it_is_not_overdrawn(rich, now):
    assert taken(asker(rich, now)) == 2
    assert balance_of(rich) == Balances(receivable=20_000)
    assert clearing() == 80_000
    assert list(differences()) == []


def test_one_key_asked_many_times_at_once_is_one_payout(rich, now):
    assert taken(asker(rich, now, key=lambda number: "same")) == THREADS
    assert Payout.objects.count() == 1
    assert balance_of(rich) == Balances(receivable=60_000)


def collector(payout, now):
    makers = [operator() for _ in range(THREADS)]
    return lambda number: collect_payouts(actor=makers[number], payout_ids=[payout.pk], now=now)


def test_many_collect_one_payout_and_one_file_has_it(rich, now):
    payout = asked(rich, 40_000)
    assert taken(collector(payout, now)) == 1
    assert PayoutFile.objects.count() == 1


def test_without_the_lock_and_the_count_many_files_have_it(rich, now, monkeypatch):
    payout = asked(rich, 40_000)
    together = threading.Barrier(THREADS)

    def careless(payouts, at, **to):
        together.wait()
        Payout.objects.filter(pk__in=[each.pk for each in payouts]).update(**to)

    monkeypatch.setattr(guarded, "_move", careless)
    monkeypatch.setattr(
        "django.db.models.query.QuerySet.select_for_update", lambda self, **options: self.all()
    )
    assert taken(collector(payout, now)) == THREADS
    assert PayoutFile.objects.filter(content__contains=payout.serial).count() == THREADS


def test_approved_and_refused_at_once_it_is_one_of_both(rich, now):
    payout = asked(rich, 40_000)
    file = collect_payouts(actor=operator(), payout_ids=[payout.pk], now=now)
    checkers = [operator() for _ in range(THREADS)]

    def decide(number):
        if number % 2:
            refuse_payout_file(actor=checkers[number], file_id=file.pk, now=now)
        else:
            approve_payout_file(actor=checkers[number], file_id=file.pk, sha256=file.sha256, now=now)

    assert taken(decide) == 1
    file.refresh_from_db()
    payout.refresh_from_db()
    assert (file.status, payout.status) in [("approved", "sent"), ("refused", "waiting")]


def test_the_banks_answer_many_times_at_once_pays_once(rich, now):
    paid, failed = asked(rich, 40_000, key="a"), asked(rich, 40_000, key="b")
    sent(paid, failed)
    answer = f"serial,result,reason\n{paid.serial},paid,\n{failed.serial},failed,closed\n"
    actors = [operator() for _ in range(THREADS)]
    assert (
        taken(lambda number: import_payout_results(actor=actors[number], csv_text=answer, now=now)) == THREADS
    )
    assert balance_of(rich) == Balances(receivable=60_000)
    assert clearing() == 0
    assert list(differences()) == []
