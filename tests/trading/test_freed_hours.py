"""The hours that a contract's end freed are sold again: who may offer them, which, and never twice."""

import datetime

import pgtrigger
import pytest
from django.db import IntegrityError, ProgrammingError, transaction

from accounts.audit import Actor
from accounts.errors import NotAllowed
from accounts.models import AuditEvent, Organisation, Role
from listings.errors import InRound
from listings.models import Capacity, CapacityHour, Pool
from listings.operations import pause_capacity, resume_capacity, withdraw_capacity
from marketplace.trading.errors import NotFreed
from marketplace.trading.models import FreedHours, Trade
from marketplace.trading.operations.close_gate import close_gate
from marketplace.trading.operations.offer_freed_hours import offer_freed_hours
from marketplace.trading.operations.open_round import open_round
from marketplace.trading.operations.run_round import advance_round
from marketplace.trading.queries.estimates import estimate
from marketplace.trading.queries.freed_hours import freed_by
from marketplace.trading.queries.market import pool_prices
from settlement.contracts.models import Contract, Ground, Termination
from settlement.contracts.operations import open_contracts
from settlement.delivery.models import StateReport
from settlement.delivery.operations import answer_proposal, propose_termination, terminate
from tests.factories.accounts import NOW, UserFactory
from tests.factories.listings import CapacityFactory, PoolFactory, hour
from tests.factories.settlement import acting, compute_draft
from tests.factories.trading import bid, cleared_round, fund, terms

pytestmark = pytest.mark.django_db

UNITS = 8
HOURS = 6


@pytest.fixture
def capacity() -> Capacity:
    return CapacityFactory(units=UNITS, starts_at=hour(1), ends_at=hour(1 + HOURS), reserve_price=1000)


def bought(units: int = UNITS, *, now: datetime.datetime = NOW, hours: int = HOURS) -> Contract:
    """A contract on all hours of the capacity."""
    bid(quantity=units, hours=hours, window_start=hour(1), window_end=hour(1 + HOURS), now=now)
    cleared_round(now)
    return Trade.objects.latest("pk").contract


def agreed(contract: Contract, *, first: int = 3, ground: Ground = Ground.AGREEMENT) -> Termination:
    proposal = propose_termination(
        actor=acting(contract.buyer),
        contract_id=contract.pk,
        ground=ground,
        from_slot=hour(first),
        reason="Done.",
        now=NOW,
    )
    answer_proposal(actor=acting(contract.provider), proposal_id=proposal.pk, accept=True, now=NOW)
    return Termination.objects.get(contract=contract)


def decided(contract: Contract, breaching: Organisation | None = None, *, first: int = 3) -> Termination:
    return terminate(
        actor=Actor(user=UserFactory(is_staff=True)),
        contract_id=contract.pk,
        ground=Ground.BREACH if breaching else Ground.FORCE_MAJEURE,
        breaching_id=breaching and breaching.pk,
        from_slot=hour(first),
        reason="It did not come.",
        now=NOW,
    )


def offered(contract: Contract, *, now: datetime.datetime = NOW) -> FreedHours:
    return offer_freed_hours(actor=acting(contract.provider, Role.TRADER), contract_id=contract.pk, now=now)


def sold(capacity: Capacity) -> list[int]:
    return list(
        CapacityHour.objects.filter(capacity=capacity).order_by("slot").values_list("sold", flat=True)
    )


@pytest.mark.parametrize("ended", [agreed, lambda contract: decided(contract, contract.buyer)])
def test_the_hours_from_the_end_on_are_unsold_again_and_those_before_stay(capacity, ended):
    contract = bought()
    assert sold(capacity) == [UNITS] * HOURS
    ended(contract)
    freed = offered(contract)
    assert sold(capacity) == [UNITS, UNITS, 0, 0, 0, 0]
    assert (freed.first_slot, freed.unit_hours) == (hour(3), 4 * UNITS)


def test_only_the_contracts_own_units_are_freed(capacity):
    [first, second] = bought(5), bought(3)
    agreed(first)
    offered(first)
    assert sold(capacity) == [8, 8, 3, 3, 3, 3]
    agreed(second, first=5)
    offered(second)
    assert sold(capacity) == [8, 8, 3, 3, 0, 0]


def test_each_capacity_has_its_own_units_back(capacity):
    dearer = CapacityFactory(
        pool=capacity.pool, units=4, starts_at=hour(1), ends_at=hour(1 + HOURS), reserve_price=1500
    )
    contract = bought(10)
    agreed(contract, first=6)
    assert offered(contract).unit_hours == 10
    assert (sold(capacity), sold(dearer)) == ([8] * 5 + [0], [2] * 5 + [0])


