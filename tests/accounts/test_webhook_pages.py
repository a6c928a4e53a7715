"""The pages of webhooks: owners set endpoints up and see what they answered; nobody else does."""

from datetime import datetime

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import EventKind, Member, Role, WebhookDelivery, WebhookEndpoint, WebhookEvent
from accounts.operations import tell_programs
from accounts.operations.webhooks import MOST_ENDPOINTS, add_endpoint, ping
from tests.factories.accounts import MemberFactory
from tests.factories.settlement import acting

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
URL = "https://partner.example/hooks"
PAGES = reverse("accounts:webhooks"), reverse("accounts:add_webhook")
BUTTONS = ["edit_webhook", "rotate_webhook_secret", "ping_webhook", "remove_webhook"]


@pytest.fixture
def client(owner: Member) -> Client:
    return signed_in(owner)


@pytest.fixture
def endpoint(owner: Member, now: datetime) -> WebhookEndpoint:
    return add_endpoint(actor=acting(owner.organisation), url=URL, kinds=[], now=now)[0]


@pytest.fixture
def event(owner: Member, endpoint: WebhookEndpoint, now: datetime) -> WebhookEvent:
    tell_programs(
        kind=EventKind.CONTRACT_OPENED, told=[(owner.organisation_id, {"contract": "SP-1"})], now=now
    )
    return WebhookEvent.objects.get()


def signed_in(member: Member) -> Client:
    client = Client()
    client.force_login(member.user)
    return client


def text_of(client: Client, path: str = PAGES[0]) -> str:
    return client.get(path).content.decode()


def test_an_endpoint_is_added_and_its_secret_shown_once(client: Client, owner: Member) -> None:
    shown = client.post(PAGES[1], {"url": URL, "kinds": ["invoice.issued", "contract.opened"]})
    secret = shown.context["secret"]
    assert f'data-copy="{secret}"' in shown.content.decode()
    assert "no-store" in shown.headers["Cache-Control"]
    endpoint = WebhookEndpoint.objects.get()
    assert (endpoint.organisation, endpoint.url) == (owner.organisation, URL)
    assert endpoint.kinds == ["contract.opened", "invoice.issued"]
    later = text_of(client)
    assert secret not in later
    assert URL in later
    assert "An invoice or credit note was issued" in later


def test_no_kind_is_every_kind(client: Client) -> None:
    client.post(PAGES[1], {"url": URL})
    assert WebhookEndpoint.objects.get().kinds == []
    assert "Everything" in text_of(client)


def test_refusals_stand_on_the_form(client: Client, endpoint: WebhookEndpoint, owner: Member, now) -> None:
    twice = client.post(PAGES[1], {"url": URL})
    assert "has an endpoint at this address" in str(twice.context["form"].non_field_errors())
    insecure = client.post(PAGES[1], {"url": "ftp://partner.example/"})
    assert "begins with https://" in str(insecure.context["form"].non_field_errors())
    unknown = client.post(PAGES[1], {"url": f"{URL}/2", "kinds": ["all"]})
    assert "kinds" in unknown.context["form"].errors
    for number in range(1, MOST_ENDPOINTS):
        add_endpoint(actor=acting(owner.organisation), url=f"{URL}/{number}", kinds=[], now=now)
    eleventh = client.post(PAGES[1], {"url": "https://more.example/"})
    assert "at most 10 endpoints" in str(eleventh.context["form"].non_field_errors())
    path = reverse("accounts:edit_webhook", args=[endpoint.pk])
    taken = client.post(path, {"url": f"{URL}/1"})
    assert "has an endpoint at this address" in str(taken.context["form"].non_field_errors())


def test_an_endpoint_that_is_disabled_is_edited_and_told_again(
    client: Client, endpoint: WebhookEndpoint, now: datetime
) -> None:
    WebhookEndpoint.objects.update(disabled_at=now, kinds=["ping"])
    assert "It answered 410" in text_of(client)
    path = reverse("accounts:edit_webhook", args=[endpoint.pk])
    form = client.get(path).context["form"]
    assert (form["url"].value(), form["kinds"].value()) == (URL, ["ping"])
    client.post(path, {"url": f"{URL}/new", "kinds": ["dispute.opened"]})
    endpoint.refresh_from_db()
    assert (endpoint.url, endpoint.kinds, endpoint.disabled_at) == (f"{URL}/new", ["dispute.opened"], None)
    assert "It answered 410" not in text_of(client)


def test_a_new_secret_is_shown_once(client: Client, endpoint: WebhookEndpoint, now: datetime) -> None:
    shown = client.post(reverse("accounts:rotate_webhook_secret", args=[endpoint.pk]))
    assert shown.context["secret"] in shown.content.decode()
    assert "no-store" in shown.headers["Cache-Control"]
    endpoint.refresh_from_db()
    assert bytes(endpoint.older_secret)
    later = text_of(client)
    assert shown.context["secret"] not in later
    assert "The secret before signs too" in later


