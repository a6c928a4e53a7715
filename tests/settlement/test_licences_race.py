"""A hundred machines reach for ten seats at once, programs for the last calls: no more than was bought."""

from collections.abc import Callable
from functools import partial

import pytest

from settlement.licences.errors import NoSeatFree, QuotaExceeded
from settlement.licences.models import Activation, Licence, LicenceToken
from settlement.licences.operations import CallReport, activate, meter_calls
from tests.factories.accounts import NOW, OrganisationFactory
from tests.factories.licences import licensed, machine, token_of
from tests.faults.races import at_once
from tests.settlement.triggers import run, without_constraint

pytestmark = pytest.mark.django_db(transaction=True)

MACHINES, SEATS = 100, 10


def done(count: int, act: Callable[[int], object], refusal: type[Exception]) -> int:
    """Do `act(0)` to `act(count - 1)` at once: how many were not refused."""
    return at_once([partial(act, number) for number in range(count)], refusals=(refusal,)).count(None)


@pytest.fixture
def token() -> LicenceToken:
    return token_of(licensed(OrganisationFactory(), seats=SEATS, kind="per_call", calls=1))


def rush(token: LicenceToken) -> int:
    """A hundred machines activate at once: how many have a seat."""
    seated = done(MACHINES, lambda n: activate(token=token, machine=machine(f"m{n}"), now=NOW), NoSeatFree)
    assert seated == Activation.objects.active().count()
    return seated


@pytest.fixture
def without_the_guard():
    """The unique constraint is gone for a test, and comes back after it."""
    with without_constraint(Activation, "seat_taken_once"):
        yield
        run("TRUNCATE licences_activation")


def test_ten_of_a_hundred_machines_get_a_seat(token):
    assert rush(token) == SEATS
    assert sorted(Activation.objects.active().values_list("seat", flat=True)) == list(range(1, SEATS + 1))


@pytest.mark.usefixtures("without_the_guard")
def test_without_the_constraint_more_machines_than_seats_would_run(token):
    assert rush(token) > SEATS


def test_one_machine_that_starts_many_times_at_once_takes_one_seat(token):
    assert done(20, lambda n: activate(token=token, machine=machine("same"), now=NOW), NoSeatFree) == 20
    assert Activation.objects.count() == 1


def test_the_last_calls_go_to_one_program_each_and_a_request_counts_once(token):
    """Fifty programs report one call each, every request twice: ten calls are in the quota."""
    reported = done(
        50, lambda n: meter_calls(token=token, reports=[CallReport(f"r{n % 25}")], now=NOW), QuotaExceeded
    )
    assert Licence.objects.get().calls_used == SEATS
    assert reported == 2 * SEATS, "who was counted is told so both times"