@pytest.mark.parametrize(
    ("minutes", "first", "freed"),
    [(0, 3, 4), (174, 3, 4), (175, 4, 3), (295, 6, 1), (355, 7, 0)],
)
def test_an_hour_that_the_next_round_cannot_sell_stays_as_it_was(capacity, minutes, first, freed):
    contract = bought()
    agreed(contract)
    now = NOW + datetime.timedelta(minutes=minutes)
    if not freed:
        with pytest.raises(NotFreed, match=r"the next round sells from 2026-06-01 1\d:00 UTC on"):
            offered(contract, now=now)
        assert sold(capacity) == [UNITS] * HOURS
        return
    assert offered(contract, now=now).first_slot == hour(first)
    assert sold(capacity) == [UNITS] * (HOURS - freed) + [0] * freed


def test_the_lead_that_providers_have_counts(capacity, settings):
    contract = bought()
    agreed(contract)
    settings.ROUND_LEAD_HOURS = 3
    assert offered(contract).first_slot == hour(4)


@pytest.mark.parametrize(
    "ended",
    [
        lambda contract: agreed(contract, ground=Ground.FORCE_MAJEURE),
        decided,
        lambda contract: decided(contract, contract.provider),
    ],
)
def test_after_force_majeure_or_the_providers_breach_nothing_is_offered(capacity, ended):
    contract = bought()
    termination = ended(contract)
    with pytest.raises(NotFreed, match="nobody can say"):
        offered(contract)
    with pytest.raises(IntegrityError, match="freed no hours"), transaction.atomic():
        written(termination)
    assert sold(capacity) == [UNITS] * HOURS
    with pgtrigger.ignore("trading.FreedHours:freed_without_the_providers_fault"):
        assert written(termination)  # The harm, were it not for the trigger.


def written(termination: Termination, first_slot: datetime.datetime | None = None) -> FreedHours:
    """Past the operation."""
    return FreedHours.objects.create(
        termination=termination, first_slot=first_slot or hour(3), unit_hours=1, offered_at=NOW
    )


def test_the_database_frees_no_hour_before_the_end(capacity):
    termination = agreed(bought())
    with pytest.raises(IntegrityError, match="freed no hours"), transaction.atomic():
        written(termination, hour(2))


def test_a_contract_that_goes_on_frees_nothing(capacity):
    contract = bought()
    with pytest.raises(NotFreed, match="was not terminated"):
        offered(contract)


def test_where_the_delivery_failed_nothing_is_offered(capacity):
    contract = bought()
    agreed(contract)
    StateReport.objects.create(contract=contract, state="failed", source="agent", reported_at=NOW)
    with pytest.raises(NotFreed, match="delivery failed"):
        offered(contract)


def test_they_are_offered_once(capacity):
    contract, other = bought(5), bought(3)
    termination = agreed(contract)
    offered(contract)
    with pytest.raises(NotFreed, match="already"):
        offered(contract)
    with pytest.raises(IntegrityError, match="termination_id"), transaction.atomic():
        written(termination)
    assert sold(capacity) == [8, 8, 3, 3, 3, 3]
    assert other.termination_proposals.count() == 0


def test_the_record_is_kept_and_the_trail_says_who(capacity):
    contract = bought()
    agreed(contract)
    freed = offered(contract)
    for change in (lambda rows: rows.update(unit_hours=1), lambda rows: rows.delete()):
        with pytest.raises(ProgrammingError, match="Cannot"), transaction.atomic():
            change(FreedHours.objects.all())
    event = AuditEvent.objects.get(verb="offer")
    assert (event.organisation, event.user) == (contract.provider, freed.offered_by)
    assert event.verb_label == "offered again"
    assert event.subject_label == "freed hours"
    assert dict(event.detail_lines()) == {
        "contract": contract.number,
        "first slot": "2026-06-01 07:00 UTC",
        "unit-hours": "32",
    }


def test_only_the_providers_traders_and_owners_offer_them(capacity, stranger):
    contract = bought()
    agreed(contract)
    for actor, sentence in [
        (acting(contract.provider, Role.ENGINEER), "role does not include"),
        (acting(contract.provider, Role.FINANCE), "role does not include"),
        (acting(contract.buyer), "Only the provider"),
        (Actor(user=stranger.user, organisation=stranger.organisation), "Only the provider"),
        (Actor(user=stranger.user, organisation=contract.provider), "role does not include"),
    ]:
        with pytest.raises(NotAllowed, match=sentence):
            offer_freed_hours(actor=actor, contract_id=contract.pk, now=NOW)
    assert sold(capacity) == [UNITS] * HOURS