def test_a_ping_is_sent_and_its_delivery_shown(client: Client, endpoint: WebhookEndpoint) -> None:
    client.post(reverse("accounts:ping_webhook", args=[endpoint.pk]))
    delivery = WebhookDelivery.objects.get()
    assert (delivery.event.kind, delivery.endpoint) == ("ping", endpoint)
    WebhookDelivery.objects.update(attempts=3, last_error="Nobody answered at that port.")
    for path in (PAGES[0], reverse("accounts:edit_webhook", args=[endpoint.pk])):
        text = text_of(client, path)
        assert "Nobody answered at that port." in text
        assert delivery.event.uid in text
        assert "Waiting" in text
        assert reverse("accounts:replay_webhook_event", args=[delivery.event_id]) not in text


def test_an_event_is_told_again(client: Client, event: WebhookEvent, endpoint: WebhookEndpoint) -> None:
    WebhookDelivery.objects.update(status="given_up", attempts=10, answered=500)
    text = text_of(client)
    assert "Given up" in text
    assert reverse("accounts:replay_webhook_event", args=[event.pk]) in text
    assert "<code>500</code>" in text
    client.post(reverse("accounts:replay_webhook_event", args=[event.pk]))
    delivery = WebhookDelivery.objects.get()
    assert (delivery.status, delivery.attempts, delivery.event) == ("waiting", 0, event)


def test_an_endpoint_is_removed(client: Client, endpoint: WebhookEndpoint) -> None:
    client.post(reverse("accounts:remove_webhook", args=[endpoint.pk]))
    assert not WebhookEndpoint.objects.exists()
    assert "No endpoints yet" in text_of(client)


def test_the_latest_twenty_deliveries_cost_no_more_queries_than_one(
    client: Client, owner: Member, endpoint: WebhookEndpoint, now: datetime
) -> None:
    actor = acting(owner.organisation)
    events = [ping(actor=actor, endpoint_id=endpoint.pk, now=now)]
    with CaptureQueriesContext(connection) as one:
        client.get(PAGES[0])
    events += [ping(actor=actor, endpoint_id=endpoint.pk, now=now) for _ in range(20)]
    with CaptureQueriesContext(connection) as many:
        page = client.get(PAGES[0])
    assert [row.event for row in page.context["deliveries"]] == events[:0:-1]
    assert len(many) == len(one)


@pytest.mark.parametrize("role", [role for role in Role if role != Role.OWNER])
def test_a_teammate_without_the_role_opens_and_changes_nothing(
    event: WebhookEvent, endpoint: WebhookEndpoint, owner: Member, role: Role
) -> None:
    client = signed_in(MemberFactory(organisation=owner.organisation, role=role))
    assert PAGES[0] not in text_of(client, reverse("accounts:organisation"))
    before = WebhookEndpoint.objects.values().get()
    for path in PAGES:
        assert client.get(path).status_code == 403
    assert client.post(PAGES[1], {"url": f"{URL}/2"}).status_code == 403
    for name in BUTTONS:
        path = reverse(f"accounts:{name}", args=[endpoint.pk])
        assert client.post(path, {"url": f"{URL}/2"}).status_code == 403
    assert client.post(reverse("accounts:replay_webhook_event", args=[event.pk])).status_code == 403
    assert WebhookEndpoint.objects.values().get() == before
    assert WebhookEvent.objects.count() == 1


def test_a_stranger_finds_nothing_of_anothers(
    event: WebhookEvent, endpoint: WebhookEndpoint, stranger: Member
) -> None:
    client = signed_in(stranger)
    assert URL not in text_of(client)
    before = WebhookEndpoint.objects.values().get()
    assert client.get(reverse("accounts:edit_webhook", args=[endpoint.pk])).status_code == 404
    for name in BUTTONS:
        path = reverse(f"accounts:{name}", args=[endpoint.pk])
        assert client.post(path, {"url": f"{URL}/2"}).status_code == 404
    assert client.post(reverse("accounts:replay_webhook_event", args=[event.pk])).status_code == 404
    assert WebhookEndpoint.objects.values().get() == before
    assert WebhookEvent.objects.count() == 1


@pytest.mark.parametrize("name", BUTTONS[1:])
def test_a_link_changes_nothing(client: Client, endpoint: WebhookEndpoint, name: str) -> None:
    assert client.get(reverse(f"accounts:{name}", args=[endpoint.pk])).status_code == 405
    assert WebhookEndpoint.objects.filter(older_secret=None).exists()
