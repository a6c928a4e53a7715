"""Seats and calls in any order of events, against a plain-Python oracle."""

import datetime

import pytest
from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from accounts.audit import Actor
from accounts.errors import DomainError
from settlement.licences.errors import (
    LicenceRevoked,
    LicenceSuspended,
    NoSeatFree,
    NotActivated,
    QuotaExceeded,
    RequestIdUsed,
    WrongStanding,
)
from settlement.licences.models import Activation, Licence, LicenceEvent, LicenceToken
from settlement.licences.operations import (
    CallReport,
    activate,
    deactivate,
    heartbeat,
    meter_calls,
    reclaim_seat,
    reinstate_licence,
    release_lapsed_seats,
    revoke_licence,
    suspend_licence,
    validate,
)
from tests.factories.accounts import NOW, OrganisationFactory, UserFactory
from tests.factories.licences import licensed, machine, token_of
from tests.factories.settlement import acting
from tests.settlement.machines import walk

pytestmark = pytest.mark.django_db
SEATS, QUOTA = 2, 10
MINUTE = datetime.timedelta(minutes=1)
LEASE = 15 * MINUTE

machines = st.sampled_from("abcd")
requests = st.lists(st.tuples(st.sampled_from("rstuv"), st.integers(1, 4)), min_size=1, max_size=3)


