"""The whole of settlement in any order: cards, banks, holds, vouchers, contracts, meters, disputes, payouts.

Each act is done twice, as by a queue that delivers twice: the second time nothing moves. Single parts have
machines of their own, with oracles of every fen; this one holds what must be true of all of them together.
"""

import datetime
import importlib
import itertools
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

import pytest
from django.db import transaction
from django.db.models import Sum
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from accounts.audit import Actor
from accounts.errors import DomainError
from accounts.models import Organisation
from listings.slots import slot_of
from settlement.contracts.check import differences as differences_of_contracts
from settlement.contracts.document import ContractDraft
from settlement.contracts.models import Contract, Ground
from settlement.contracts.operations import open_contracts
from settlement.delivery.models import Dispute
from settlement.delivery.operations import (
    Reading,
    accept_licence,
    answer_dispute,
    decide_dispute,
    open_dispute,
    release,
    report_usage,
    terminate,
)
from settlement.delivery.queries import amount_of, slots_of
from settlement.invoices.operations import issue_contract_invoices
from settlement.ledger.check import differences
from settlement.ledger.models import Account, AccountKind, Entry, Hold, Transfer
from settlement.ledger.operations import Funding, expire_holds, place_hold, void_hold
from settlement.payments.models import CardTopUp, Chargeback, Payout, PayoutSource
from settlement.payments.operations import (
    approve_payout_file,
    ask_refund,
    collect_arrears,
    collect_payouts,
    import_bank_lines,
    import_payout_results,
    open_payout,
    payout,
    top_up_reference,
)
from settlement.vouchers.models import Programme
from tests.factories.accounts import OrganisationFactory, UserFactory
from tests.factories.listings import LicencePlanFactory, PoolFactory
from tests.factories.payouts import asked, payout_account
from tests.factories.settlement import HOUR, acting, fund
from tests.factories.vouchers import programme
from tests.settlement.machines import walk
from tests.settlement.stripe_world import World, world
from tests.settlement.triggers import run

__all__ = ["world"]

PRICES, UNITS = (101, 333, 75), 3
HELD = UNITS * sum(PRICES) + 400  # More than the contract will cost.
FULL = UNITS * 3600
BREAK_FEE = Fraction(1, 10)
LICENCE = 1501  # What a licence costs.
which = st.integers(0, 7)


@dataclass
class Promise:
    """A licence's price as the rules say it: what is in escrow, of it `disputed`, and what went back."""

    until: datetime.datetime
    rest: int = LICENCE
    disputed: int = 0
    returned: int = 0
    break_fee: Fraction | None = None  # Its share, once the contract was terminated.

    def undo(self, amount: int) -> None:
        """It follows the ground of the termination."""
        self.returned += amount - round(amount * (self.break_fee or Fraction()))


