"""Who may open which page: an owner, a teammate without the role, a stranger, nobody, an operator."""

from datetime import datetime

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import ApiKey, AuditEvent, Invitation, Member, Organisation, OutgoingEmail, Role, User
from accounts.operations import Details, create_organisation
from tests.factories.accounts import MemberFactory, OrganisationFactory, UserFactory

pytestmark = pytest.mark.django_db

FOR_MEMBERS = ["organisation", "members"]
FOR_OWNERS = ["edit_organisation", "api_keys", "create_api_key", "webhooks", "add_webhook", "audit_trail"]
FOR_OPERATORS = ["verification_queue"]


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.parametrize("page", FOR_MEMBERS + FOR_OWNERS)
def test_an_owner_opens_every_page_of_the_organisation(owner: Member, page: str) -> None:
    response = signed_in(owner.user).get(reverse(f"accounts:{page}"))
    assert response.status_code == 200
    assert owner.organisation.name_en in response.content.decode()


@pytest.mark.parametrize("page", FOR_MEMBERS + FOR_OWNERS)
def test_a_teammate_without_the_role_opens_some(viewer: Member, page: str) -> None:
    response = signed_in(viewer.user).get(reverse(f"accounts:{page}"))
    assert response.status_code == (200 if page in FOR_MEMBERS else 403)
    if page in FOR_OWNERS:
        assert "Ask an owner of your organisation" in response.content.decode()


@pytest.mark.parametrize("page", FOR_MEMBERS + FOR_OWNERS)
def test_a_stranger_sees_their_own_organisation_only(
    buyer: Organisation, stranger: Member, page: str
) -> None:
    client = signed_in(stranger.user)
    client.post(reverse("accounts:switch_organisation"), {"organisation": buyer.pk})
    text = client.get(reverse(f"accounts:{page}")).content.decode()
    assert buyer.name_en not in text
    assert stranger.organisation.name_en in text


@pytest.mark.parametrize(
    "page", FOR_MEMBERS + FOR_OWNERS + FOR_OPERATORS + ["create_organisation", "profile"]
)
def test_nobody_is_sent_to_sign_in(page: str) -> None:
    path = reverse(f"accounts:{page}")
    response = Client().get(path)
    assert response.headers["Location"] == f"{reverse('account_login')}?next={path}"


@pytest.mark.parametrize("page", FOR_MEMBERS)
def test_a_person_without_an_organisation_is_led_to_register_one(page: str) -> None:
    response = signed_in(UserFactory()).get(reverse(f"accounts:{page}"))
    assert response.headers["Location"] == reverse("accounts:create_organisation")


@pytest.mark.parametrize("page", FOR_OPERATORS)
def test_only_an_operator_sees_the_queue(owner: Member, operator: User, page: str) -> None:
    assert signed_in(owner.user).get(reverse(f"accounts:{page}")).status_code == 403
    assert signed_in(operator).get(reverse(f"accounts:{page}")).status_code == 200


@pytest.mark.parametrize("name", ["verify", "reject", "verification"])
def test_an_owner_decides_nothing_over_http(owner: Member, name: str) -> None:
    path = reverse(f"accounts:{name}", args=[owner.organisation_id])
    client = signed_in(owner.user)
    response = client.get(path) if name == "verification" else client.post(path, {"note": "x"})
    assert response.status_code == 403


def test_registering_what_is_here_already_says_whom_to_ask(owner: Member, details: Details) -> None:
    taken = {
        **vars(details),
        "registration_number": owner.organisation.registration_number,
        "jurisdiction": owner.organisation.jurisdiction,
    }
    page = signed_in(UserFactory()).post(reverse("accounts:create_organisation"), taken)
    assert "Ask one of its owners to invite you." in page.content.decode()
    assert Organisation.objects.count() == 1


def test_a_person_registers_an_organisation_and_an_operator_verifies_it(
    details: Details, operator: User
) -> None:
    client = signed_in(UserFactory())
    form = {**vars(details), "registration_number": "91350100M000100Y44"}
    refused = client.post(reverse("accounts:create_organisation"), form)
    assert "The last character does not match" in refused.content.decode()
    form["registration_number"] = details.registration_number
    page = client.post(reverse("accounts:create_organisation"), form, follow=True)
    assert "Qingyang Compute Ltd is registered." in page.content.decode()
    organisation = Organisation.objects.get()

    office = signed_in(operator)
    queue = office.get(reverse("accounts:verification_queue")).content.decode()
    assert organisation.registration_number in queue
    shown = office.get(reverse("accounts:verification", args=[organisation.pk]))
    seen = shown.context["form"]["submitted_at"].value()
    decision = {"submitted_at": seen, "note": "Register entry 42"}
    office.post(reverse("accounts:verify", args=[organisation.pk]), decision)
    organisation.refresh_from_db()
    assert organisation.is_verified
    assert organisation.verification_note == "Register entry 42"
    assert (
        organisation.registration_number
        not in office.get(reverse("accounts:verification_queue")).content.decode()
    )


def test_an_operator_rejects_and_the_owner_reads_why(details: Details, operator: User, now: datetime) -> None:
    user = UserFactory()
    organisation = create_organisation(user=user, details=details, now=now)
    office = signed_in(operator)
    path = reverse("accounts:reject", args=[organisation.pk])
    empty = office.post(path, {"submitted_at": now.isoformat(), "note": ""})
    assert "This field is required" in empty.content.decode()
    office.post(path, {"submitted_at": now.isoformat(), "note": "The licence has expired."})
    client = signed_in(user)
    assert "The licence has expired." in client.get(reverse("accounts:organisation")).content.decode()
    client.post(reverse("accounts:edit_organisation"), vars(details))
    organisation.refresh_from_db()
    assert organisation.verification == Organisation.Verification.PENDING


