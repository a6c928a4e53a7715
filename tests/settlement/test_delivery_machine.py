"""Delivery against a plain-Python oracle: late meters, disputes, decisions, terminations, unmetered hours.

A funder bears part of the first contract: what goes back is shared with it, fen by fen.
"""

import datetime
import importlib
from fractions import Fraction

import pytest
from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from accounts.audit import Actor
from settlement.contracts.check import differences as differences_of_contracts
from settlement.contracts.errors import TerminationRefused
from settlement.contracts.funding import share_of
from settlement.contracts.models import Contract, Ground
from settlement.contracts.operations import open_contracts
from settlement.delivery.errors import BadReading, DisputeRefused
from settlement.delivery.operations import (
    Reading,
    answer_dispute,
    decide_dispute,
    open_dispute,
    release,
    report_usage,
    terminate,
)
from settlement.ledger.check import differences
from settlement.ledger.models import Account, AccountKind, TransferKind
from settlement.ledger.operations import (
    Funding,
    Posting,
    numbered_account,
    open_accounts,
    platform_account,
    post_transfer,
)
from settlement.ledger.queries import Balances, balance_of
from tests.factories.accounts import OrganisationFactory, UserFactory
from tests.factories.listings import PoolFactory
from tests.factories.settlement import HOUR, acting, compute_draft
from tests.settlement.machines import walk
from tests.settlement.triggers import run

NOW = datetime.datetime(2026, 6, 1, 4, 0, tzinfo=datetime.UTC)
START = NOW + HOUR
CONTRACTS, HOURS, UNITS, FULL = 2, 4, 3, 3 * 3600
PRICES = ((101, 333, 75, 25), (50, 0, 999, 7))
FUNDED = (701, 0)  # fen
WAIT, ANSWER = 5, 2  # hours
BREAK_FEE = 1250

