import datetime
from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from accounts.models import Member, Organisation
from listings.models import Capacity, CapacityHour, Facility, Pool
from listings.slots import SLOT, slot_of
from tests.factories.listings import AcceleratorFactory, CapacityFactory, PoolFactory

pytestmark = pytest.mark.django_db

FACILITY = {
    "name_zh": "韶关智算中心",
    "name_en": "Shaoguan Centre",
    "kind": "intelligent",
    "city": "Shaoguan",
    "hub": "greater_bay",
    "jurisdiction": "mainland",
    "pue": "1.25",
    "green_percent": "40",
}


@pytest.fixture
def soon() -> datetime.datetime:
    """Pages read the clock: the next slot of today."""
    return slot_of(timezone.now()) + SLOT


@pytest.fixture
def capacity(pool: Pool, soon: datetime.datetime) -> Capacity:
    return CapacityFactory(pool=pool, units=4, starts_at=soon, ends_at=soon + 10 * SLOT)


@pytest.fixture
def sign_in(client: Client) -> Callable[[Member], Client]:
    def as_member(member: Member) -> Client:
        client.force_login(member.user)
        return client

    return as_member


def local(at: datetime.datetime) -> str:
    shanghai = at.astimezone(datetime.timezone(datetime.timedelta(hours=8)))
    return f"{shanghai:%Y-%m-%dT%H:%M}"


def test_a_provider_goes_from_a_facility_to_capacity(
    sign_in: Callable[[Member], Client], seller: Member, soon: datetime.datetime
) -> None:
    client = sign_in(seller)
    assert "Add your first facility" in client.get("/listings/").text
    answer = client.post("/listings/facilities/add/", FACILITY)
    facility = Facility.objects.get()
    assert answer.url == f"/listings/facilities/{facility.pk}/pools/add/"
    answer = client.post(answer.url, {"accelerator": AcceleratorFactory().pk, "units": 16})
    pool = Pool.objects.get()
    assert answer.url == f"/listings/pools/{pool.pk}/"
    terms = {
        "units": 8,
        "starts_at": local(soon),
        "ends_at": local(soon + 4 * SLOT),
        "reserve_price": "12.34",
    }
    client.post(f"/listings/pools/{pool.pk}/capacity/add/", terms)
    capacity = Capacity.objects.get()
    assert (capacity.starts_at, capacity.reserve_price, capacity.hours.count()) == (soon, 1234, 4)
    assert "¥12.34" in client.get(f"/listings/pools/{pool.pk}/").text
    assert "Shaoguan Centre" in client.get("/listings/").text


def test_a_refusal_is_shown_on_the_form_with_what_was_typed(
    sign_in: Callable[[Member], Client], seller: Member, pool: Pool, soon: datetime.datetime
) -> None:
    terms = {"units": 9, "starts_at": local(soon), "ends_at": local(soon + SLOT), "reserve_price": "12.34"}
    answer = sign_in(seller).post(f"/listings/pools/{pool.pk}/capacity/add/", terms)
    assert answer.status_code == 422
    assert "List at most 8." in answer.text
    assert 'value="12.34"' in answer.text
    assert not Capacity.objects.exists()


def test_the_share_sold_is_shown_by_day(
    sign_in: Callable[[Member], Client], seller: Member, capacity: Capacity
) -> None:
    CapacityHour.objects.filter(capacity=capacity).update(sold=1)
    page = sign_in(seller).get(f"/listings/capacity/{capacity.pk}/").text
    assert "40 unit-hours" in page
    assert "10 unit-hours" in page
    assert "25 %" in page


def test_capacity_is_edited_paused_resumed_and_withdrawn(
    sign_in: Callable[[Member], Client], seller: Member, capacity: Capacity
) -> None:
    client = sign_in(seller)
    address = f"/listings/capacity/{capacity.pk}"
    assert f'value="{local(capacity.starts_at)}"' in client.get(f"{address}/edit/").text
    terms = {
        "units": 2,
        "starts_at": local(capacity.starts_at),
        "ends_at": local(capacity.ends_at),
        "reserve_price": "9",
    }
    client.post(f"{address}/edit/", terms)
    capacity.refresh_from_db()
    assert (capacity.units, capacity.reserve_price) == (2, 900)
    for step, status in [("pause", "paused"), ("resume", "active"), ("withdraw", "withdrawn")]:
        client.post(f"{address}/{step}/")
        capacity.refresh_from_db()
        assert capacity.status == status
    refused = client.post(f"{address}/resume/", follow=True)
    assert "Only paused capacity can be resumed." in refused.text