class LicenceMachine(RuleBasedStateMachine):
    """The oracle keeps who holds a seat until when, which requests counted, and the standing."""

    floats = True

    def __init__(self) -> None:
        super().__init__()
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        binding = "floating" if self.floats else "node_locked"
        self.licence = licensed(
            OrganisationFactory(), seats=SEATS, kind="per_call", calls=QUOTA // SEATS, binding=binding
        )
        token_of(self.licence)
        self.holder, self.publisher = acting(self.licence.licensee), acting(self.licence.publisher)
        self.operator = Actor(user=UserFactory(is_staff=True))
        self.now = NOW
        self.seats: dict[str, datetime.datetime | None] = {}
        self.counted: dict[str, int] = {}
        self.standing = "active"

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.atomic.__exit__(None, None, None)

    @property
    def token(self) -> LicenceToken:
        """As the next request finds it."""
        return LicenceToken.objects.select_related("licence__contract").get(licence=self.licence)

    def refusal(self) -> type[DomainError] | None:
        return {"active": None, "suspended": LicenceSuspended, "revoked": LicenceRevoked}[self.standing]

    def lease(self) -> datetime.datetime | None:
        return self.now + LEASE if self.floats else None

    def lapsed(self) -> list[str]:
        return [name for name, until in self.seats.items() if until is not None and until <= self.now]

    def expect(self, refusal: type[DomainError] | None, act) -> None:
        if refusal is None:
            act()
            return
        with pytest.raises(refusal):
            act()

    @rule(minutes=st.sampled_from([1, 7, 15, 60]))
    def time_passes(self, minutes: int) -> None:
        self.now += minutes * MINUTE

    @rule(name=machines)
    def a_machine_starts(self, name: str) -> None:
        refusal = self.refusal()
        if refusal is None:
            for silent in self.lapsed():
                if silent != name:
                    del self.seats[silent]
            if name in self.seats or len(self.seats) < SEATS:
                self.seats[name] = self.lease()
            else:
                refusal = NoSeatFree
        self.expect(refusal, lambda: activate(token=self.token, machine=machine(name), now=self.now))

    @rule(name=machines)
    def a_machine_beats(self, name: str) -> None:
        refusal = self.refusal()
        if refusal is None:
            if name in self.seats:
                self.seats[name] = self.lease()
            else:
                refusal = NotActivated
        self.expect(refusal, lambda: heartbeat(token=self.token, fingerprint=name, now=self.now))

    @rule(name=machines)
    def a_machine_stops(self, name: str) -> None:
        released = deactivate(token=self.token, fingerprint=name, now=self.now)
        assert released == (name in self.seats)
        self.seats.pop(name, None)

    @rule()
    def the_task_runs(self) -> None:
        assert release_lapsed_seats(now=self.now) == len(self.lapsed())
        for silent in self.lapsed():
            del self.seats[silent]

    @rule(name=machines)
    def a_member_takes_a_seat_back(self, name: str) -> None:
        seat = self.licence.activations.filter(fingerprint=name).order_by("-pk").first()
        if seat is None:
            return
        ask = {"licence_id": self.licence.pk, "activation_id": seat.pk, "now": self.now}
        assert reclaim_seat(actor=self.holder, **ask) == (name in self.seats)
        self.seats.pop(name, None)

    @rule(batch=requests)
    def calls_are_reported(self, batch: list[tuple[str, int]]) -> None:
        wanted = dict(batch)
        new = {request: calls for request, calls in wanted.items() if request not in self.counted}
        contradicts = any(wanted[request] != calls for request, calls in batch)
        differs = any(self.counted.get(request, calls) != calls for request, calls in batch)
        refusal = RequestIdUsed if contradicts else self.refusal()
        if refusal is None and differs:
            refusal = RequestIdUsed
        elif refusal is None and sum(new.values()) + sum(self.counted.values()) > QUOTA:
            refusal = QuotaExceeded
        reports = [CallReport(*each) for each in batch]
        self.expect(refusal, lambda: meter_calls(token=self.token, reports=reports, now=self.now))
        if refusal is None:
            self.counted |= new

    @rule(by_operator=st.booleans())
    def it_is_suspended(self, by_operator: bool) -> None:
        actor = self.operator if by_operator else self.publisher
        by = Licence.Suspender.OPERATOR if by_operator else Licence.Suspender.PUBLISHER
        row = Licence.objects.get(pk=self.licence.pk)
        over = self.standing == "active" or (by_operator and row.suspended_by == "publisher")
        self.expect(
            None if over else WrongStanding,
            lambda: suspend_licence(
                actor=actor, licence_id=self.licence.pk, by=by, reason="So.", now=self.now
            ),
        )
        if over:
            self.standing = "suspended"

    @rule()
    def it_is_reinstated(self) -> None:
        self.expect(
            None if self.standing == "suspended" else WrongStanding,
            lambda: reinstate_licence(
                actor=self.operator,
                licence_id=self.licence.pk,
                by=Licence.Suspender.OPERATOR,
                now=self.now,
            ),
        )
        if self.standing == "suspended":
            self.standing = "active"

    @rule(really=st.integers(0, 9))
    def it_is_revoked(self, really: int) -> None:
        if really or self.standing == "revoked":
            return
        revoke_licence(actor=self.operator, licence_id=self.licence.pk, reason="So.", now=self.now)
        self.standing, self.seats = "revoked", {}

    @invariant()
    def the_database_says_the_same(self) -> None:
        active = Activation.objects.active().values_list("fingerprint", "leased_until")
        assert dict(active) == self.seats
        assert len(self.seats) <= SEATS
        numbers = list(Activation.objects.active().values_list("seat", flat=True))
        assert len(set(numbers)) == len(numbers)
        row = Licence.objects.get(pk=self.licence.pk)
        assert row.calls_used == sum(self.counted.values()) <= QUOTA
        taken = LicenceEvent.objects.filter(kind="activated").count()
        given = LicenceEvent.objects.filter(
            kind__in=["deactivated", "lapsed", "reclaimed", "cleared"]
        ).count()
        assert taken - given == len(self.seats)

    @rule(name=machines)
    def software_asks(self, name: str) -> None:
        answer = validate(token=self.token, fingerprint=name, nonce="", now=self.now)
        assert answer.valid == (self.standing == "active" and name in self.seats)


class NodeLockedMachine(LicenceMachine):
    floats = False


@pytest.fixture(autouse=True)
def leases(settings) -> None:
    settings.LICENCE_LEASE_MINUTES = 15


@pytest.mark.parametrize("machine_class", [LicenceMachine, NodeLockedMachine])
def test_seats_and_calls_are_right_after_every_step(machine_class):
    walk(machine_class, examples=10, steps=25)


def test_the_machine_sees_a_lease_that_never_ends(monkeypatch):
    monkeypatch.setattr("settlement.licences.operations.seats._lease", lambda licence, now: None)
    with pytest.raises(AssertionError):
        walk(LicenceMachine, examples=10, steps=25)