def test_a_round_that_is_cleared_with_the_capacity_is_waited_for(capacity):
    contract = bought(5)
    agreed(contract)
    closed = close_gate(round_id=open_round(now=NOW).pk, now=NOW)
    with pytest.raises(InRound, match="Try again in a minute"):
        offered(contract)
    assert sold(capacity) == [5] * HOURS
    assert not FreedHours.objects.exists()
    advance_round(round_id=closed.pk, now=NOW)
    offered(contract)
    assert sold(capacity) == [5, 5, 0, 0, 0, 0]


def test_a_withdrawn_capacity_takes_nothing_back_and_the_others_do(capacity):
    other = CapacityFactory(pool=capacity.pool, units=4, starts_at=hour(1), ends_at=hour(1 + HOURS))
    both, one = bought(10), bought(2)
    provider = acting(both.provider)
    withdraw_capacity(actor=provider, capacity=other, now=NOW)
    agreed(both)
    assert offered(both).unit_hours == 4 * UNITS
    assert (sold(capacity), sold(other)) == ([8, 8, 0, 0, 0, 0], [4] * HOURS)
    agreed(one)
    with pytest.raises(NotFreed, match="was withdrawn"):
        offered(one)


def test_a_capacity_withdrawn_in_the_same_moment_undoes_the_offer(capacity, monkeypatch):
    contract = bought()
    agreed(contract)
    before = freed_by(contract, now=NOW)
    withdraw_capacity(actor=acting(contract.provider), capacity=capacity, now=NOW)
    monkeypatch.setattr(
        "marketplace.trading.operations.offer_freed_hours.freed_by", lambda contract, now: before
    )
    with pytest.raises(Exception, match=f"Capacity {capacity.pk} was withdrawn"):
        offered(contract)
    assert not FreedHours.objects.exists()


def test_a_paused_capacity_takes_them_back_and_sells_them_once_it_is_resumed(capacity):
    contract = bought()
    agreed(contract)
    provider = acting(contract.provider)
    pause_capacity(actor=provider, capacity=capacity, now=NOW)
    offered(contract)
    assert sold(capacity) == [8, 8, 0, 0, 0, 0]
    order = bid(quantity=8, hours=4, window_start=hour(1))
    cleared_round()
    assert order.round_orders.get().outcome == "no_capacity"
    resume_capacity(actor=provider, capacity=capacity, now=NOW)
    cleared_round()
    assert order.trade.starts_at == hour(3)


def test_the_next_round_sells_them_and_the_market_shows_them(capacity):
    contract = bought()
    agreed(contract)
    later = NOW + datetime.timedelta(minutes=5)
    asked = terms(quantity=8, hours=4)

    def shown() -> tuple[list[int], int]:
        cleared_round(later)
        [row] = pool_prices(since=hour(1), hours=HOURS) or [None]
        [pool] = estimate(organisation=None, terms=asked, now=later).pools
        return [each.offered for each in row.hours] if row else [], pool.units

    assert shown() == ([], 0)
    offered(contract)
    assert shown() == ([0, 0, 8, 8, 8, 8], 8)
    order = bid(quantity=8, hours=4, now=later)
    cleared_round(later)
    assert (order.trade.starts_at, order.trade.prices) == (hour(3), [1000] * 4)
    assert sold(capacity) == [UNITS] * HOURS


def test_what_is_promised_stays_sold_whatever_forgets_the_contract(capacity):
    contract = bought(5)
    hours = CapacityHour.objects.filter(capacity=capacity)
    with pytest.raises(IntegrityError, match="has promised 5 units"), transaction.atomic():
        hours.update(sold=4)
    agreed(contract)
    with pytest.raises(IntegrityError, match="has promised 5 units"), transaction.atomic():
        hours.filter(slot=hour(4)).update(sold=0)
    offered(contract)
    with pytest.raises(IntegrityError, match="has promised 5 units"), transaction.atomic():
        hours.filter(slot=hour(2)).update(sold=0)
    with pgtrigger.ignore("trading.PromisedHour:promised_units_stay_sold"):
        assert hours.update(sold=0) == HOURS  # The harm, were it not for the trigger.


def test_a_contract_without_a_trade_has_no_capacity_to_return_to(buyer, provider):
    fund(buyer, 6200)
    pool: Pool = PoolFactory(facility__provider=provider)
    [contract] = open_contracts(drafts=[compute_draft(buyer, pool, now=NOW)], now=NOW)
    agreed(contract)
    with pytest.raises(NotFreed, match="No freed hour is left"):
        offered(contract)