def test_a_teammate_without_the_role_reads_and_changes_nothing(
    sign_in: Callable[[Member], Client], engineer: Member, capacity: Capacity
) -> None:
    client = sign_in(engineer)
    for address in (
        "/listings/",
        f"/listings/pools/{capacity.pool_id}/",
        f"/listings/capacity/{capacity.pk}/",
    ):
        page = client.get(address)
        assert page.status_code == 200
        for word in ("Offer capacity", "Withdraw", "Add a facility"):
            assert word not in page.text
    facility = capacity.pool.facility_id
    for address in (
        "/listings/facilities/add/",
        f"/listings/facilities/{facility}/edit/",
        f"/listings/facilities/{facility}/pools/add/",
        f"/listings/pools/{capacity.pool_id}/resize/",
        f"/listings/pools/{capacity.pool_id}/capacity/add/",
        f"/listings/capacity/{capacity.pk}/edit/",
        f"/listings/capacity/{capacity.pk}/withdraw/",
        "/listings/upload/",
    ):
        assert client.post(address).status_code == 403, address
    capacity.refresh_from_db()
    assert capacity.status == Capacity.Status.ACTIVE


def test_to_a_stranger_it_does_not_exist(
    sign_in: Callable[[Member], Client], stranger: Member, capacity: Capacity
) -> None:
    client = sign_in(stranger)
    assert capacity.pool.facility.name_en not in client.get("/listings/").text
    facility = capacity.pool.facility_id
    for address in (
        f"/listings/facilities/{facility}/edit/",
        f"/listings/facilities/{facility}/pools/add/",
        f"/listings/pools/{capacity.pool_id}/",
        f"/listings/pools/{capacity.pool_id}/resize/",
        f"/listings/pools/{capacity.pool_id}/capacity/add/",
        f"/listings/capacity/{capacity.pk}/",
        f"/listings/capacity/{capacity.pk}/edit/",
    ):
        assert client.get(address).status_code == 404, address
    assert client.post(f"/listings/capacity/{capacity.pk}/withdraw/").status_code == 404
    capacity.refresh_from_db()
    assert capacity.status == Capacity.Status.ACTIVE


def test_who_has_not_signed_in_is_asked_to(client: Client, capacity: Capacity) -> None:
    for address in ("/listings/", f"/listings/pools/{capacity.pool_id}/", "/listings/upload/"):
        assert client.get(address).url.startswith("/account/login/")


def test_a_file_is_uploaded_or_its_bad_lines_are_shown(
    sign_in: Callable[[Member], Client], seller: Member, provider: Organisation, soon: datetime.datetime
) -> None:
    PoolFactory(
        facility__provider=provider, facility__name_en="Shaoguan", accelerator__slug="nvidia-h100", units=8
    )
    header = "facility,accelerator,units,from,until,reserve price\n"
    times = f"{local(soon).replace('T', ' ')},{local(soon + 2 * SLOT).replace('T', ' ')}"
    good = f"Shaoguan,nvidia-h100,4,{times},12.5\n"
    bad = f"Shaoguan,nvidia-h100,<b>x</b>,{times},12.5\n"
    client = sign_in(seller)
    refused = client.post(
        "/listings/upload/", {"file": SimpleUploadedFile("c.csv", (header + good + bad).encode())}
    )
    assert refused.status_code == 422
    assert "Nothing was listed: 1 line needs mending." in refused.text
    assert "is not a number of units" in refused.text
    assert "<b>x</b>" not in refused.text
    assert not Capacity.objects.exists()
    empty = client.post("/listings/upload/", {"file": SimpleUploadedFile("c.csv", b"\xff\xfe\xfd" * 9)})
    assert "Save it as CSV in UTF-8" in empty.text
    client.post("/listings/upload/", {"file": SimpleUploadedFile("c.csv", (header + good * 2).encode("gbk"))})
    assert Capacity.objects.count() == 2
    template = client.get("/listings/upload/capacity.csv")
    assert template.headers["Content-Disposition"] == 'attachment; filename="capacity.csv"'
    assert "Shaoguan,nvidia-h100,8" in template.content.decode("utf-8-sig")


def test_the_home_page_asks_as_many_questions_for_many_pools_as_for_one(
    sign_in: Callable[[Member], Client], seller: Member, pool: Pool, django_assert_max_num_queries: object
) -> None:
    client = sign_in(seller)
    client.get("/listings/")
    for _ in range(5):
        CapacityFactory(pool=PoolFactory(facility=pool.facility))
    with django_assert_max_num_queries(16):
        client.get("/listings/")
