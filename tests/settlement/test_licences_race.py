"""A hundred machines reach for ten seats at once, programs for the last calls: no more than was bought."""

import threading
from collections.abc import Callable

import pytest
from django.db import connection

from settlement.licences.errors import NoSeatFree, QuotaExceeded
from settlement.licences.models import Activation, Licence, LicenceToken
from settlement.licences.operations import CallReport, activate, meter_calls
from tests.factories.accounts import NOW, OrganisationFactory
from tests.factories.licences import licensed, machine, token_of

pytestmark = pytest.mark.django_db(transaction=True)

MACHINES, SEATS = 100, 10


def together(count: int, act: Callable[[int], object], refusal: type[Exception]) -> list[bool]:
    """Do `act(0)` to `act(count - 1)` in threads that start at once; which of them were not refused."""
    start = threading.Barrier(count)
    done: dict[int, bool] = {}

    def run(number: int) -> None:
        try:
            start.wait(timeout=60)
            act(number)
            done[number] = True
        except refusal:
            done[number] = False
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert sorted(done) == list(range(count)), "every thread ends, and none by a fault"
    return [done[number] for number in range(count)]


@pytest.fixture
def token() -> LicenceToken:
    return token_of(licensed(OrganisationFactory(), seats=SEATS, kind="per_call", calls=1))


def rush(token: LicenceToken) -> int:
    """A hundred machines activate at once: how many have a seat."""
    act = together(MACHINES, lambda n: activate(token=token, machine=machine(f"m{n}"), now=NOW), NoSeatFree)
    assert sum(act) == Activation.objects.active().count()
    return sum(act)


@pytest.fixture
def without_the_guard():
    """The unique constraint is gone for a test, and comes back after it."""
    [guard] = [each for each in Activation._meta.constraints if each.name == "seat_taken_once"]
    with connection.schema_editor() as editor:
        editor.remove_constraint(Activation, guard)
    yield
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE licences_activation")
    with connection.schema_editor() as editor:
        editor.add_constraint(Activation, guard)


def test_ten_of_a_hundred_machines_get_a_seat(token):
    assert rush(token) == SEATS
    assert sorted(Activation.objects.active().values_list("seat", flat=True)) == list(range(1, SEATS + 1))


@pytest.mark.usefixtures("without_the_guard")
def test_without_the_constraint_more_machines_than_seats_would_run(token):
    assert rush(token) > SEATS


def test_one_machine_that_starts_many_times_at_once_takes_one_seat(token):
    act = together(20, lambda n: activate(token=token, machine=machine("same"), now=NOW), NoSeatFree)
    assert all(act)
    assert Activation.objects.count() == 1


def test_the_last_calls_go_to_one_program_each_and_a_request_counts_once(token):
    """Fifty programs report one call each, every request twice: ten calls are in the quota."""
    reported = together(
        50, lambda n: meter_calls(token=token, reports=[CallReport(f"r{n % 25}")], now=NOW), QuotaExceeded
    )
    assert Licence.objects.get().calls_used == SEATS
    assert sum(reported) == 2 * SEATS, "who was counted is told so both times"
