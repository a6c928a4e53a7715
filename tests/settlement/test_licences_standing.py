"""Expiry and grace by the clock, suspension, revocation, reinstatement: who may, and what still works."""

import datetime

import pytest

from accounts.audit import Actor
from accounts.errors import InvalidInput, NotAllowed
from accounts.models import AuditEvent, OutgoingEmail, Role
from settlement.contracts.models import Ground
from settlement.delivery.operations import terminate
from settlement.licences.errors import LicenceExpired, LicenceRevoked, LicenceSuspended, WrongStanding
from settlement.licences.models import Activation, Licence, Standing
from settlement.licences.operations import (
    CallReport,
    activate,
    heartbeat,
    link_for_software,
    meter_calls,
    reinstate_licence,
    revoke_for_undone_contracts,
    revoke_licence,
    suspend_licence,
    validate,
)
from tests.factories.accounts import NOW
from tests.factories.licences import licensed, machine, token_of
from tests.factories.settlement import acting

pytestmark = pytest.mark.django_db
SECOND, DAY = datetime.timedelta(seconds=1), datetime.timedelta(days=1)
ENDS = NOW + 30 * DAY
GRACE_ENDS = ENDS + 7 * DAY
PUBLISHER, OPERATOR = Licence.Suspender.PUBLISHER, Licence.Suspender.OPERATOR


@pytest.fixture
def licence(buyer) -> Licence:
    return licensed(buyer, kind="per_call", calls=100)


@pytest.fixture
def publisher(licence) -> Actor:
    return acting(licence.publisher)


def valid(licence, now=NOW, fingerprint="") -> bool:
    return validate(token=token_of(licence), fingerprint=fingerprint, nonce="", now=now).valid


def used_in_every_way(licence, refusal, now=NOW) -> None:
    token = token_of(licence)
    for use in (
        lambda: activate(token=token, machine=machine("m"), now=now),
        lambda: heartbeat(token=token, fingerprint="m", now=now),
        lambda: meter_calls(token=token, reports=[CallReport("r")], now=now),
        lambda: link_for_software(token=token, now=now),
    ):
        with pytest.raises(refusal):
            use()


@pytest.mark.parametrize(
    ("moment", "standing", "works"),
    [
        (NOW, Standing.ACTIVE, True),
        (ENDS - SECOND, Standing.ACTIVE, True),
        (ENDS, Standing.GRACE, True),
        (GRACE_ENDS - SECOND, Standing.GRACE, True),
        (GRACE_ENDS, Standing.EXPIRED, False),
    ],
)
def test_a_term_ends_and_then_grace_does(buyer, settings, moment, standing, works):
    settings.LICENCE_GRACE_DAYS = 7
    licence = licensed(buyer, kind="term", term_days=30, ends_at=ENDS)
    assert licence.standing(now=moment) == standing
    assert valid(licence, moment) is works
    if works:
        activate(token=token_of(licence), machine=machine("m"), now=moment)
    else:
        used_in_every_way(licence, LicenceExpired, moment)


def test_a_validation_is_good_no_longer_than_the_licence_or_the_lease(buyer, settings):
    settings.LICENCE_GRACE_DAYS, settings.LICENCE_CACHE_MINUTES, settings.LICENCE_LEASE_MINUTES = 0, 60, 15
    minute = datetime.timedelta(minutes=1)
    token = token_of(licensed(buyer, kind="term", term_days=30, ends_at=ENDS))
    activate(token=token, machine=machine("m"), now=ENDS - 10 * minute)

    def good_until(fingerprint, now):
        return validate(token=token, fingerprint=fingerprint, nonce="", now=now).good_until

    assert good_until("", NOW) == NOW + 60 * minute
    assert good_until("", ENDS - 20 * minute) == ENDS
    heartbeat(token=token, fingerprint="m", now=ENDS - 55 * minute)
    assert good_until("m", ENDS - 50 * minute) == ENDS - 40 * minute
    assert good_until("m", ENDS + minute) == ENDS + minute, "what is over is not good any longer"


def test_a_machine_without_a_seat_is_not_valid(licence):
    assert not valid(licence, fingerprint="m")
    activate(token=token_of(licence), machine=machine("m"), now=NOW)
    assert valid(licence, fingerprint="m")


