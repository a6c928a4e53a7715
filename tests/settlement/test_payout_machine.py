"""Whatever happens to payouts, in any order: the clearing account holds what is on its way, and ends at 0."""

import datetime
from contextlib import contextmanager, suppress

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from accounts.errors import DomainError
from settlement.ledger.check import differences
from settlement.ledger.models import Account, AccountKind
from settlement.ledger.queries import balance_of
from settlement.payments.models import Approval, Difference, Payout, PayoutFile, PayoutSource
from settlement.payments.operations import (
    approve_payout_file,
    collect_payouts,
    fail_payout,
    import_bank_lines,
    import_payout_results,
    reconcile,
    refuse_payout,
    refuse_payout_file,
)
from tests.factories.accounts import NOW, OrganisationFactory
from tests.factories.payouts import asked, clearing, earn, operator, payout_account, sent
from tests.factories.settlement import fund

DAY = datetime.timedelta(days=1)
which = st.integers(0, 50)


class PayoutMachine(RuleBasedStateMachine):
    """Two organisations with ¥900 each; nothing is earned while the machine runs."""

    def __init__(self) -> None:
        super().__init__()
        self.transaction = transaction.atomic()
        self.transaction.__enter__()
        self.organisations = [OrganisationFactory() for _ in range(2)]
        for organisation in self.organisations:
            earn(organisation, 60_000)
            fund(organisation, 30_000)
            payout_account(organisation)
        self.maker, self.checker = operator(), operator()
        self.keys = 0

    def key(self) -> str:
        self.keys += 1
        return str(self.keys)

    def pick(self, rows, place):
        found = list(rows.order_by("pk"))
        return found[place % len(found)] if found else None

    @rule(who=st.integers(0, 1), yuan=st.integers(90, 400), source=st.sampled_from(PayoutSource))
    def ask(self, who, yuan, source):
        with self.maybe_refused():
            asked(self.organisations[who], yuan * 100, key=self.key(), taken_from=source)

    @initialize()
    def some_are_on_their_way(self):
        sent(*(asked(each, 10_000, key=self.key()) for each in self.organisations))

    @rule(count=st.integers(1, 3))
    def collect(self, count):
        ids = list(Payout.objects.to_collect().order_by("pk").values_list("pk", flat=True)[:count])
        with self.maybe_refused():
            collect_payouts(actor=self.maker, payout_ids=ids, now=NOW)

    @rule(place=which, approves=st.booleans(), by_maker=st.booleans())
    def decide(self, place, approves, by_maker):
        file = self.pick(PayoutFile.objects.filter(status=Approval.PROPOSED), place)
        if file is None:
            return
        person = self.maker if by_maker else self.checker
        with self.maybe_refused():
            if approves:
                approve_payout_file(actor=person, file_id=file.pk, sha256=file.sha256, now=NOW)
            else:
                refuse_payout_file(actor=person, file_id=file.pk, now=NOW)

    @rule(place=which, word=st.sampled_from(["paid", "failed"]))
    def answer(self, place, word):
        payout = self.pick(Payout.objects.all(), place)
        if payout is None:
            return
        text = f"serial,result,reason\n{payout.serial},{word},closed\n"
        with self.maybe_refused():
            import_payout_results(actor=self.checker, csv_text=text, now=NOW)

    @rule(place=which, sign=st.sampled_from([-1, 1]))
    def statement_line(self, place, sign):
        payout = self.pick(Payout.objects.all(), place)
        if payout is None:
            return
        amount = sign * payout.amount // 100
        text = f"serial,date,amount,payer,remark\nM{self.key()},2026-06-01,{amount},X,{payout.serial}\n"
        import_bank_lines(actor=self.maker, csv_text=text, now=NOW)

    @rule(place=which)
    def give_back(self, place):
        payout = self.pick(Payout.objects.all(), place)
        if payout is not None:
            with self.maybe_refused():
                refuse_payout(actor=self.maker, payout_id=payout.pk, reason="x", now=NOW)

    @rule(who=st.integers(0, 1))
    def change_account(self, who):
        payout_account(self.organisations[who])

    @contextmanager
    def maybe_refused(self):
        """A refusal is fine, and undoes what was begun."""
        with suppress(DomainError), transaction.atomic():
            yield

    @invariant()
    def clearing_holds_what_is_on_its_way(self):
        on_its_way = sum(Payout.objects.unresolved().values_list("amount", flat=True))
        assert clearing() == on_its_way
        owned = sum(balance_of(each).total for each in self.organisations)
        out = -sum(Account.objects.filter(kind=AccountKind.BANK).values_list("balance", flat=True))
        suspense = sum(Account.objects.filter(kind=AccountKind.SUSPENSE).values_list("balance", flat=True))
        assert owned + on_its_way + suspense == out
        paid = sum(Payout.objects.filter(status=Payout.Status.PAID).values_list("amount", flat=True))
        assert owned + on_its_way + paid == 2 * 90_000

    def teardown(self) -> None:
        try:
            for payout in Payout.objects.unresolved():
                fail_payout(payout_id=payout.pk, reason="the end", now=NOW)
            assert clearing() == 0
            assert not Account.objects.filter(kind=AccountKind.PAYOUTS).exclude(balance=0).exists()
            reconcile(day=NOW.date(), now=NOW)
            assert not Difference.objects.open().filter(account="payouts").exists()
            assert list(differences()) == []
        finally:
            transaction.set_rollback(True)
            self.transaction.__exit__(None, None, None)


@pytest.mark.django_db
def test_payouts_on_their_way_return_to_zero():
    run_state_machine_as_test(
        PayoutMachine,
        settings=settings(
            max_examples=12,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
        ),
    )
