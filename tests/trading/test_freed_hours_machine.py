"""Bids, rounds, terminations and offers in any order: a unit-hour is promised to one living contract at most.

The oracle knows the trades' allocations, where each contract ended, and from when it was offered again.
"""

import datetime
from collections import Counter
from contextlib import suppress
from dataclasses import replace

import pytest
from django.db import IntegrityError, transaction
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from accounts.audit import Actor
from listings.errors import InRound, PoolOvercommitted
from listings.models import Capacity, CapacityHour
from listings.operations import list_capacity, pause_capacity, resume_capacity
from listings.slots import SLOT, slot_of
from marketplace.trading.errors import NotFreed
from marketplace.trading.models import Allocation, Round
from marketplace.trading.operations.close_gate import close_gate
from marketplace.trading.operations.offer_freed_hours import offer_freed_hours
from marketplace.trading.operations.open_round import open_round
from marketplace.trading.operations.run_round import advance_round
from marketplace.trading.queries import freed_hours
from settlement.contracts.errors import TerminationRefused
from settlement.contracts.models import Contract, Ground
from settlement.delivery.operations import answer_proposal, propose_termination, terminate
from tests.factories.accounts import NOW, UserFactory
from tests.factories.listings import CapacityFactory, PoolFactory, hour
from tests.factories.settlement import acting
from tests.factories.trading import bid, funded_buyer
from tests.settlement.machines import walk
from tests.settlement.triggers import drop_constraint, drop_trigger, run

UNITS, HOURS = 4, 12
GROUNDS = ["agreement", "buyer", "agreement", "buyer", "provider", "force majeure"]
WHICH, OFTEN = st.integers(0, 99), st.sampled_from([True, True, False])
real = freed_hours._sales, freed_hours._refusal
FAULTS = {
    "hours before the end are freed too": ("_sales", lambda contract, first: real[0](contract, NOW)),
    "the same hours are freed again and again": ("_refusal", lambda contract, termination, offered: ""),
    "more units are freed than were sold": (
        "_sales",
        lambda contract, first: [replace(sale, units=UNITS) for sale in real[0](contract, first)],
    ),
}


class FreedHoursMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.transaction = transaction.atomic()
        self.transaction.__enter__()
        self.now = NOW
        self.pool = PoolFactory(units=UNITS)
        for price in (1000, 1200):
            period = {"starts_at": hour(1), "ends_at": hour(1 + HOURS)}
            CapacityFactory(pool=self.pool, units=UNITS // 2, reserve_price=price, **period)
        self.provider = acting(self.pool.facility.provider)
        self.operator = Actor(user=UserFactory(is_staff=True))
        self.buyer = funded_buyer()
        self.closed: Round | None = None
        self.contracts: list[Contract] = []
        self.allocations: dict[int, list[Allocation]] = {}
        self.ends: dict[int, datetime.datetime] = {}
        self.offered: dict[int, datetime.datetime] = {}

    @initialize(units=st.integers(1, UNITS), hours=st.integers(3, 6))
    def begin(self, units: int, hours: int) -> None:
        self.buy(units, hours, settle=True, wait=False)

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.transaction.__exit__(None, None, None)

    @rule(units=st.integers(1, UNITS), hours=st.integers(2, 6), settle=st.booleans(), wait=st.booleans())
    @precondition(lambda self: self.closed is None)
    def buy(self, units: int, hours: int, settle: bool, wait: bool) -> None:
        self.now += wait * SLOT
        window = {"window_start": slot_of(self.now) + SLOT, "window_end": slot_of(self.now) + 7 * SLOT}
        bid(self.buyer, quantity=units, minimum=1, hours=hours, now=self.now, **window)
        self.closed = close_gate(round_id=open_round(now=self.now).pk, now=self.now)
        if settle:
            self.settle()

    @rule()
    @precondition(lambda self: self.closed is not None)
    def settle(self) -> None:
        assert self.closed is not None
        assert advance_round(round_id=self.closed.pk, now=self.now).status == Round.Status.SETTLED
        self.closed = None
        self.contracts = list(Contract.objects.select_related("trade").order_by("pk"))
        for contract in self.contracts:
            self.allocations[contract.pk] = list(contract.trade.allocations.all())

    @property
    def living(self) -> list[Contract]:
        return [
            each for each in self.contracts if each.pk not in self.ends and each.ends_at > self.now + SLOT
        ]

    @rule(which=WHICH, later=st.integers(0, 2), ground=st.sampled_from(GROUNDS), offer=OFTEN)
    @precondition(lambda self: self.living)
    def end(self, which: int, later: int, ground: str, offer: bool) -> None:
        contract = self.living[which % len(self.living)]
        first = contract.starts_at + later * SLOT
        try:
            self._end(contract, ground, {"from_slot": first, "reason": "So.", "now": self.now})
        except TerminationRefused:
            return
        self.ends[contract.pk] = first
        if offer:
            self._offer(contract)

    def _end(self, contract: Contract, ground: str, terms: dict[str, object]) -> None:
        if ground == "agreement":
            proposal = propose_termination(
                actor=acting(contract.buyer), contract_id=contract.pk, ground=Ground.AGREEMENT, **terms
            )
            answer_proposal(actor=self.provider, proposal_id=proposal.pk, accept=True, now=self.now)
            return
        terminate(
            actor=self.operator,
            contract_id=contract.pk,
            ground=Ground.FORCE_MAJEURE if ground == "force majeure" else Ground.BREACH,
            breaching_id={"buyer": contract.buyer_id, "provider": contract.provider_id}.get(ground),
            **terms,
        )

    @rule(which=WHICH)
    @precondition(lambda self: self.ends)
    def offer(self, which: int) -> None:
        ended = [each for each in self.contracts if each.pk in self.ends]
        self._offer(ended[which % len(ended)])

    def _offer(self, contract: Contract) -> None:
        try:
            with transaction.atomic():
                freed = offer_freed_hours(actor=self.provider, contract_id=contract.pk, now=self.now)
        except (NotFreed, InRound):
            return
        assert contract.pk not in self.offered, "offered twice"
        assert freed.first_slot >= slot_of(self.now) + SLOT
        self.offered[contract.pk] = freed.first_slot

    @rule(which=st.integers(0, 2))
    @precondition(lambda self: self.closed is None)
    def pause_or_resume_or_list(self, which: int) -> None:
        """What is paused and unsold may be listed anew: freed hours among it."""
        capacity = Capacity.objects.filter(pool=self.pool).order_by("pk")[min(which, 1)]
        period = {"starts_at": slot_of(self.now) + SLOT, "ends_at": slot_of(self.now) + 3 * SLOT}
        anew = {"pool": self.pool, "units": 1, "reserve_price": 900} | period
        paused = capacity.status == Capacity.Status.PAUSED
        change, of = (resume_capacity if paused else pause_capacity), {"capacity": capacity}
        with suppress(PoolOvercommitted):
            if which == 2:
                change, of = list_capacity, anew
            change(actor=self.provider, now=self.now, **of)

    @invariant()
    def sold_is_what_was_promised_and_not_offered_again(self) -> None:
        expected: Counter[tuple[int, datetime.datetime]] = Counter()
        for contract, shares in self.allocations.items():
            end = self.offered.get(contract)
            for share in shares:
                for slot in slots(share.starts_at, min(share.ends_at, end) if end else share.ends_at):
                    expected[share.capacity_id, slot] += share.units
        hours = CapacityHour.objects.filter(capacity__pool=self.pool, sold__gt=0)
        assert Counter({(each.capacity_id, each.slot): each.sold for each in hours}) == expected

    @invariant()
    def a_unit_hour_is_promised_to_one_living_contract(self) -> None:
        promised: Counter[datetime.datetime] = Counter()
        for contract in self.contracts:
            for slot in slots(contract.starts_at, self.ends.get(contract.pk, contract.ends_at)):
                promised[slot] += contract.quantity
        assert max(promised.values(), default=0) <= UNITS


def slots(first: datetime.datetime, last: datetime.datetime) -> list[datetime.datetime]:
    return [first + number * SLOT for number in range((last - first) // SLOT)]


@pytest.mark.django_db
def test_no_order_of_things_promises_a_unit_hour_twice():
    walk(FreedHoursMachine, examples=8, steps=15)


@pytest.mark.django_db
@pytest.mark.parametrize("fault", FAULTS)
def test_the_database_refuses_each_fault_and_without_it_the_oracle_sees_the_harm(fault, monkeypatch):
    monkeypatch.setattr(freed_hours, *FAULTS[fault])
    with pytest.raises(IntegrityError):
        walk(FreedHoursMachine, examples=25, steps=12)
    drop_trigger("listings_capacityhour", "promised_units_stay_sold")
    drop_constraint("trading_freedhours", "trading_freedhours_termination_id_key")
    drop_constraint("listings_capacityhour", "listings_capacityhour_sold_check")
    run("SET CONSTRAINTS ALL DEFERRED")
    with pytest.raises(AssertionError):
        walk(FreedHoursMachine, examples=25, steps=12)
