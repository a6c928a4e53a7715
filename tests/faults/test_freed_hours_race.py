"""Freed hours are offered by several at once, and while a gate closes: once, and never under a round."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from datetime import datetime
from functools import partial

import pgtrigger
import pytest
from django.db import IntegrityError, connection
from django.db.models import QuerySet

from accounts.models import AuditEvent
from listings.errors import InRound
from listings.models import Capacity
from listings.operations import sales
from listings.queries import open_hours
from marketplace.trading.documents import content_of
from marketplace.trading.errors import NotFreed
from marketplace.trading.models import FreedHours, Round, Trade
from marketplace.trading.operations import offer_freed_hours as offering
from marketplace.trading.operations.close_gate import close_gate
from marketplace.trading.operations.open_round import open_round
from marketplace.trading.operations.run_round import advance_round
from settlement.contracts.models import Contract, Ground, Termination
from settlement.delivery.operations import answer_proposal, propose_termination
from tests.factories.accounts import NOW
from tests.factories.listings import CapacityFactory, PoolFactory, hour
from tests.factories.settlement import acting
from tests.factories.trading import bid, cleared_round
from tests.faults.races import at_once

pytestmark = pytest.mark.django_db(transaction=True)

UNITS = 8
UNIQUE = "trading_freedhours_termination_id_key"
TRIGGER = "trading.PromisedHour:promised_units_stay_sold"


def listed() -> Capacity:
    period = {"starts_at": hour(1), "ends_at": hour(3)}
    return CapacityFactory(pool=PoolFactory(units=UNITS), units=UNITS, reserve_price=1000, **period)


def bought(*units: int) -> list[Contract]:
    for each in units:
        bid(quantity=each, hours=2, window_end=hour(3))
    return [trade.contract for trade in Trade.objects.filter(round=cleared_round()).order_by("order")]


def ended(contract: Contract) -> Contract:
    """From its first hour on, by agreement."""
    proposal = propose_termination(
        actor=acting(contract.buyer),
        contract_id=contract.pk,
        ground=Ground.AGREEMENT,
        from_slot=contract.starts_at,
        reason="Done.",
        now=NOW,
    )
    answer_proposal(actor=acting(contract.provider), proposal_id=proposal.pk, accept=True, now=NOW)
    return contract


def offer(contract: Contract) -> Callable[[], object]:
    actor = acting(contract.provider)
    return partial(offering.offer_freed_hours, actor=actor, contract_id=contract.pk, now=NOW)


def sold(capacity: Capacity) -> list[int]:
    return list(capacity.hours.order_by("slot").values_list("sold", flat=True))


def most_promised() -> int:
    """To contracts that go on, in one hour."""
    going_on = Contract.objects.filter(termination=None)
    return sum(each.quantity for each in going_on if each.starts_at <= hour(1) < each.ends_at)


@contextmanager
def all_read_first(count: int, *, patience: float = 60) -> Iterator[None]:
    """Every one of `count` offers has read what is free before one frees it, or patience ends."""
    read, met = offering.freed_by, threading.Barrier(count)

    def together(contract: Contract, *, now: datetime) -> object:
        freed = read(contract, now=now)
        with suppress(threading.BrokenBarrierError):
            met.wait(timeout=patience)
        return freed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(offering, "freed_by", together)
        yield


@contextmanager
def without_the_lock() -> Iterator[None]:
    lock = QuerySet.select_for_update
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            QuerySet,
            "select_for_update",
            lambda rows, **how: rows if rows.model is Termination else lock(rows, **how),
        )
        yield


@contextmanager
def without_the_key() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE trading_freedhours DROP CONSTRAINT {UNIQUE}")
        yield
        with pgtrigger.ignore("trading.FreedHours:append_only"):
            FreedHours.objects.all().delete()
        cursor.execute(f"ALTER TABLE trading_freedhours ADD CONSTRAINT {UNIQUE} UNIQUE (termination_id)")


@pytest.mark.parametrize(
    ("off", "refusal", "sentence"),
    [
        ([], NotFreed, "offered again already"),
        ([without_the_lock], IntegrityError, UNIQUE),
        ([without_the_lock, without_the_key], IntegrityError, "has promised 6 units"),
    ],
    ids=["all guards", "without the lock", "without lock and key"],
)
def test_of_many_offers_of_the_same_hours_one_is_taken(off, refusal, sentence):
    capacity = listed()
    contract, *_ = bought(2, 3, 3)
    act = offer(ended(contract))
    with ExitStack() as guards, all_read_first(6, patience=60 if off else 0.5):
        for each in off:
            guards.enter_context(each())
        refused = [each for each in at_once([act] * 6, refusals=(refusal,)) if each]
        assert len(refused) == 5
        assert all(sentence in str(each) for each in refused)
        assert FreedHours.objects.count() == AuditEvent.objects.filter(verb="offer").count() == 1
    assert sold(capacity) == [6, 6]
    bought(2)
    assert most_promised() == UNITS


def test_without_any_guard_a_unit_hour_is_promised_to_two_contracts():
    capacity = listed()
    contract, *_ = bought(2, 3, 3)
    act = offer(ended(contract))

    def unwatched() -> None:
        with pgtrigger.ignore(TRIGGER):
            act()

    with without_the_lock(), without_the_key(), all_read_first(2):
        assert at_once([unwatched] * 2) == [None, None]
        assert sold(capacity) == [4, 4]
        bought(4)
        assert most_promised() == UNITS + 2


def in_book(closed: Round) -> Counter[tuple[int, datetime]]:
    """The units of each capacity and hour that the round is cleared with."""
    asks = content_of(closed.book)["asks"]
    rows = zip(closed.capacity_ids, asks["first"], asks["last"], asks["quantity"], strict=True)
    return Counter(
        {
            (capacity, closed.time_of(slot)): units
            for capacity, first, last, units in rows
            for slot in range(first, last)
        }
    )


def on_offer(closed: Round) -> Counter[tuple[int, datetime]]:
    hours = open_hours(first_slot=closed.horizon_start or NOW, slots=closed.slots)
    return Counter({(each.capacity_id, each.slot): each.units - each.sold for each in hours})


def gate() -> Round:
    closed = close_gate(round_id=open_round(now=NOW).pk, now=NOW)
    assert closed is not None
    return closed


def test_what_a_round_is_cleared_with_does_not_change_under_it():
    """Whoever comes first: the hours are in the book, or they are refused until the round has settled."""
    capacities = [listed() for _ in range(6)]
    contracts = [ended(each) for each in bought(*[5] * 6)]
    round_id = open_round(now=NOW).pk
    acts = [offer(each) for each in contracts]
    close = partial(close_gate, round_id=round_id, now=NOW)
    refused = at_once([*acts[:3], close, *acts[3:]], refusals=(InRound,))
    closed = Round.objects.get(pk=round_id)
    assert in_book(closed) == on_offer(closed)
    assert FreedHours.objects.count() == refused.count(None) - 1
    advance_round(round_id=round_id, now=NOW)
    at_once(acts, refusals=(NotFreed,))
    assert [sold(each) for each in capacities] == [[0, 0]] * 6


@pytest.mark.parametrize("frozen_refuses", [True, False])
def test_were_a_frozen_capacity_not_refused_the_book_would_be_wrong(monkeypatch, frozen_refuses):
    listed()
    [contract] = bought(5)
    act, closed = offer(ended(contract)), gate()
    if not frozen_refuses:
        monkeypatch.setattr(sales, "refuse_frozen", lambda capacity: None)
    with pytest.raises(InRound) if frozen_refuses else nullcontext():
        act()
    assert (in_book(closed) == on_offer(closed)) == frozen_refuses
