"""An invitation is a role offered to one address, by a link whose secret is stored hashed."""

from datetime import datetime, timedelta

import pytest
from allauth.account.models import EmailAddress

from accounts.audit import Actor
from accounts.errors import InvalidInput, NotAllowed
from accounts.models import AuditEvent, Invitation, Member, OutgoingEmail, Role
from accounts.operations import (
    InvitationClosed,
    WrongAddress,
    accept_invitation,
    invite_member,
    revoke_invitation,
)
from tests.factories.accounts import UserFactory

ADDRESS = "newcomer@example.com"


def invite(
    actor: Actor, now: datetime, email: str = ADDRESS, role: str = Role.TRADER
) -> tuple[Invitation, str]:
    secrets: list[str] = []

    def link(secret: str) -> str:
        secrets.append(secret)
        return f"https://suanpan.example/{secret}"

    return invite_member(actor=actor, email=email, role=role, link=link, now=now), secrets[0]


def test_the_invited_person_accepts(as_owner: Actor, now: datetime) -> None:
    _invitation, secret = invite(as_owner, now)
    newcomer = UserFactory(email=ADDRESS.title())
    member = accept_invitation(user=newcomer, secret=secret, now=now)
    assert (member.organisation, member.role) == (as_owner.organisation, Role.TRADER)
    assert list(AuditEvent.objects.order_by("pk").values_list("verb", flat=True)) == ["invite", "join"]
    with pytest.raises(InvitationClosed):
        accept_invitation(user=newcomer, secret=secret, now=now)


def test_the_letter_holds_the_link_and_the_row_only_its_hash(as_owner: Actor, now: datetime) -> None:
    invitation, secret = invite(as_owner, now)
    letter = OutgoingEmail.objects.get()
    assert letter.to == ADDRESS
    assert f"https://suanpan.example/{secret}" in letter.text
    assert secret not in str(Invitation.objects.filter(pk=invitation.pk).values().get())


def test_another_person_with_the_link_is_refused(as_owner: Actor, now: datetime) -> None:
    _invitation, secret = invite(as_owner, now)
    with pytest.raises(WrongAddress, match=ADDRESS):
        accept_invitation(user=UserFactory(), secret=secret, now=now)


@pytest.mark.parametrize("verified", [True, False])
def test_a_second_address_counts_once_it_is_verified(as_owner: Actor, now: datetime, verified: bool) -> None:
    _invitation, secret = invite(as_owner, now)
    user = UserFactory()
    EmailAddress.objects.create(user=user, email=ADDRESS, verified=verified)
    if verified:
        assert accept_invitation(user=user, secret=secret, now=now).user == user
    else:
        with pytest.raises(WrongAddress):
            accept_invitation(user=user, secret=secret, now=now)


def test_a_wrong_secret_opens_nothing(as_owner: Actor, now: datetime) -> None:
    invite(as_owner, now)
    with pytest.raises(InvitationClosed):
        accept_invitation(user=UserFactory(email=ADDRESS), secret="guess", now=now)


def test_an_invitation_expires_after_seven_days(as_owner: Actor, now: datetime) -> None:
    _invitation, secret = invite(as_owner, now)
    with pytest.raises(InvitationClosed, match="another one"):
        accept_invitation(user=UserFactory(email=ADDRESS), secret=secret, now=now + timedelta(days=7))


def test_a_revoked_invitation_is_closed(as_owner: Actor, now: datetime) -> None:
    invitation, secret = invite(as_owner, now)
    revoke_invitation(actor=as_owner, invitation_id=invitation.pk, now=now)
    with pytest.raises(InvitationClosed):
        accept_invitation(user=UserFactory(email=ADDRESS), secret=secret, now=now)
    with pytest.raises(InvitationClosed):
        revoke_invitation(actor=as_owner, invitation_id=invitation.pk, now=now)


def test_a_new_invitation_replaces_the_open_one(as_owner: Actor, now: datetime) -> None:
    _first, old_secret = invite(as_owner, now)
    _second, secret = invite(as_owner, now, email=ADDRESS.upper(), role=Role.VIEWER)
    newcomer = UserFactory(email=ADDRESS)
    with pytest.raises(InvitationClosed):
        accept_invitation(user=newcomer, secret=old_secret, now=now)
    assert accept_invitation(user=newcomer, secret=secret, now=now).role == Role.VIEWER


def test_a_member_is_not_invited_again(as_owner: Actor, viewer: Member, now: datetime) -> None:
    with pytest.raises(InvalidInput, match="a member already"):
        invite(as_owner, now, email=viewer.user.email)


def test_who_may_not_manage_neither_invites_nor_revokes(
    as_owner: Actor, as_viewer: Actor, stranger: Member, now: datetime
) -> None:
    with pytest.raises(NotAllowed):
        invite(as_viewer, now)
    invitation, _secret = invite(as_owner, now)
    with pytest.raises(NotAllowed):
        revoke_invitation(actor=as_viewer, invitation_id=invitation.pk, now=now)
    elsewhere = Actor(user=stranger.user, organisation=stranger.organisation)
    with pytest.raises(InvitationClosed):
        revoke_invitation(actor=elsewhere, invitation_id=invitation.pk, now=now)


def test_an_address_that_is_none_is_refused(as_owner: Actor, now: datetime) -> None:
    with pytest.raises(InvalidInput, match="not an e-mail address"):
        invite(as_owner, now, email="nobody")
