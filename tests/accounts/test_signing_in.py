"""Signing up proves the address; owners and operators need a second factor; guessing locks out."""

import re
from datetime import datetime

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from accounts.audit import Actor
from accounts.models import Member, OutgoingEmail, Role, User
from accounts.operations import invite_member
from tests.factories.accounts import PASSWORD, TOTP_SECRET, MemberFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh_rate_limits() -> None:
    cache.clear()


def totp() -> str:
    counter = list(yield_hotp_counters_from_time())[1]
    return format_hotp_value(hotp_value(TOTP_SECRET, counter))


def sign_in(client: Client, user: User, password: str = PASSWORD):  # type: ignore[no-untyped-def]
    return client.post(reverse("account_login"), {"login": user.email, "password": password})


SIGN_UP = {"name": "Ada", "email": "ada@example.com", "password1": "a-long-pass-phrase"}


def test_a_new_account_is_used_once_its_address_is_proven() -> None:
    client = Client()
    client.post(reverse("account_signup"), SIGN_UP)
    assert reverse("account_login") in client.get(reverse("accounts:create_organisation")).headers["Location"]
    code = re.search(r"^\w{3,4}-?\w{3,4}$", OutgoingEmail.objects.get().text, re.MULTILINE)
    assert code
    wrong = client.post(reverse("account_email_verification_sent"), {"code": "XXXXXX"})
    assert "Incorrect code" in wrong.content.decode()
    proven = client.post(reverse("account_email_verification_sent"), {"code": code[0]})
    assert proven.headers["Location"] == reverse("accounts:create_organisation")
    assert client.get(reverse("accounts:create_organisation")).status_code == 200
    assert User.objects.get().name == "Ada"


def test_the_demo_may_do_without_the_proof(settings: Settings) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = "none"
    client = Client()
    client.post(reverse("account_signup"), SIGN_UP)
    assert client.get(reverse("accounts:create_organisation")).status_code == 200


def test_an_invited_persons_address_is_proven_by_the_link(owner: Member, now: datetime) -> None:
    from django.utils import timezone

    links: list[str] = []

    def link(secret: str) -> str:
        links.append(reverse("accounts:accept_invitation", args=[secret]))
        return links[0]

    inviter = Actor(user=owner.user, organisation=owner.organisation)
    invite_member(actor=inviter, email="ada@example.com", role=Role.VIEWER, link=link, now=timezone.now())
    client = Client()
    client.get(links[0])
    back = client.post(reverse("account_signup"), {**SIGN_UP, "next": links[0]})
    assert back.headers["Location"] == links[0]
    client.post(links[0])
    assert Member.objects.get(user__email="ada@example.com").role == Role.VIEWER


def test_a_second_factor_is_asked_at_sign_in() -> None:
    client, user = Client(), UserFactory()
    assert sign_in(client, user).headers["Location"] == reverse("mfa_authenticate")
    assert "_auth_user_id" not in client.session
    client.post(reverse("mfa_authenticate"), {"code": totp()})
    assert client.session["_auth_user_id"] == str(user.pk)


@pytest.mark.parametrize("role", Role)
def test_an_owner_without_a_second_factor_is_led_to_set_it_up(role: Role) -> None:
    member = MemberFactory(role=role, user=UserFactory(second_factor=False))
    client = Client()
    client.force_login(member.user)
    response = client.get(reverse("accounts:organisation"))
    if role == Role.OWNER:
        assert response.headers["Location"] == reverse("mfa_activate_totp")
    else:
        assert response.status_code == 200


@pytest.mark.parametrize("path", ["/operator/verification/", "/admin/"])
def test_an_operator_without_a_second_factor_is_led_to_set_it_up(path: str) -> None:
    client = Client()
    client.force_login(UserFactory(is_staff=True, is_superuser=True, second_factor=False))
    assert client.get(path, follow=True).redirect_chain[-1][0].startswith("/account/")
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    assert client.get(path).status_code == 200


def test_the_admin_has_no_door_of_its_own(owner: Member) -> None:
    assert Client().get("/admin/", follow=True).redirect_chain[-1][0].startswith(reverse("account_login"))
    client = Client()
    client.force_login(owner.user)
    assert client.get("/admin/", follow=True).status_code == 403


def test_the_demo_may_do_without_second_factors(settings: Settings) -> None:
    settings.REQUIRE_MFA = False
    member = MemberFactory(user=UserFactory(second_factor=False))
    client = Client()
    client.force_login(member.user)
    assert client.get(reverse("accounts:organisation")).status_code == 200


def test_a_second_factors_secret_is_stored_encrypted() -> None:
    stored = Authenticator.objects.get(user=UserFactory()).data["secret"]
    assert TOTP_SECRET not in stored


def test_five_wrong_passwords_lock_the_address_from_there() -> None:
    client, user = Client(), UserFactory(second_factor=False)
    for _ in range(4):
        assert sign_in(client, user, "wrong").status_code == 200
    locked = sign_in(client, user, "wrong")
    assert locked.status_code == 429
    assert "Too many wrong passwords" in locked.content.decode()
    assert sign_in(client, user).status_code == 429
    assert "_auth_user_id" not in client.session
    elsewhere = Client(REMOTE_ADDR="203.0.113.9")
    sign_in(elsewhere, user)
    assert elsewhere.session["_auth_user_id"] == str(user.pk)


@pytest.mark.parametrize(
    "name", ["account_email", "account_change_password", "mfa_index", "usersessions_list", "accounts:profile"]
)
def test_a_persons_own_pages_open_in_the_house_style(viewer: Member, name: str) -> None:
    client = Client()
    client.force_login(viewer.user)
    text = client.get(reverse(name)).content.decode()
    assert 'aria-label="Your account"' in text
    assert viewer.user.email in text or viewer.user.name in text


@pytest.mark.parametrize("name", ["account_login", "account_signup", "account_reset_password"])
def test_the_entrance_opens_for_anybody(name: str) -> None:
    text = Client().get(reverse(name)).content.decode()
    assert "card card-md" in text
    assert 'name="csrfmiddlewaretoken"' in text
