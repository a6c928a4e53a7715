"""Machines on seats: taken, kept by heartbeats, given back, taken back; node-locked ones stay."""

import datetime

import pytest
from django.db import IntegrityError, ProgrammingError, transaction

from accounts.errors import InvalidInput, NotAllowed
from accounts.models import AuditEvent, Role
from settlement.licences.errors import NoSeatFree, NotActivated
from settlement.licences.models import Activation, LicenceEvent
from settlement.licences.operations import activate, deactivate, heartbeat, reclaim_seat, release_lapsed_seats
from tests.factories.accounts import NOW
from tests.factories.licences import licensed, machine, token_of
from tests.factories.settlement import acting
from tests.settlement.triggers import run

pytestmark = pytest.mark.django_db
MINUTE = datetime.timedelta(minutes=1)


@pytest.fixture(autouse=True)
def lease(settings):
    settings.LICENCE_LEASE_MINUTES = 15


@pytest.fixture
def token(buyer):
    return token_of(licensed(buyer, seats=2))


def on(token, *fingerprints, now=NOW) -> list[Activation]:
    return [activate(token=token, machine=machine(each), now=now) for each in fingerprints]


def active() -> list[str]:
    return sorted(Activation.objects.active().values_list("fingerprint", flat=True))


def test_there_are_no_more_machines_than_seats(token):
    seats = {each.seat for each in on(token, "a", "b")}
    assert seats == {1, 2}
    with pytest.raises(NoSeatFree, match="All 2 seats"):
        on(token, "c")
    assert deactivate(token=token, fingerprint="a", now=NOW)
    on(token, "c")
    assert active() == ["b", "c"]


def test_the_same_machine_keeps_its_seat(token):
    [first] = on(token, "a")
    on(token, "b")
    [again] = on(token, "a", now=NOW + MINUTE)
    assert again.pk == first.pk
    assert again.leased_until == NOW + 16 * MINUTE
    assert LicenceEvent.objects.filter(kind="activated").count() == 2


def test_a_heartbeat_keeps_a_floating_seat_and_a_crashed_machine_loses_it(token):
    on(token, "alive", "crashed")
    heartbeat(token=token, fingerprint="alive", now=NOW + 14 * MINUTE)
    with pytest.raises(NoSeatFree):
        on(token, "new", now=NOW + 14 * MINUTE)
    on(token, "new", now=NOW + 15 * MINUTE)
    assert active() == ["alive", "new"]
    with pytest.raises(NotActivated):
        heartbeat(token=token, fingerprint="crashed", now=NOW + 15 * MINUTE)
    assert LicenceEvent.objects.get(kind="lapsed").note == "host crashed"


def test_a_late_heartbeat_finds_its_seat_again_where_nobody_took_it(token):
    on(token, "late", "other")
    heartbeat(token=token, fingerprint="late", now=NOW + 60 * MINUTE)
    release_lapsed_seats(now=NOW + 60 * MINUTE)
    assert active() == ["late"]


def test_a_lapsed_machine_that_comes_back_has_its_seat_before_others(token):
    on(token, "a", "b")
    [again] = on(token, "a", now=NOW + 60 * MINUTE)
    assert again.activated_at == NOW
    assert active() == ["a"]


def test_the_task_takes_back_seats_of_silent_machines(token):
    on(token, "a", "b")
    assert release_lapsed_seats(now=NOW + 14 * MINUTE) == 0
    assert release_lapsed_seats(now=NOW + 15 * MINUTE) == 2
    assert release_lapsed_seats(now=NOW + 15 * MINUTE) == 0
    assert active() == []


def test_a_node_locked_seat_stays_until_it_is_given_back(buyer):
    licence = licensed(buyer, seats=1, binding="node_locked")
    token = token_of(licence)
    [seat] = on(token, "a")
    year = NOW + datetime.timedelta(days=365)
    assert seat.leased_until is None
    assert release_lapsed_seats(now=year) == 0
    with pytest.raises(NoSeatFree, match="only seat"):
        on(token, "b", now=year)
    assert heartbeat(token=token, fingerprint="a", now=year).last_seen_at == year
    assert reclaim_seat(
        actor=acting(buyer, Role.ENGINEER), licence_id=licence.pk, activation_id=seat.pk, now=year
    )
    on(token, "b", now=year)
    assert active() == ["b"]


def test_giving_back_twice_or_what_was_never_taken_does_nothing(token):
    on(token, "a")
    assert deactivate(token=token, fingerprint="a", now=NOW)
    assert not deactivate(token=token, fingerprint="a", now=NOW)
    assert not deactivate(token=token, fingerprint="never", now=NOW)
    assert LicenceEvent.objects.filter(kind="deactivated").count() == 1


@pytest.mark.parametrize("fingerprint", ["", "x" * 129])
def test_a_fingerprint_has_a_length(token, fingerprint):
    with pytest.raises(InvalidInput, match="1 to 128"):
        on(token, fingerprint)


def test_only_the_holders_engineers_take_a_seat_back(buyer, token, stranger, viewer):
    [seat] = on(token, "a")
    ask = {"licence_id": token.licence_id, "activation_id": seat.pk, "now": NOW}
    for actor in (
        acting(stranger.organisation),
        acting(buyer, Role.VIEWER),
        acting(buyer, Role.FINANCE),
        acting(token.licence.publisher),
    ):
        with pytest.raises(NotAllowed):
            reclaim_seat(actor=actor, **ask)
    assert active() == ["a"]
    assert reclaim_seat(actor=acting(buyer, Role.ENGINEER), **ask)
    assert not reclaim_seat(actor=acting(buyer, Role.ENGINEER), **ask)
    assert active() == []
    assert AuditEvent.objects.filter(verb="release", organisation=buyer).count() == 1


def test_the_database_knows_no_seat_past_the_last_nor_a_second_machine_on_one(token):
    [seat] = on(token, "a")
    insert = """INSERT INTO licences_activation
        (licence_id, seat, fingerprint, name, jurisdiction, hub, activated_at, last_seen_at)
        VALUES (%s, %s, %s, '', 'mainland', '', now(), now())"""
    for number, fingerprint, guard in [
        (3, "b", "seats, not 3"),
        (0, "b", "seats_count_from_one|check_violation|check constraint"),
        (seat.seat, "b", "seat_taken_once"),
        (3 - seat.seat, "a", "machine_takes_one_seat"),
    ]:
        with pytest.raises(IntegrityError, match=guard), transaction.atomic():
            run(insert, token.licence_id, number, fingerprint)


def test_a_seat_that_was_given_back_is_never_taken_up_again(token):
    on(token, "a")
    deactivate(token=token, fingerprint="a", now=NOW)
    for change in ("released_at = NULL", "seat = 2"):
        with pytest.raises(ProgrammingError, match="Cannot"), transaction.atomic():
            run(f"UPDATE licences_activation SET {change}")
