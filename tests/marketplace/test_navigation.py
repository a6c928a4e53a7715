"""Who finds which section in the navigation, for which organisation, in which language and zone."""

import pytest
from django.test import Client

from accounts.models import Organisation, Role
from marketplace.navigation import OPERATOR_GROUPS
from tests.factories.accounts import MemberFactory, OrganisationFactory, UserFactory

pytestmark = pytest.mark.django_db


def shown_to(client: Client) -> list[str]:
    sections = client.get("/market/").context["sections"]
    return [section.path for section in sections]


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_a_stranger_finds_what_is_public_and_the_way_in(client):
    assert shown_to(client) == ["/market/", "/algorithms/"]
    page = client.get("/market/").content.decode()
    assert "/account/signup/" in page
    assert "/account/login/" in page


def test_a_buyer_finds_orders_and_a_provider_listings():
    buyer = MemberFactory(organisation__activity=Organisation.Activity.BUY, role=Role.TRADER)
    provider = MemberFactory(organisation__activity=Organisation.Activity.PROVIDE, role=Role.TRADER)
    assert "/orders/" in shown_to(signed_in(buyer.user))
    assert "/listings/" not in shown_to(signed_in(buyer.user))
    assert "/listings/" in shown_to(signed_in(provider.user))
    assert "/orders/" not in shown_to(signed_in(provider.user))


@pytest.mark.parametrize(
    ("role", "sees_it"), [(Role.FINANCE, True), (Role.ENGINEER, False), (Role.VIEWER, False)]
)
def test_the_balance_is_for_roles_that_see_money(role, sees_it):
    member = MemberFactory(role=role)
    assert ("/balance/" in shown_to(signed_in(member.user))) is sees_it


def test_a_newcomer_is_sent_to_register_an_organisation():
    assert shown_to(signed_in(UserFactory())) == ["/market/", "/algorithms/", "/organisation/create/"]


def test_only_an_operator_finds_the_operators_pages(operator, owner):
    assert signed_in(owner.user).get("/market/").context["operator_groups"] == []
    assert signed_in(operator).get("/market/").context["operator_groups"] == OPERATOR_GROUPS


def test_the_switcher_offers_every_organisation_of_the_user_and_no_other():
    member = MemberFactory()
    second = MemberFactory(user=member.user)
    other = OrganisationFactory()
    page = signed_in(member.user).get("/market/").content.decode()
    assert f'value="{member.organisation_id}"' in page
    assert f'value="{second.organisation_id}"' in page
    assert other.name_en not in page


@pytest.mark.parametrize("demo", [True, False])
def test_a_demonstration_says_so(client, settings, demo):
    settings.DEMO = demo
    assert ("limit prices are synthetic" in client.get("/market/").content.decode()) is demo


def test_the_browsers_language_then_the_users_choice(client):
    chinese = {"HTTP_ACCEPT_LANGUAGE": "zh-CN,zh;q=0.9"}
    assert '<html lang="zh-hans">' in client.get("/market/", **chinese).content.decode()
    client.post("/language/", {"language": "en", "next": "/market/"}, **chinese)
    assert '<html lang="en">' in client.get("/market/", **chinese).content.decode()


def test_times_are_in_the_organisations_zone_and_a_strangers_in_the_exchanges(client, settings):
    assert f"Times in {settings.EXCHANGE_ZONE}" in client.get("/market/").content.decode()
    member = MemberFactory(organisation__timezone="Europe/Lisbon")
    assert "Times in Europe/Lisbon" in signed_in(member.user).get("/market/").content.decode()
