"""A provider lists through the API; everybody reads the catalogue; nobody touches another's capacity."""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import Organisation
from listings.models import Capacity, Facility
from tests.api.conftest import Caller
from tests.factories.listings import (
    AcceleratorFactory,
    AlgorithmFactory,
    CapacityFactory,
    FacilityFactory,
    LicencePlanFactory,
    PoolFactory,
    hour,
)

pytestmark = pytest.mark.django_db
FACILITY = {
    "name_zh": "韶关二号",
    "name_en": "Shaoguan Two",
    "kind": "data_centre",
    "city": "Shaoguan",
    "hub": "greater_bay",
    "jurisdiction": "mainland",
    "pue": "1.20",
    "green_percent": 50,
}


def terms(**changes: object) -> dict[str, object]:
    return {"units": 8, "starts_at": hour(1), "ends_at": hour(25), "reserve_price_fen": 900} | changes


def test_anyone_reads_the_catalogue_pools_and_algorithms() -> None:
    PoolFactory(accelerator=AcceleratorFactory(slug="ascend", domestic=True))
    PoolFactory()
    plan = LicencePlanFactory()
    anyone = Client()
    assert len(anyone.get("/api/v1/accelerators").json()["results"]) == 2
    pools = anyone.get("/api/v1/pools", {"domestic": "true"}).json()["results"]
    assert [pool["accelerator"]["slug"] for pool in pools] == ["ascend"]
    listed = anyone.get(f"/api/v1/algorithms/{plan.algorithm.slug}").json()
    assert listed["plans"][0]["price_fen"] == plan.price


def test_a_draft_algorithm_is_not_in_the_catalogue() -> None:
    draft = AlgorithmFactory(status="draft")
    assert Client().get(f"/api/v1/algorithms/{draft.slug}").status_code == 404


def test_a_provider_lists_edits_pauses_resumes_and_withdraws(
    provider: Organisation, caller: Callable[..., Caller]
) -> None:
    program = caller(provider)
    AcceleratorFactory(slug="ascend")
    facility = program.post("own/facilities", FACILITY).json()
    pool = program.post(
        "own/pools", {"facility": facility["id"], "accelerator": "ascend", "units": 16}
    ).json()
    listed = program.post("capacities", {"pool": pool["id"], **terms()})
    assert listed.status_code == 201, listed.content
    pk = listed.json()["id"]
    assert Capacity.objects.get(pk=pk).hours.count() == 24

    edited = program.send("PUT", f"capacities/{pk}", terms(units=4, reserve_price_fen=800)).json()
    assert (edited["units"], edited["reserve_price_fen"]) == (4, 800)
    for verb, status in [("pause", "paused"), ("resume", "active"), ("withdraw", "withdrawn")]:
        assert program.post(f"capacities/{pk}/{verb}").json()["status"] == status


def test_more_than_the_pool_has_is_refused(provider: Organisation, caller: Callable[..., Caller]) -> None:
    pool = PoolFactory(facility=FacilityFactory(provider=provider), units=8)
    refused = caller(provider).post("capacities", {"pool": pool.pk, **terms(units=9)})
    assert refused.status_code == 409
    assert refused["Content-Type"] == "application/problem+json"
    assert refused.json()["code"] == "pool_overcommitted"
    assert not Capacity.objects.exists()


def test_a_key_without_the_scope_may_not_list(provider: Organisation, caller: Callable[..., Caller]) -> None:
    refused = caller(provider, ["read"]).post("own/facilities", FACILITY)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")
    assert not Facility.objects.exists()


def test_a_strangers_capacity_is_not_found(
    provider: Organisation, buyer: Organisation, caller: Callable[..., Caller]
) -> None:
    capacity = CapacityFactory(pool__facility__provider=provider)
    program = caller(buyer)
    assert program.get(f"capacities/{capacity.pk}").status_code == 404
    assert program.post(f"capacities/{capacity.pk}/withdraw").status_code == 404
    assert program.send("PUT", f"capacities/{capacity.pk}", terms()).status_code == 404
    assert program.get("capacities").json()["results"] == []
    capacity.refresh_from_db()
    assert capacity.status == Capacity.Status.ACTIVE
