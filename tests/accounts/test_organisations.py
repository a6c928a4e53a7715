"""An organisation is registered, verified or rejected on record, corrected, and submitted again."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from accounts.audit import Actor
from accounts.errors import InvalidInput, NotAllowed
from accounts.models import AuditEvent, Member, Organisation, OutgoingEmail, Role
from accounts.operations import (
    AlreadyRegistered,
    Details,
    DetailsChanged,
    create_organisation,
    edit_organisation,
    reject_organisation,
    verify_organisation,
)
from accounts.permissions import NotVerified, require_verified
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def registered(details: Details, now: datetime) -> Organisation:
    return create_organisation(user=UserFactory(), details=details, now=now)


def as_its_owner(organisation: Organisation) -> Actor:
    return Actor(user=organisation.members.get(role=Role.OWNER).user, organisation=organisation)


def decide(decision, organisation: Organisation, actor: Actor, note: str, now: datetime) -> Organisation:  # type: ignore[no-untyped-def]
    word = "evidence" if decision is verify_organisation else "reason"
    seen = {"organisation_id": organisation.pk, "submitted_at": organisation.submitted_at}
    return decision(actor=actor, **seen, **{word: note}, now=now)


def test_who_registers_it_becomes_its_owner_and_it_waits(registered: Organisation) -> None:
    assert registered.verification == Organisation.Verification.PENDING
    assert Member.objects.get(organisation=registered).role == Role.OWNER
    assert AuditEvent.objects.get(organisation=registered).verb == "create"
    with pytest.raises(NotVerified):
        require_verified(registered)


def test_a_number_is_registered_once(registered: Organisation, details: Details, now: datetime) -> None:
    with pytest.raises(AlreadyRegistered, match="invite you"):
        create_organisation(user=UserFactory(), details=replace(details, name_en="Other"), now=now)
    assert Organisation.objects.filter(registration_number=details.registration_number).count() == 1


@pytest.mark.parametrize(
    "change", [{"name_en": " "}, {"tier": "huge"}, {"timezone": "Mars/Base"}, {"registration_number": "1"}]
)
def test_details_that_cannot_be_are_refused(details: Details, change: dict[str, str], now: datetime) -> None:
    with pytest.raises(InvalidInput):
        create_organisation(user=UserFactory(), details=replace(details, **change), now=now)
    assert not Organisation.objects.exists()


def test_an_operator_verifies_with_evidence(
    registered: Organisation, as_operator: Actor, now: datetime
) -> None:
    with pytest.raises(InvalidInput, match="what was checked"):
        decide(verify_organisation, registered, as_operator, "  ", now)
    verified = decide(verify_organisation, registered, as_operator, "Register entry seen.", now)
    require_verified(verified)
    event = AuditEvent.objects.get(organisation=registered, verb="verify")
    assert (event.user, event.detail) == (as_operator.user, {"note": "Register entry seen."})
    letter = OutgoingEmail.objects.get()
    assert (letter.to, letter.subject) == (
        as_its_owner(registered).user.email,
        "Qingyang Compute Ltd is verified",
    )


def test_a_rejected_organisation_reads_why_and_submits_again(
    registered: Organisation, details: Details, as_operator: Actor, now: datetime
) -> None:
    with pytest.raises(InvalidInput, match="Write down why"):
        decide(reject_organisation, registered, as_operator, "", now)
    rejected = decide(reject_organisation, registered, as_operator, "The licence has expired.", now)
    with pytest.raises(NotVerified, match="The licence has expired"):
        require_verified(rejected)
    assert "The licence has expired." in OutgoingEmail.objects.get().text
    later = now + timedelta(days=1)
    again = edit_organisation(actor=as_its_owner(rejected), details=details, now=later)
    assert (again.verification, again.submitted_at) == (Organisation.Verification.PENDING, later)
    assert (again.verified_by, again.verification_note) == (None, "")
    verbs = AuditEvent.objects.filter(organisation=registered).order_by("pk").values_list("verb", flat=True)
    assert list(verbs) == ["create", "reject", "submit"]


@pytest.mark.parametrize("decision", [verify_organisation, reject_organisation])
def test_nobody_but_an_operator_decides(registered: Organisation, decision, now: datetime) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(NotAllowed):
        decide(decision, registered, as_its_owner(registered), "Trust us.", now)


def test_an_operator_does_not_decide_on_their_own_organisation(
    registered: Organisation, as_operator: Actor, now: datetime
) -> None:
    Member.objects.create(organisation=registered, user=as_operator.user, role=Role.VIEWER, joined_at=now)
    with pytest.raises(NotAllowed, match="another operator"):
        decide(verify_organisation, registered, as_operator, "It is mine.", now)


def test_a_decision_on_details_that_changed_meanwhile_is_refused(
    registered: Organisation, details: Details, as_operator: Actor, now: datetime
) -> None:
    later = now + timedelta(minutes=1)
    edit_organisation(
        actor=as_its_owner(registered), details=replace(details, name_en="Another Name"), now=later
    )
    with pytest.raises(DetailsChanged):
        decide(verify_organisation, registered, as_operator, "Seen.", later)


def test_a_second_decision_is_refused(registered: Organisation, as_operator: Actor, now: datetime) -> None:
    decide(verify_organisation, registered, as_operator, "Seen.", now)
    with pytest.raises(DetailsChanged):
        decide(reject_organisation, registered, as_operator, "No.", now)
    registered.refresh_from_db()
    assert registered.is_verified


def test_a_verified_detail_that_changes_must_be_verified_again(
    registered: Organisation, details: Details, as_operator: Actor, now: datetime
) -> None:
    verified = decide(verify_organisation, registered, as_operator, "Seen.", now)
    owner = as_its_owner(verified)
    same = edit_organisation(
        actor=owner, details=replace(details, activity="both", timezone="Asia/Hong_Kong"), now=now
    )
    assert same.is_verified
    renamed = edit_organisation(actor=owner, details=replace(details, name_zh="别名有限公司"), now=now)
    assert renamed.verification == Organisation.Verification.PENDING


def test_only_an_owner_edits(as_viewer: Actor, details: Details, now: datetime) -> None:
    with pytest.raises(NotAllowed):
        edit_organisation(actor=as_viewer, details=details, now=now)
