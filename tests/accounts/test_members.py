"""Roles change, members leave and are removed; an organisation always keeps an owner, even in a race."""

import threading
from contextlib import closing, suppress
from datetime import datetime
from unittest import mock

import pytest
from django.db import connection

from accounts.audit import Actor
from accounts.errors import InvalidInput, NotAllowed
from accounts.models import AuditEvent, Member, Organisation, Role
from accounts.operations import LastOwner, change_role, leave_organisation, members, remove_member
from tests.factories.accounts import MemberFactory


def test_an_owner_changes_a_role(as_owner: Actor, viewer: Member, now: datetime) -> None:
    change_role(actor=as_owner, member_id=viewer.pk, role=Role.FINANCE, now=now)
    viewer.refresh_from_db()
    assert viewer.role == Role.FINANCE
    event = AuditEvent.objects.get(verb="change_role")
    assert ("role", "Viewer → Finance") in event.detail_lines()
    assert event.detail == {"member": viewer.user.email, "role": {"was": "viewer", "is": "finance"}}


def test_a_role_that_does_not_exist_is_refused(as_owner: Actor, viewer: Member, now: datetime) -> None:
    with pytest.raises(InvalidInput, match="no role"):
        change_role(actor=as_owner, member_id=viewer.pk, role="king", now=now)


def test_an_owner_removes_a_member(as_owner: Actor, viewer: Member, now: datetime) -> None:
    remove_member(actor=as_owner, member_id=viewer.pk, now=now)
    assert not Member.objects.filter(pk=viewer.pk).exists()
    assert AuditEvent.objects.get(verb="remove").detail["member"] == viewer.user.email


def test_a_teammate_without_the_role_changes_nobody(as_viewer: Actor, owner: Member, now: datetime) -> None:
    with pytest.raises(NotAllowed):
        change_role(actor=as_viewer, member_id=owner.pk, role=Role.VIEWER, now=now)
    with pytest.raises(NotAllowed):
        remove_member(actor=as_viewer, member_id=owner.pk, now=now)


def test_an_owner_does_not_reach_into_another_organisation(
    as_owner: Actor, stranger: Member, now: datetime
) -> None:
    with pytest.raises(InvalidInput, match="no such member"):
        remove_member(actor=as_owner, member_id=stranger.pk, now=now)


def test_a_member_leaves(as_viewer: Actor, viewer: Member, now: datetime) -> None:
    leave_organisation(actor=as_viewer, now=now)
    assert not Member.objects.filter(pk=viewer.pk).exists()
    with pytest.raises(NotAllowed):
        leave_organisation(actor=as_viewer, now=now)


def test_the_last_owner_stays(as_owner: Actor, owner: Member, viewer: Member, now: datetime) -> None:
    for refused in (
        lambda: leave_organisation(actor=as_owner, now=now),
        lambda: remove_member(actor=as_owner, member_id=owner.pk, now=now),
        lambda: change_role(actor=as_owner, member_id=owner.pk, role=Role.TRADER, now=now),
    ):
        with pytest.raises(LastOwner, match="somebody else an owner first"):
            refused()
    change_role(actor=as_owner, member_id=viewer.pk, role=Role.OWNER, now=now)
    leave_organisation(actor=as_owner, now=now)
    assert Member.objects.get(role=Role.OWNER, organisation=owner.organisation) == viewer


def leave_at_once(organisation: Organisation, owners: list[Member], now: datetime) -> None:
    """Both owners leave; neither goes on before the other has asked who else is an owner."""
    both_asked = threading.Barrier(2)
    ask = members._require_another_owner

    def ask_then_wait(member: Member) -> None:
        ask(member)
        with suppress(threading.BrokenBarrierError):  # The other waits for the lock, as it should.
            both_asked.wait(timeout=1)

    def leave(member: Member) -> None:
        with closing(connection), suppress(LastOwner):
            leave_organisation(actor=Actor(user=member.user, organisation=organisation), now=now)

    with mock.patch.object(members, "_require_another_owner", ask_then_wait):
        threads = [threading.Thread(target=leave, args=[owner]) for owner in owners]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("guarded", "owners_left"), [(False, 0), (True, 1)])
def test_two_owners_who_leave_at_once(
    guarded: bool, owners_left: int, buyer: Organisation, now: datetime
) -> None:
    """Without the organisation's lock both go, and nobody is left; with it, one stays."""
    owners = [MemberFactory(organisation=buyer, role=Role.OWNER) for _ in range(2)]
    if guarded:
        leave_at_once(buyer, owners, now)
    else:
        with mock.patch.object(members, "lock_organisation"):
            leave_at_once(buyer, owners, now)
    assert Member.objects.filter(organisation=buyer, role=Role.OWNER).count() == owners_left