class SettlementMachine(RuleBasedStateMachine):
    """Two buyers, a provider, and a public body that bears part of some holds."""

    world: ClassVar[World]

    def __init__(self) -> None:
        super().__init__()
        self.transaction: Any = transaction.atomic()
        self.transaction._from_testcase = (
            True  # As of a TestCase: calls to Stripe insist on a commit of their own.
        )
        self.transaction.__enter__()
        self.start = self.world.now
        self.at_stripe_before = self.world.stripe.books.balance("cny")
        self.buyers = [OrganisationFactory(activity=Organisation.Activity.BUY) for _ in range(2)]
        self.provider = OrganisationFactory(activity=Organisation.Activity.PROVIDE)
        self.pool = PoolFactory(facility__provider=self.provider)
        self.plan = LicencePlanFactory(algorithm__publisher=self.provider)
        self.promises: dict[int, Promise] = {}
        self.programme: Programme = programme(budget=50_000, cap=50_000)
        for organisation in (*self.buyers, self.provider):
            payout_account(organisation)
        for buyer in self.buyers:
            fund(buyer, 20_000)
        self.operators = [Actor(user=UserFactory(is_staff=True)) for _ in range(2)]
        self.keys = 0

    @property
    def now(self) -> datetime.datetime:
        return self.world.now

    def budget(self) -> Account:
        return Account.objects.get(kind=AccountKind.PROGRAMME, shard=self.programme.pk)

    def key(self) -> str:
        self.keys += 1
        return str(self.keys)

    def twice(self, act: Callable[[], object]) -> None:
        """Do it, and again: refused or not, the second time moves nothing. A refusal undoes what it began."""
        moved = []
        for _ in range(2):
            with suppress(DomainError), transaction.atomic():
                act()
            moved.append(Transfer.objects.count())
        assert moved[0] == moved[1], "it moved twice"

    def pick(self, rows: Any, place: int) -> Any:
        found = list(rows.order_by("pk"))
        return found[place % len(found)] if found else None

    # Money in and out

    @rule(who=which, yuan=st.integers(1, 40))
    def bank_transfer(self, who: int, yuan: int) -> None:
        buyer = self.buyers[who % 2]
        line = f"B{self.key()},2026-06-01,{yuan}.37,X,{top_up_reference(buyer)}"
        text = f"serial,date,amount,payer,remark\n{line}\n"
        self.twice(lambda: import_bank_lines(actor=self.operators[0], csv_text=text, now=self.now))

    @rule(who=which, fen=st.integers(10_000, 30_000))
    def card(self, who: int, fen: int) -> None:
        started = self.world.start(self.buyers[who % 2], fen)
        self.world.stripe.cards.complete(started.session_id or "")

    @rule(times=st.integers(1, 3), seed=st.integers(0, 99))
    def stripe_is_heard(self, times: int, seed: int) -> None:
        self.world.hear(times=times, seed=seed)

    @rule(place=which, percent=st.integers(1, 120))
    def refund(self, place: int, percent: int) -> None:
        top_up = self.pick(CardTopUp.objects.all(), place)
        if top_up is not None:
            key, amount = self.key(), top_up.amount * percent // 100
            asks = acting(top_up.organisation)
            self.twice(
                lambda: ask_refund(actor=asks, top_up_id=top_up.pk, amount=amount, key=key, now=self.now)
            )

    @rule(place=which)
    def chargeback(self, place: int) -> None:
        top_up = self.pick(CardTopUp.objects.filter(status=CardTopUp.Status.PAID, chargebacks=None), place)
        if top_up is not None and not top_up.refunded:
            self.world.stripe.cards.open_dispute(top_up.payment_intent_id)

    @rule(place=which, won=st.booleans())
    def chargeback_ends(self, place: int, won: bool) -> None:
        contested = Chargeback.objects.exclude(status__in=[Chargeback.Status.WON, Chargeback.Status.LOST])
        chargeback = self.pick(contested, place)
        if chargeback is not None:
            cards = self.world.stripe.cards
            (cards.win_dispute if won else cards.lose_dispute)(chargeback.dispute_id)
            self.world.hear()

    @rule()
    def arrears(self) -> None:
        self.twice(lambda: collect_arrears(now=self.now))

    @rule(who=which, yuan=st.integers(1, 150), source=st.sampled_from(PayoutSource))
    def payout(self, who: int, yuan: int, source: PayoutSource) -> None:
        organisation, key = [*self.buyers, self.provider][who % 3], self.key()
        self.twice(lambda: asked(organisation, yuan * 100, key=key, taken_from=source, now=self.now) and None)

    @rule(paid=st.booleans())
    def bank_pays(self, paid: bool) -> None:
        waiting = list(Payout.objects.to_collect().order_by("pk").values_list("pk", flat=True))
        if not waiting:
            return
        maker, checker = self.operators
        file = collect_payouts(actor=maker, payout_ids=waiting, now=self.now)
        approve_payout_file(actor=checker, file_id=file.pk, sha256=file.sha256, now=self.now)
        word = "paid" if paid else "failed"
        lines = [f"{each.serial},{word},closed" for each in Payout.objects.filter(pk__in=waiting)]
        text = "\n".join(["serial,result,reason", *lines])
        self.twice(lambda: import_payout_results(actor=checker, csv_text=text, now=self.now))

    # Orders and contracts

    @rule(who=which, percent=st.sampled_from([0, 33, 60]), expires=st.sampled_from([None, 2]))
    def hold(self, who: int, percent: int, expires: int | None) -> None:
        key = self.key()
        funding = Funding(self.budget().pk, HELD * percent // 100) if percent else None
        expires_at = self.now + expires * HOUR if expires else None
        self.twice(
            lambda: place_hold(
                organisation=self.buyers[who % 2],
                amount=HELD,
                source="machine",
                source_id=key,
                expires_at=expires_at,
                funding=funding,
                now=self.now,
            )
        )

    @rule(place=which)
    def void(self, place: int) -> None:
        hold = self.pick(Hold.objects.pending(), place)
        if hold is not None:
            self.twice(lambda: void_hold(hold_id=hold.pk, now=self.now))

    @rule()
    def expire(self) -> None:
        self.twice(lambda: expire_holds(now=self.now))

    @rule(who=which, percent=st.sampled_from([0, 33, 60]))
    def order_that_trades(self, who: int, percent: int) -> None:
        self.hold(who, percent, None)
        self.trade(Hold.objects.pending().count() - 1)

    @rule(place=which)
    def trade(self, place: int) -> None:
        hold = self.pick(Hold.objects.pending(), place)
        if hold is None:
            return
        starts_at = slot_of(self.now) + HOUR
        draft = ContractDraft(
            source=f"hold:{hold.pk}",
            kind=Contract.Kind.COMPUTE,
            buyer_id=hold.organisation_id,
            provider_id=self.provider.pk,
            hold_id=hold.pk,
            pool_id=self.pool.pk,
            quantity=UNITS,
            starts_at=starts_at,
            ends_at=starts_at + len(PRICES) * HOUR,
            hourly_prices=PRICES,
            total=UNITS * sum(PRICES),
        )
        self.twice(lambda: open_contracts(drafts=[draft], now=self.now))

    @rule(hours=st.integers(1, 4))
    def time_passes(self, hours: int) -> None:
        self.world.later(hours=hours)

    @rule(
        place=which,
        seconds=st.sampled_from([0, FULL - 1, FULL * 97 // 100, FULL]),
        revision=st.integers(0, 2),
    )
    def meter(self, place: int, seconds: int, revision: int) -> None:
        contract = self.pick(Contract.objects.filter(kind=Contract.Kind.COMPUTE), place)
        if contract is not None:
            over = [slot for slot in slots_of(contract) if slot + HOUR <= self.now]
            readings = [Reading(contract.pk, slot, seconds, "a", revision) for slot in over]
            reports = acting(self.provider)
            self.twice(lambda: report_usage(actor=reports, readings=readings, now=self.now))

    @rule(place=which, seconds=st.sampled_from([FULL - 1, FULL * 97 // 100, FULL]))
    def deliver(self, place: int, seconds: int) -> None:
        self.world.later(hours=len(PRICES) + 1)
        self.meter(place, seconds, 0)
        self.beat()

    @rule()
    def beat(self) -> None:
        self.twice(lambda: release(now=self.now))
        for promise in self.promises.values():
            if promise.until <= self.now:
                promise.rest = 0

    @rule(place=which, slot=st.integers(0, 2), by_buyer=st.booleans())
    def dispute(self, place: int, slot: int, by_buyer: bool) -> None:
        contract = self.pick(Contract.objects.filter(kind=Contract.Kind.COMPUTE), place)
        if contract is not None:
            first = contract.starts_at + slot * HOUR
            claim = {"first_slot": first, "last_slot": first + HOUR, "text": "It was slow."}
            party = acting(contract.buyer if by_buyer else contract.provider)
            self.twice(lambda: open_dispute(actor=party, contract_id=contract.pk, now=self.now, **claim))

    @rule(place=which, percent=st.sampled_from([0, 40, 100]))
    def decide(self, place: int, percent: int) -> None:
        dispute = self.pick(Dispute.objects.undecided(), place)
        if dispute is None:
            return
        other = acting(Organisation.objects.get(pk=dispute.other_party_id))
        answer_dispute(actor=other, dispute_id=dispute.pk, text="It was not.", now=self.now)
        refund = dispute.amount * percent // 100
        decision = {"refund": refund, "text": "Seen.", "now": self.now}
        self.twice(lambda: decide_dispute(actor=self.operators[0], dispute_id=dispute.pk, **decision))
        if promise := self.promises.get(dispute.contract_id):
            promise.returned += refund
            if promise.break_fee is not None:
                promise.undo(dispute.amount - refund)
            promise.disputed -= dispute.amount

    @rule(place=which, slot=st.integers(0, 2), buyers_breach=st.booleans())
    def end_early(self, place: int, slot: int, buyers_breach: bool) -> None:
        contract = self.pick(Contract.objects.running(), place)
        if contract is None:
            return
        breach = contract.buyer_id if buyers_breach else contract.provider_id
        words = {"ground": Ground.BREACH, "breaching_id": breach, "reason": "It failed."}
        self.twice(
            lambda: terminate(
                actor=self.operators[0],
                contract_id=contract.pk,
                from_slot=contract.starts_at + slot * HOUR,
                now=self.now,
                **words,
            )
        )
        promise = self.promises.get(contract.pk)
        if promise and self.now < promise.until and promise.break_fee is None:
            promise.break_fee = BREAK_FEE if buyers_breach else Fraction()
            promise.undo(promise.rest)
            promise.rest = 0

    @rule()
    def invoice(self) -> None:
        self.twice(lambda: issue_contract_invoices(now=self.now))

    # What holds after every step

    @invariant()
    def every_transfer_sums_to_zero(self) -> None:
        run("SET CONSTRAINTS ALL IMMEDIATE")
        run("SET CONSTRAINTS ALL DEFERRED")
        sums = Entry.objects.values("transfer", "account__currency").annotate(sum=Sum("amount"))
        assert not sums.exclude(sum=0).exists()
        assert sum(Account.objects.values_list("balance", flat=True)) == 0

    @invariant()
    def nobody_is_negative_but_in_arrears(self) -> None:
        owned = Account.objects.filter(organisation__isnull=False)
        assert not owned.exclude(kind=AccountKind.ARREARS).filter(balance__lt=0).exists()
        assert not owned.filter(kind=AccountKind.ARREARS, balance__gt=0).exists()

    @invariant()
    def escrow_is_what_is_undelivered(self) -> None:
        undelivered = dict.fromkeys((buyer.pk for buyer in self.buyers), 0)
        for contract in Contract.objects.all():
            settled = set(contract.deliveries.values_list("slot", flat=True))
            if promise := self.promises.get(contract.pk):
                due = promise.rest + promise.disputed
                assert (contract.escrow, contract.returned) == (due, promise.returned)
                assert (contract.ended_at is None) == bool(due)
            else:
                due = sum(amount_of(contract, slot) for slot in slots_of(contract) if slot not in settled)
                assert contract.escrow == due
            undelivered[contract.buyer_id] += due
        assert self.balances(AccountKind.ESCROW) == undelivered

    @invariant()
    def held_is_what_pending_holds_say(self) -> None:
        pending = Hold.objects.pending().values_list("organisation").annotate(sum=Sum("amount"))
        assert self.balances(AccountKind.HELD) == dict.fromkeys(self.balances(AccountKind.HELD), 0) | dict(
            pending
        )

    @invariant()
    def the_programme_has_what_is_not_used(self) -> None:
        pending = Hold.objects.pending().aggregate(sum=Sum("funded"))["sum"] or 0
        used = Contract.objects.aggregate(sum=Sum("funded"))["sum"] or 0
        returned = sum(
            round(each.funded * each.returned / each.total) for each in Contract.objects.exclude(funded=0)
        )
        assert self.budget().balance == 50_000 - pending - used + returned

    @invariant()
    def payouts_on_their_way_are_in_clearing(self) -> None:
        on_its_way = Payout.objects.unresolved().aggregate(sum=Sum("amount"))["sum"] or 0
        clearing = Account.objects.filter(kind=AccountKind.PAYOUTS).aggregate(sum=Sum("balance"))["sum"] or 0
        assert clearing == on_its_way

    def balances(self, kind: AccountKind) -> dict[int, int]:
        rows = Account.objects.filter(kind=kind, organisation__in=self.buyers)
        return {buyer.pk: 0 for buyer in self.buyers} | dict(rows.values_list("organisation", "balance"))

    def teardown(self) -> None:
        try:
            self.world.hear(times=3, seed=1)
            at_stripe = self.world.stripe.books.balance("cny") - self.at_stripe_before
            assert at_stripe == -self.world.fen(AccountKind.STRIPE)
            assert list(differences()) == []
            assert list(differences_of_contracts()) == []
        finally:
            self.world.now = self.start
            transaction.set_rollback(True)
            self.transaction.__exit__(None, None, None)


class WithLicences(SettlementMachine):
    """With licences too; apart, so that the walks that show a planted fault of the rest stay as they are."""

    @rule(who=which, percent=st.sampled_from([0, 33, 60]))
    def licence_order_that_trades(self, who: int, percent: int) -> None:
        self.hold(who, percent, None)
        hold = Hold.objects.pending().order_by("pk").last()
        if hold is None:
            return
        draft = ContractDraft(
            source=f"hold:{hold.pk}",
            kind=Contract.Kind.LICENCE,
            buyer_id=hold.organisation_id,
            provider_id=self.provider.pk,
            hold_id=hold.pk,
            plan_id=self.plan.pk,
            quantity=1,
            starts_at=self.now,
            ends_at=None,
            total=LICENCE,
        )
        self.twice(lambda: open_contracts(drafts=[draft], now=self.now))
        licence = Contract.objects.get(source=draft.source)
        self.promises[licence.pk] = Promise(until=self.now + datetime.timedelta(days=7))

    def pick_licence(self, place: int) -> Contract | None:
        licence: Contract | None = self.pick(Contract.objects.filter(kind=Contract.Kind.LICENCE), place)
        return licence

    @rule(place=which)
    def accept(self, place: int) -> None:
        licence = self.pick_licence(place)
        if licence is None:
            return
        buyer = acting(licence.buyer)
        self.twice(lambda: accept_licence(actor=buyer, contract_id=licence.pk, now=self.now))
        promise = self.promises[licence.pk]
        if self.now < promise.until and not promise.disputed:
            promise.rest = 0

    @rule(place=which, amount=st.sampled_from([1, 700, LICENCE]), by_buyer=st.booleans())
    def dispute_licence(self, place: int, amount: int, by_buyer: bool) -> None:
        licence = self.pick_licence(place)
        if licence is None:
            return
        claim = {"amount": amount, "text": "It does not load.", "now": self.now}
        party = acting(licence.buyer if by_buyer else licence.provider)
        with suppress(DomainError), transaction.atomic():  # Not twice: that would be another part of it.
            open_dispute(actor=party, contract_id=licence.pk, **claim)
        promise = self.promises[licence.pk]
        if self.now < promise.until and amount <= promise.rest:
            promise.rest, promise.disputed = promise.rest - amount, promise.disputed + amount

    @rule(who=which, amount=st.sampled_from([1, 700, LICENCE]), by_buyer=st.booleans())
    def licence_in_dispute_past_its_time(self, who: int, amount: int, by_buyer: bool) -> None:
        self.licence_order_that_trades(who, 33)
        self.dispute_licence(
            Contract.objects.filter(kind=Contract.Kind.LICENCE).count() - 1, amount, by_buyer
        )
        self.world.later(days=7)
        self.beat()

    @rule(days=st.sampled_from([1, 6, 7]))
    def days_pass(self, days: int) -> None:
        self.world.later(hours=24 * days)


def run_machine(examples: int, steps: int = 30, machine: type[SettlementMachine] = SettlementMachine) -> None:
    walk(machine, examples=examples, steps=steps)


@pytest.fixture(autouse=True)
def rules(world: World, settings: Any) -> None:
    settings.UNMETERED_RETURN_HOURS, settings.LICENCE_ACCEPTANCE_DAYS = 5, 7
    settings.BREAK_FEE_BASIS_POINTS = 1000
    settings.PAYOUT_MINIMUM_FEN = 100
    SettlementMachine.world = world


@pytest.mark.django_db
def test_settlement_holds_together_in_any_order() -> None:
    run_machine(12, machine=WithLicences)


@pytest.mark.django_db
def test_the_machine_sees_a_payout_that_forgets_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = itertools.count()
    monkeypatch.setattr(
        payout,
        "open_payout",
        lambda *, key, **asked: open_payout(key=f"{key}-{next(keys)}", **asked),
    )
    with pytest.raises(AssertionError, match="moved twice"):
        run_machine(30)


@pytest.mark.django_db
def test_the_machine_sees_a_share_that_does_not_go_back_to_its_programme(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("settlement.contracts.models.contract.returned_share", lambda **_: 0)
    with pytest.raises(AssertionError):
        run_machine(30)


@pytest.mark.django_db
def test_the_machine_sees_a_disputed_licence_that_is_paid_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sweep = importlib.import_module("settlement.delivery.operations.release")
    monkeypatch.setattr(sweep, "disputed_fen", lambda _ids: {})
    with pytest.raises(AssertionError):
        run_machine(12, machine=WithLicences)
