"""The public pages: what the last round published, and nothing of anybody's own."""

import hashlib
import json

import pytest
from django.test import Client
from django.urls import reverse

from marketplace.trading.models import Order, Round
from tests.factories.listings import AcceleratorFactory, CapacityFactory, hour
from tests.factories.trading import bid, cleared_round

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture
def settled() -> Round:
    """One pool that sold four units for three hours at 12 CNY."""
    CapacityFactory(reserve_price=1200)
    bid()
    return cleared_round()


@pytest.mark.parametrize("address", ["/", "/market/", "/market/rounds/"])
def test_before_the_first_round_pages_say_what_comes(client, address):
    response = client.get(address)
    assert response.status_code == 200
    page = response.content.decode()
    assert "first round" in page or "No round has settled yet" in page


def test_the_home_page_shows_the_live_market(client, settled):
    page = client.get("/").content.decode()
    assert "¥12.00" in page
    assert reverse("trading:round", args=[settled.pk]) in page


def test_the_market_shows_prices_volumes_and_a_heatmap(client, settled):
    response = client.get("/market/?hours=24")
    ((pool, row),) = response.context["rows"]
    assert (row.lowest, row.volume) == (1200, 12)
    heatmap = response.context["heatmap"]
    assert [cell[3] for cell in heatmap["cells"] if cell[3]] == [4, 4, 4]
    assert "¥12.00" in response.content.decode()
    assert pool.facility.name_en in heatmap["pools"][0]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=shaoguan", ["A100", "910B"]),
        ("domestic=True", ["910B"]),
        ("domestic=False", ["A100"]),
        ("memory=65", ["A100"]),
        ("accelerator=ascend-910b", ["910B"]),
        ("hub=guizhou", []),
    ],
)
def test_pools_are_filtered_by_the_address(client, query, found):
    a100 = AcceleratorFactory(name="A100", memory_gb=80, domestic=False)
    ascend = AcceleratorFactory(slug="ascend-910b", vendor="Huawei", name="910B", memory_gb=64, domestic=True)
    for accelerator in (a100, ascend):
        CapacityFactory(pool__accelerator=accelerator)
    rows = client.get(f"/market/?{query}&sort=facility").context["rows"]
    assert [pool.accelerator.name for pool, _ in rows] == found


def test_a_wrong_filter_is_named_and_breaks_nothing(client, settled):
    response = client.get("/market/?hub=atlantis&hours=abc&memory=-1")
    assert response.status_code == 200
    assert response.context["filter"].form.errors.keys() == {"hub", "hours", "memory"}


def test_pools_are_ordered_by_what_the_address_says(client, settled):
    dear = CapacityFactory(reserve_price=5000).pool
    bid(limit_price=6000, accelerators={dear.accelerator_id: None}, quantity=1, hours=1)
    cleared_round()
    by_price = [row.lowest for _, row in client.get("/market/?sort=price").context["rows"]]
    assert by_price == [1200, 5000]
    first, _ = client.get("/market/?sort=volume").context["rows"][0]
    assert first == dear  # the last round sold there alone


def test_a_pools_page_shows_its_hours_and_depth(client, settled):
    pool = settled.curves.get().pool
    response = client.get(reverse("trading:pool", args=[pool.pk]) + "?hours=24")
    chart = response.context["hours_chart"]
    assert chart["traded"].count(4) == 3
    (level,) = response.context["depth"].supply
    assert level.price == 1200

    slot = response.context["row"].hours[0].slot
    one_hour = client.get(response.request["PATH_INFO"], {"slot": slot.isoformat(), "hours": 24})
    assert one_hour.context["slot"] == slot
    assert one_hour.context["depth"].supply[0].quantity <= 8


def test_a_rounds_page_shows_quality_and_hashes(client, settled):
    page = client.get(reverse("trading:round", args=[settled.pk])).content.decode()
    assert settled.book_sha256 in page
    assert settled.result_sha256 in page
    assert "¥144.00" in page


def test_an_open_round_shows_its_gate_and_no_figures(client):
    opened = Round.objects.create(status=Round.Status.OPEN, gate_at=hour(1), opened_at=hour(0))
    response = client.get(reverse("trading:round", args=[opened.pk]))
    assert response.context["summary"] is None
    assert f'data-countdown="{opened.gate_at.isoformat()}"' in response.content.decode()


def test_a_failed_round_tells_an_operator_why_and_others_that_nothing_was_charged(client, operator):
    failed = Round.objects.create(
        status=Round.Status.FAILED,
        gate_at=hour(0),
        opened_at=hour(-1),
        closed_at=hour(0),
        book=b"x",
        book_sha256="0" * 64,
        error="promise 8 is broken",
    )
    address = reverse("trading:round", args=[failed.pk])
    assert "nothing was charged" in client.get(address).content.decode()
    assert failed.error not in client.get(address).content.decode()
    client.force_login(operator)
    assert failed.error in client.get(address).content.decode()


@pytest.mark.parametrize("document", ["book", "result"])
def test_documents_are_the_bytes_of_their_hash(client, settled, document):
    sha256 = getattr(settled, f"{document}_sha256")
    response = client.get(reverse("trading:document", args=[sha256]))
    assert hashlib.sha256(response.content).hexdigest() == sha256
    assert json.loads(response.content)
    assert "immutable" in response.headers["Cache-Control"]


def test_there_is_no_document_of_another_hash(client, settled):
    assert client.get(reverse("trading:document", args=["0" * 64])).status_code == 404


def test_a_round_shows_a_buyer_their_own_orders_and_a_stranger_none(settled, stranger):
    order = Order.objects.get()
    address = reverse("trading:round", args=[settled.pk])
    link = reverse("trading:order", args=[order.pk])
    for user, sees_it in ((order.placed_by, True), (stranger.user, False)):
        client = Client()
        client.force_login(user)
        assert (link in client.get(address).content.decode()) is sees_it


def test_public_pages_name_no_buyer(client, settled):
    buyer = Order.objects.get().organisation
    pool = settled.curves.get().pool
    for address in ("/", "/market/", f"/market/pools/{pool.pk}/", f"/market/rounds/{settled.pk}/"):
        assert buyer.name_en not in client.get(address).content.decode()


def test_the_operators_rounds_are_for_operators(settled, operator, owner):
    client = Client()
    client.force_login(operator)
    page = client.get("/operator/rounds/").content.decode()
    assert reverse("trading:round", args=[settled.pk]) in page
    client.force_login(owner.user)
    assert client.get("/operator/rounds/").status_code == 403
    assert Client().get("/operator/rounds/").status_code == 302