which = st.integers(0, CONTRACTS - 1)
slots = st.integers(0, HOURS - 1)
seconds = st.sampled_from([0, FULL * 95 // 100 - 1, FULL * 99 // 100 - 1, FULL - 60, FULL])


def half_even(number: Fraction) -> int:
    return round(number)


def credited(amount: int, delivered: int) -> int:
    share = Fraction(delivered, FULL)
    tier = 100 if share < Fraction(95, 100) else 30 if share < Fraction(99, 100) else 0
    tier = tier or (10 if share < Fraction(995, 1000) else 0)
    return half_even(Fraction(amount * tier, 100))


def fee(amount: int) -> int:
    return half_even(Fraction(amount * 2, 100))


class OracleHour:
    def __init__(self, amount: int) -> None:
        self.amount = amount
        self.readings: dict[tuple[str, int], int] = {}
        self.basis = ""  # Settled by: metered, unmetered, decided.
        self.credit = 0
        self.dispute: int | None = None
        self.final = False

    @property
    def delivered(self) -> int | None:
        sources = {source for source, _ in self.readings}
        last = [max((r, v) for (s, r), v in self.readings.items() if s == source)[1] for source in sources]
        return min(last, default=None)


class DeliveryMachine(RuleBasedStateMachine):
    """The oracle keeps hours and who has what; debts are what the receivable could not bear."""

    def __init__(self) -> None:
        super().__init__()
        self.transaction = transaction.atomic()
        self.transaction.__enter__()
        self.now = NOW
        self.provider = OrganisationFactory()
        self.buyers = [OrganisationFactory() for _ in range(CONTRACTS)]
        pool = PoolFactory(facility__provider=self.provider)
        bank = platform_account(kind=AccountKind.BANK).shard_for("")
        programme = numbered_account(organisation=OrganisationFactory(), kind=AccountKind.PROGRAMME, number=1)
        self.programme = Account.objects.get(pk=programme)
        drafts = []
        for number, (buyer, prices) in enumerate(zip(self.buyers, PRICES, strict=True)):
            total, funded = UNITS * sum(prices), FUNDED[number]
            lines = [
                Posting(bank, -total),
                Posting(open_accounts(organisation=buyer)[AccountKind.AVAILABLE], total - funded),
            ]
            lines += [Posting(programme, funded)] if funded else []
            post_transfer(
                kind=TransferKind.TOP_UP, source="test", source_id=str(number), postings=lines, now=NOW
            )
            funding = Funding(programme, funded) if funded else None
            draft = compute_draft(
                buyer, pool, now=NOW, number=number, units=UNITS, prices=prices, funding=funding
            )
            drafts.append(draft)
        self.contracts = open_contracts(drafts=drafts, now=NOW)
        self.now = START + 2 * HOUR
        self.operator = Actor(user=UserFactory(is_staff=True))
        self.hours = [[OracleHour(UNITS * price) for price in prices] for prices in PRICES]
        self.available = [0] * CONTRACTS  # What went back, to the buyer and the funder.
        self.receivable = self.fees = self.paid_out = 0
        self.debts: list[list[int]] = []  # [contract, fen], oldest first.
        self.open: dict[int, tuple[int, list[int], int, datetime.datetime, bool]] = {}
        self.answered: set[int] = set()
        self.ended: dict[int, tuple[int, int]] = {}  # From which slot on, and the break fee's basis points.

    def over(self, slot: int) -> bool:
        return START + (slot + 1) * HOUR <= self.now

    @rule(hours=st.sampled_from([1, 1, 2, WAIT]))
    def time_passes(self, hours):
        self.now += hours * HOUR

    @rule(of=which, slot=slots, value=seconds, source=st.sampled_from(["a", "b"]), revision=st.integers(0, 3))
    def report(self, of, slot, value, source, revision):
        """Late, twice and out of order: a revision that is known is sent again as it was."""
        self.store(of, slot, value, source, revision)

    def store(self, of, slot, value, source, revision):
        if not self.over(slot):
            return
        hour = self.hours[of][slot]
        value = hour.readings.get((source, revision), value)
        reading = Reading(self.contracts[of].pk, START + slot * HOUR, value, source, revision)
        if self.is_ended(of, slot):
            with pytest.raises(BadReading), transaction.atomic():
                report_usage(actor=acting(self.provider), readings=[reading], now=self.now)
            return
        new = report_usage(actor=acting(self.provider), readings=[reading, reading], now=self.now)
        assert new == ((source, revision) not in hour.readings)
        hour.readings[source, revision] = value
        if new and hour.basis == "metered" and not hour.final:
            self.give_back(of, hour, credited(hour.amount, hour.delivered))
            self.collect()

    @rule(value=seconds)
    def report_all_that_is_over(self, value):
        for of in range(CONTRACTS):
            for slot in range(HOURS):
                self.store(of, slot, value, "a", 0)

    @rule(times=st.integers(1, 2))
    def beat(self, times):
        expected = sum(self.settle_what_is_over(of) for of in range(CONTRACTS))
        self.collect()
        assert [release(now=self.now) for _ in range(times)] == [expected, 0][:times]

    def settle_what_is_over(self, of: int) -> int:
        settled = 0
        for slot, hour in enumerate(self.hours[of]):
            if hour.basis or not self.over(slot) or hour.dispute is not None:
                continue
            if hour.delivered is not None:
                self.settle(of, hour, credited(hour.amount, hour.delivered), "metered")
            elif START + (slot + 1 + WAIT) * HOUR <= self.now:
                self.settle(of, hour, hour.amount, "unmetered")
            else:
                continue
            settled += 1
        return settled

    @rule(of=which, slot=slots, party=st.sampled_from(["", "buyer", "provider"]))
    def end(self, of, slot, party):
        breaching = {"buyer": self.buyers[of], "provider": self.provider}.get(party)
        ends = lambda: terminate(  # noqa: E731
            actor=self.operator,
            contract_id=self.contracts[of].pk,
            ground=Ground.BREACH if breaching else Ground.FORCE_MAJEURE,
            breaching_id=breaching and breaching.pk,
            from_slot=START + slot * HOUR,
            reason="It ends.",
            now=self.now,
        )
        over = all(hour.basis for hour in self.hours[of])
        if over or of in self.ended or START + slot * HOUR < self.now:
            with pytest.raises(TerminationRefused), transaction.atomic():
                ends()
            return
        self.settle_what_is_over(of)
        self.ended[of] = (slot, BREAK_FEE if party == "buyer" else 0)
        self.settle_what_ended(of)
        ends()

    def is_ended(self, of: int, slot: int) -> bool:
        return of in self.ended and slot >= self.ended[of][0]

    def settle_what_ended(self, of: int) -> None:
        """The break fee on all of it, half-even; each hour's part is what is new of it."""
        first, basis_points = self.ended[of]
        until = 0
        for hour in self.hours[of][first:]:
            if hour.basis or hour.dispute is not None:
                continue
            before = half_even(Fraction(until * basis_points, 10_000))
            until += hour.amount
            part = half_even(Fraction(until * basis_points, 10_000)) - before
            hour.basis, hour.credit = "terminated", hour.amount - part
            self.available[of] += hour.amount - part
            self.receivable += part

    @rule()
    def pay_out(self):
        if not self.receivable:
            return
        account = open_accounts(organisation=self.provider)[AccountKind.RECEIVABLE]
        bank = platform_account(kind=AccountKind.BANK).shard_for("")
        lines = [Posting(account, -self.receivable), Posting(bank, self.receivable)]
        key = f"out {self.paid_out}"
        post_transfer(kind=TransferKind.TOP_UP, source="test", source_id=key, postings=lines, now=self.now)
        self.paid_out += self.receivable
        self.receivable = 0

    @rule(of=which, first=slots, last=slots, by_buyer=st.booleans(), part=st.sampled_from([None, 1, 40, 100]))
    def dispute(self, of, first, last, by_buyer, part):
        first, last = min(first, last), max(first, last)
        chosen = list(range(first, last + 1))
        hours = [self.hours[of][slot] for slot in chosen]
        contract = self.contracts[of]
        total = sum(hour.amount - hour.credit for hour in hours)
        amount = None if part is None else max(1, total * part // 100)
        refused = not total or any(
            hour.dispute is not None or hour.basis in ("decided", "terminated") or hour.final
            for hour in hours
        )
        opened = lambda: open_dispute(  # noqa: E731
            actor=acting(self.buyers[of] if by_buyer else self.provider),
            contract_id=contract.pk,
            first_slot=START + first * HOUR,
            last_slot=START + (last + 1) * HOUR,
            amount=amount,
            text="It was slow.",
            now=self.now,
        )
        if refused:
            with pytest.raises(DisputeRefused), transaction.atomic():
                opened()
            return
        dispute = opened()
        for hour in hours:
            hour.dispute = dispute.pk
        due = self.now + ANSWER * HOUR
        self.open[dispute.pk] = (of, chosen, total if amount is None else amount, due, by_buyer)

    @rule(data=st.data())
    def answer(self, data):
        if not self.open:
            return
        pk = data.draw(st.sampled_from(sorted(self.open)))
        of, _, _, _, by_buyer = self.open[pk]
        other = self.provider if by_buyer else self.buyers[of]
        answer_dispute(actor=acting(other), dispute_id=pk, text="It was not.", now=self.now)
        self.answered.add(pk)

    @rule(data=st.data(), percent=st.sampled_from([0, 33, 100]))
    def decide(self, data, percent):
        if not self.open:
            return
        pk = data.draw(st.sampled_from(sorted(self.open)))
        of, chosen, amount, due, _ = self.open[pk]
        refund = amount * percent // 100
        decided = lambda: decide_dispute(  # noqa: E731
            actor=self.operator, dispute_id=pk, refund=refund, text="Seen.", now=self.now
        )
        if pk not in self.answered and self.now < due:
            with pytest.raises(DisputeRefused), transaction.atomic():
                decided()
            return
        for slot in chosen:
            hour = self.hours[of][slot]
            hour.dispute = None
            part = min(refund, hour.amount - hour.credit)
            refund -= part
            if hour.basis:
                hour.final |= part > 0
                self.give_back(of, hour, hour.credit + part)
            elif part or (self.over(slot) and not self.is_ended(of, slot)):
                self.settle(of, hour, part, "decided")
        if of in self.ended:
            self.settle_what_ended(of)
        self.collect()
        refund = amount * percent // 100
        decided()
        del self.open[pk]
        with pytest.raises(DisputeRefused), transaction.atomic():
            decided()

    def settle(self, of, hour, credit, basis):
        hour.basis, hour.credit = basis, credit
        self.available[of] += credit
        self.receivable += hour.amount - credit - fee(hour.amount - credit)
        self.fees += fee(hour.amount - credit)

    def give_back(self, of, hour, credit):
        if credit <= hour.credit:
            return
        less_fee = fee(hour.amount - hour.credit) - fee(hour.amount - credit)
        self.fees -= less_fee
        self.available[of] += less_fee
        self.debts.append([of, credit - hour.credit - less_fee])
        hour.credit = credit

    def collect(self):
        for debt in self.debts:
            part = min(debt[1], self.receivable)
            self.receivable -= part
            self.available[debt[0]] += part
            debt[1] -= part

    @invariant()
    def agrees_with_the_oracle(self):
        run("SET CONSTRAINTS ALL IMMEDIATE")
        run("SET CONSTRAINTS ALL DEFERRED")
        for of, contract in enumerate(self.contracts):
            contract.refresh_from_db()
            undelivered = sum(hour.amount for hour in self.hours[of] if not hour.basis)
            assert contract.escrow == undelivered
            back = self.available[of]
            to_funder = half_even(Fraction(FUNDED[of] * back, contract.total))
            assert balance_of(self.buyers[of]) == Balances(available=back - to_funder, escrow=undelivered)
            self.programme.refresh_from_db()
            assert self.programme.balance == to_funder or not FUNDED[of]
            assert contract.deliveries.count() == sum(bool(hour.basis) for hour in self.hours[of])
            assert contract.status == self.status(of)
        assert balance_of(self.provider) == Balances(receivable=self.receivable)
        fees = Account.objects.filter(kind=AccountKind.FEES).values_list("balance", flat=True)
        assert sum(fees) == self.fees
        assert sum(Account.objects.values_list("balance", flat=True)) == 0

    def status(self, of: int) -> str:
        if all(hour.basis for hour in self.hours[of]):
            return Contract.Status.TERMINATED if of in self.ended else Contract.Status.COMPLETED
        disputed = any(place[0] == of for place in self.open.values())
        return Contract.Status.DISPUTED if disputed else Contract.Status.ACTIVE

    def teardown(self) -> None:
        try:
            assert list(differences()) == []
            assert list(differences_of_contracts()) == []
        finally:
            transaction.set_rollback(True)
            self.transaction.__exit__(None, None, None)


def run_machine(examples: int) -> None:
    walk(DeliveryMachine, examples=examples, steps=25)


@pytest.fixture(autouse=True)
def rules(settings):
    settings.UNMETERED_RETURN_HOURS, settings.DISPUTE_ANSWER_HOURS = WAIT, ANSWER
    settings.FEE_BASIS_POINTS, settings.BREAK_FEE_BASIS_POINTS = 200, BREAK_FEE


@pytest.mark.django_db
def test_escrow_is_what_is_undelivered_after_every_step():
    run_machine(12)


@pytest.mark.django_db
def test_the_machine_sees_a_release_that_passes_over_no_dispute(monkeypatch):
    module = importlib.import_module("settlement.delivery.operations.release")
    monkeypatch.setattr(module, "frozen_slots", lambda ids: set())
    with pytest.raises(AssertionError):
        run_machine(40)


@pytest.mark.django_db
def test_the_machine_sees_a_share_that_is_rounded_payment_by_payment(monkeypatch):
    alone = lambda *, funded, total, returned, amount: share_of(funded=funded, total=total, part=amount)  # noqa: E731
    monkeypatch.setattr("settlement.contracts.models.contract.returned_share", alone)
    with pytest.raises(AssertionError):
        run_machine(40)
