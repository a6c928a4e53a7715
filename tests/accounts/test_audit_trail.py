"""The trail is append-only: without its trigger the past can be rewritten, with it the database refuses."""

from datetime import datetime
from decimal import Decimal

import pgtrigger
import pytest
from django.db import DatabaseError, connection, transaction

from accounts.audit import Actor, record
from accounts.models import AuditEvent, Member


@pytest.fixture
def event(as_owner: Actor, viewer: Member, now: datetime) -> AuditEvent:
    return record(
        actor=as_owner, verb="remove", subject=viewer, detail={"at": now, "amount": Decimal("1.10")}, now=now
    )


def test_who_did_what_to_which_row_is_written_down(
    event: AuditEvent, as_owner: Actor, viewer: Member
) -> None:
    event.refresh_from_db()
    assert (event.user, event.organisation) == (as_owner.user, as_owner.organisation)
    assert (event.verb, event.subject_type, event.subject_id) == ("remove", "accounts.member", viewer.pk)
    assert event.detail == {"at": "2026-06-01T04:00:00Z", "amount": "1.10"}
    assert (event.verb_label, event.subject_label) == ("removed", "member")


def test_an_event_with_the_trigger_off_can_be_rewritten(event: AuditEvent) -> None:
    with pgtrigger.ignore("accounts.AuditEvent:append_only"):
        AuditEvent.objects.filter(pk=event.pk).update(verb="nothing")
        event.refresh_from_db()
        assert event.verb == "nothing"
        AuditEvent.objects.filter(pk=event.pk).delete()
    assert not AuditEvent.objects.exists()


def test_an_event_is_neither_rewritten_nor_deleted(event: AuditEvent) -> None:
    with pytest.raises(DatabaseError, match="Cannot update or delete"), transaction.atomic():
        AuditEvent.objects.filter(pk=event.pk).update(verb="nothing")
    with pytest.raises(DatabaseError, match="Cannot update or delete"), transaction.atomic():
        AuditEvent.objects.filter(pk=event.pk).delete()
    event.refresh_from_db()
    assert event.verb == "remove"


@pytest.mark.django_db
def test_the_trail_is_not_emptied() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE accounts_auditevent ENABLE TRIGGER USER")  # See tests/conftest.py.
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            cursor.execute("TRUNCATE accounts_auditevent")