def test_the_publisher_suspends_and_reinstates(licence, publisher):
    activate(token=token_of(licence), machine=machine("m"), now=NOW)
    ask = {"actor": publisher, "licence_id": licence.pk, "by": PUBLISHER, "now": NOW}
    suspend_licence(reason="Sold on without leave.", **ask)
    assert not valid(licence, fingerprint="m")
    used_in_every_way(licence, LicenceSuspended)
    assert Activation.objects.active().count() == 1, "seats stay taken"
    with pytest.raises(WrongStanding):
        suspend_licence(reason="Again.", **ask)
    reinstate_licence(**ask)
    assert valid(licence, fingerprint="m")
    with pytest.raises(WrongStanding):
        reinstate_licence(**ask)
    steps = licence.events.filter(kind__in=["suspended", "reinstated"]).order_by("pk")
    assert [(each.kind, each.note) for each in steps] == [
        ("suspended", "Sold on without leave."),
        ("reinstated", ""),
    ]
    for party in (licence.licensee, licence.publisher):
        assert AuditEvent.objects.filter(organisation=party, verb="suspend").count() == 1
    letters = OutgoingEmail.objects.order_by("pk")
    assert {each.to for each in letters} == {acting(licence.licensee).user.email}
    assert "Sold on without leave." in letters[0].text
    assert [each.subject.split(": ")[1] for each in letters] == [
        "the licence is suspended",
        "the licence is reinstated",
    ]


def test_what_the_exchange_suspends_it_alone_reinstates(licence, publisher, operator):
    ask = {"licence_id": licence.pk, "now": NOW}
    suspend_licence(actor=publisher, by=PUBLISHER, reason="Unpaid elsewhere.", **ask)
    suspend_licence(actor=Actor(user=operator), by=OPERATOR, reason="Under inquiry.", **ask)
    with pytest.raises(NotAllowed, match="ask it"):
        reinstate_licence(actor=publisher, by=PUBLISHER, **ask)
    with pytest.raises(WrongStanding):
        suspend_licence(actor=publisher, by=PUBLISHER, reason="Still.", **ask)
    reinstate_licence(actor=Actor(user=operator), by=OPERATOR, **ask)
    assert valid(licence)


def test_revocation_is_for_good_and_frees_the_seats(licence, publisher, operator):
    activate(token=token_of(licence), machine=machine("m"), now=NOW)
    ask = {"licence_id": licence.pk, "now": NOW}
    revoke_licence(actor=Actor(user=operator), reason="Decided so.", **ask)
    assert not valid(licence)
    used_in_every_way(licence, LicenceRevoked)
    assert not Activation.objects.active().exists()
    for again in (
        lambda: revoke_licence(actor=Actor(user=operator), reason="Twice.", **ask),
        lambda: reinstate_licence(actor=Actor(user=operator), by=OPERATOR, **ask),
        lambda: suspend_licence(actor=publisher, by=PUBLISHER, reason="Too.", **ask),
    ):
        with pytest.raises(WrongStanding):
            again()


def test_a_terminated_contracts_licence_validates_no_more_and_is_revoked_by_the_task(licence, operator):
    assert revoke_for_undone_contracts(now=NOW) == 0
    terminate(
        actor=Actor(user=operator),
        contract_id=licence.contract_id,
        ground=Ground.FORCE_MAJEURE,
        reason="The publisher's country forbids its export.",
        now=NOW,
    )
    assert not valid(licence), "even before the task has run"
    assert revoke_for_undone_contracts(now=NOW) == 1
    assert revoke_for_undone_contracts(now=NOW) == 0
    assert Licence.objects.get(pk=licence.pk).status == Licence.Status.REVOKED
    assert licence.events.get(kind="revoked").note == "The contract was terminated: Force majeure."


def test_others_change_no_standing(licence, buyer, stranger, operator):
    ask = {"licence_id": licence.pk, "now": NOW}
    others = [
        acting(buyer),
        acting(stranger.organisation),
        acting(licence.publisher, Role.VIEWER),
        acting(licence.publisher, Role.ENGINEER),
    ]
    for actor in others:
        with pytest.raises(NotAllowed):
            suspend_licence(actor=actor, by=PUBLISHER, reason="No.", **ask)
        with pytest.raises(NotAllowed):
            reinstate_licence(actor=actor, by=PUBLISHER, **ask)
    for actor in [*others, acting(licence.publisher)]:
        with pytest.raises(NotAllowed):
            suspend_licence(actor=actor, by=OPERATOR, reason="No.", **ask)
        with pytest.raises(NotAllowed):
            revoke_licence(actor=actor, reason="No.", **ask)
    assert valid(licence)


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501])
def test_a_suspension_has_a_reason(licence, publisher, reason):
    with pytest.raises(InvalidInput, match="reason"):
        suspend_licence(actor=publisher, licence_id=licence.pk, by=PUBLISHER, reason=reason, now=NOW)