def test_an_invitation_travels_from_page_to_page(owner: Member) -> None:
    client = signed_in(owner.user)
    client.post(reverse("accounts:invite_member"), {"email": "new@example.com", "role": Role.ENGINEER})
    link = OutgoingEmail.objects.get().text.split()[-1]
    assert link.startswith("http://testserver/organisation/invitation/")

    visitor = Client()
    assert "Sign up or sign in with the invited address" in visitor.get(link).content.decode()
    newcomer = UserFactory(email="new@example.com")
    assert "This invitation is for new@example.com" in signed_in(UserFactory()).post(link).content.decode()
    page = signed_in(newcomer).post(link, follow=True).content.decode()
    assert f"You are now a member of {owner.organisation.name_en}." in page
    assert Member.objects.get(user=newcomer).role == Role.ENGINEER
    assert signed_in(newcomer).get(link).status_code == 410


def test_an_owner_revokes_an_invitation(owner: Member) -> None:
    client = signed_in(owner.user)
    client.post(reverse("accounts:invite_member"), {"email": "new@example.com", "role": Role.VIEWER})
    client.post(reverse("accounts:revoke_invitation", args=[Invitation.objects.get().pk]))
    assert Invitation.objects.get().revoked_at is not None


def test_an_owner_manages_members(owner: Member, viewer: Member) -> None:
    client = signed_in(owner.user)
    client.post(reverse("accounts:change_role", args=[viewer.pk]), {"role": Role.TRADER})
    viewer.refresh_from_db()
    assert viewer.role == Role.TRADER
    client.post(reverse("accounts:remove_member", args=[viewer.pk]))
    assert list(owner.organisation.members.all()) == [owner]
    stays = client.post(reverse("accounts:leave_organisation"), follow=True).content.decode()
    assert "An organisation needs an owner" in stays


@pytest.mark.parametrize("name", ["change_role", "remove_member"])
def test_a_teammate_or_stranger_changes_no_member(
    owner: Member, viewer: Member, stranger: Member, name: str
) -> None:
    path = reverse(f"accounts:{name}", args=[owner.pk])
    assert signed_in(viewer.user).post(path, {"role": Role.VIEWER}).status_code == 403
    signed_in(stranger.user).post(path, {"role": Role.VIEWER})
    owner.refresh_from_db()
    assert owner.role == Role.OWNER


def test_a_key_is_shown_once(owner: Member) -> None:
    client = signed_in(owner.user)
    asked = {"name": "Bridge", "scopes": ["read", "orders"], "days": 90}
    shown = client.post(reverse("accounts:create_api_key"), asked)
    token = shown.context["token"]
    assert token in shown.content.decode()
    assert "no-store" in shown.headers["Cache-Control"]
    later = client.get(reverse("accounts:api_keys")).content.decode()
    assert token not in later
    key = ApiKey.objects.get()
    assert f"sp_{key.prefix}_" in later
    client.post(reverse("accounts:revoke_api_key", args=[key.pk]))
    key.refresh_from_db()
    assert key.revoked_at is not None


def test_a_teammate_neither_creates_nor_revokes_keys(owner: Member, viewer: Member) -> None:
    asked = {"name": "Bridge", "scopes": ["read"], "days": 90}
    assert signed_in(viewer.user).post(reverse("accounts:create_api_key"), asked).status_code == 403
    assert not ApiKey.objects.exists()


def test_the_trail_is_filtered(owner: Member, viewer: Member) -> None:
    client = signed_in(owner.user)
    client.post(reverse("accounts:invite_member"), {"email": "new@example.com", "role": Role.VIEWER})
    client.post(reverse("accounts:change_role", args=[viewer.pk]), {"role": Role.TRADER})
    rows = client.get(reverse("accounts:audit_trail"), {"verb": "invite"}).context["page"].object_list
    assert [event.verb for event in rows] == ["invite"]
    none = client.get(reverse("accounts:audit_trail"), {"until": "2001-01-01"}).content.decode()
    assert "Nothing matches these filters" in none
    assert AuditEvent.objects.count() == 2


def test_a_user_in_two_organisations_switches(owner: Member) -> None:
    second = MemberFactory(user=owner.user, organisation=OrganisationFactory(), role=Role.VIEWER)
    client = signed_in(owner.user)
    switch = reverse("accounts:switch_organisation")
    there = client.post(switch, {"organisation": second.organisation_id, "next": "/organisation/members/"})
    assert there.headers["Location"] == "/organisation/members/"
    assert client.get("/organisation/").wsgi_request.organisation == second.organisation
    away = client.post(switch, {"organisation": owner.organisation_id, "next": "https://evil.example/"})
    assert away.headers["Location"] == reverse("accounts:organisation")


def test_the_profile_is_ones_own(viewer: Member) -> None:
    signed_in(viewer.user).post(reverse("accounts:profile"), {"name": "Ada", "language": "zh-hans"})
    viewer.user.refresh_from_db()
    assert (viewer.user.name, viewer.user.language) == ("Ada", "zh-hans")
