"""Pages are in the language that the browser asks for, until the user chooses; letters, in the reader's."""

from datetime import datetime

import pytest
from django.test import Client
from django.utils import timezone, translation

from accounts.audit import Actor, record
from accounts.models import AuditEvent, Member, OutgoingEmail, User
from accounts.operations import invite_member
from tests.factories.accounts import OrganisationFactory, UserFactory
from tests.factories.listings import CapacityFactory

pytestmark = pytest.mark.django_db
ENGLISH = {"HTTP_ACCEPT_LANGUAGE": "en-GB"}


def language_of_page(client: Client) -> str:
    page = client.get("/market/", **ENGLISH)
    return page.content.decode().split('<html lang="')[1].split('"')[0]


def test_a_visitors_choice_lasts_in_this_browser_alone(client: Client) -> None:
    assert language_of_page(client) == "en"
    client.post("/language/", {"language": "zh-hans", "next": "/market/"}, **ENGLISH)
    assert language_of_page(client) == "zh-hans"
    assert language_of_page(Client()) == "en"


def test_a_users_choice_follows_them_to_every_browser() -> None:
    user, other = UserFactory(), UserFactory()
    here, there, somebody_else = Client(), Client(), Client()
    here.force_login(user)
    there.force_login(user)
    somebody_else.force_login(other)
    response = here.post("/language/", {"language": "zh-hans", "next": "/market/"}, **ENGLISH)
    assert (response.status_code, response["Location"]) == (302, "/market/")
    assert User.objects.get(pk=user.pk).language == "zh-hans"
    assert [language_of_page(each) for each in (here, there, somebody_else)] == ["zh-hans", "zh-hans", "en"]


def test_a_language_that_the_exchange_does_not_speak_is_not_kept(client: Client) -> None:
    user = UserFactory(language="zh-hans")
    client.force_login(user)
    client.post("/language/", {"language": "tlh"})
    assert User.objects.get(pk=user.pk).language == "zh-hans"


def test_the_choice_is_made_by_post(client: Client) -> None:
    assert client.get("/language/").status_code == 405


@pytest.mark.parametrize(("language", "subject"), [("zh-hans", "邀请您加入"), ("", "invites you")])
def test_an_invitation_is_in_the_language_of_the_invited(
    as_owner: Actor, now: datetime, language: str, subject: str
) -> None:
    UserFactory(email="reader@example.com", language=language)
    invite_member(
        actor=as_owner, email="Reader@example.com", role="trader", link="https://x.example/{}".format, now=now
    )
    letter = OutgoingEmail.objects.get()
    name = as_owner.organisation.name_zh if language else as_owner.organisation.name_en
    assert subject in letter.subject
    assert name in letter.subject


def test_a_letter_of_the_sign_in_pages_is_in_its_readers_language(client: Client) -> None:
    UserFactory(email="reader@example.com", language="zh-hans")
    client.post("/account/password/reset/", {"email": "reader@example.com"}, **ENGLISH)
    assert "重置密码" in OutgoingEmail.objects.get(to="reader@example.com").subject


def test_messages_and_refusals_name_organisations_as_the_reader_does(client: Client, owner: Member) -> None:
    organisation = owner.organisation
    client.force_login(owner.user)
    client.post("/language/", {"language": "zh-hans"})
    page = client.get("/organisation/").content.decode()
    assert organisation.name_zh in page
    assert "机构" in page


def test_the_trail_is_in_the_readers_language(as_owner: Actor, viewer: Member, now: datetime) -> None:
    detail = {"member": "a@example.com", "role": {"was": "viewer", "is": "finance"}, "odd_key": True}
    event = record(actor=as_owner, verb="change_role", subject=viewer, detail=detail, now=now)
    with translation.override("zh-hans"):
        assert (event.verb_label, event.subject_label) == ("变更角色", "成员")
        assert event.detail_lines() == [
            ("成员", "a@example.com"), ("角色", "观察员 → 财务"), ("odd key", "是"),
        ]  # fmt: skip
        organisation = OrganisationFactory()
        about = record(actor=as_owner, verb="edit", subject=organisation, detail={"tier": "leading"}, now=now)
        assert about.detail_lines() == [("企业类型", "龙头企业")]


def test_the_trail_shows_amounts_and_moments_as_the_pages_do(as_owner: Actor, now: datetime) -> None:
    capacity = CapacityFactory()
    terms = {"reserve_price": 123456, "starts_at": now}
    record(actor=as_owner, verb="list", subject=capacity, detail=terms, now=now)
    event = AuditEvent.objects.get(verb="list")
    with timezone.override("Asia/Shanghai"):
        assert {text for _, text in event.detail_lines()} == {"CNY 1,234.56", "2026-06-01 12:00 CST"}
    event = record(
        actor=as_owner, verb="ask", subject=capacity, detail={"fen": 5, "currency": "HKD"}, now=now
    )
    assert event.detail_lines() == [("amount", "HKD 0.05"), ("currency", "HKD")]
