"""A publisher describes, lists, changes and withdraws its algorithms over the API."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import Organisation
from listings.models import Algorithm, LicencePlan
from tests.api.conftest import Caller
from tests.factories.listings import AcceleratorFactory, LicencePlanFactory

pytestmark = pytest.mark.django_db
ALGORITHM = {
    "name_zh": "裂纹检测",
    "name_en": "Crack finder",
    "task": "object-detection",
    "modality": "image",
}
PLAN = {
    "name": "A year",
    "kind": "term",
    "term_days": 365,
    "territory": "mainland",
    "commercial": True,
    "derivatives": False,
    "price_fen": 500_000,
    "supply": 10,
}


def version(**changes: Any) -> dict[str, Any]:
    return {
        "number": "1.0",
        "reference": "https://models.example/crack-finder-1.0.tar",
        "sha256": "a" * 64,
        "size_bytes": 1_000_000,
        "stacks": ["CANN"],
        "accelerators": ["ascend"],
    } | changes


def test_from_a_draft_to_the_catalogue_and_out_again(
    provider: Organisation, caller: Callable[..., Caller]
) -> None:
    AcceleratorFactory(slug="ascend")
    program, anyone = caller(provider), Client()
    draft = program.post("own/algorithms", ALGORITHM).json()
    assert (draft["slug"], draft["status"]) == ("crack-finder", "draft")
    own = f"own/algorithms/{draft['slug']}"
    too_early = program.post(f"{own}/list")
    assert (too_early.status_code, too_early["Content-Type"]) == (409, "application/problem+json")

    released = program.post(f"{own}/versions", version())
    assert released.status_code == 201, released.content
    plan = program.post(f"{own}/plans", PLAN)
    assert plan.status_code == 201, plan.content
    listed = program.post(f"{own}/list").json()
    assert listed["status"] == "listed"
    assert listed["versions"][0]["accelerators"] == ["ascend"]

    public = anyone.get("/api/v1/algorithms/crack-finder").json()
    assert [(each["id"], each["price_fen"]) for each in public["plans"]] == [(plan.json()["id"], 500_000)]
    assert program.post(f"{own}/withdraw").json()["status"] == "withdrawn"
    assert anyone.get("/api/v1/algorithms/crack-finder").status_code == 404


def test_a_description_is_corrected_and_its_slug_stays(
    provider: Organisation, caller: Callable[..., Caller]
) -> None:
    program = caller(provider)
    slug = program.post("own/algorithms", ALGORITHM).json()["slug"]
    edited = program.send("PUT", f"own/algorithms/{slug}", ALGORITHM | {"name_en": "Flaw finder"}).json()
    assert (edited["name_en"], edited["slug"]) == ("Flaw finder", slug)


def test_a_plan_is_changed_withdrawn_and_listed_again(
    provider: Organisation, caller: Callable[..., Caller]
) -> None:
    plan = LicencePlanFactory(algorithm__publisher=provider)
    program = caller(provider)
    changed = program.send("PUT", f"own/plans/{plan.pk}", PLAN | {"price_fen": 400_000})
    assert changed.json()["price_fen"] == 400_000, changed.content
    assert program.post(f"own/plans/{plan.pk}/withdraw").json()["status"] == "withdrawn"
    assert program.post(f"own/plans/{plan.pk}/relist").json()["status"] == "listed"


def test_a_plan_that_has_sold_keeps_its_terms(provider: Organisation, caller: Callable[..., Caller]) -> None:
    plan = LicencePlanFactory(algorithm__publisher=provider, sold=1)
    refused = caller(provider).send("PUT", f"own/plans/{plan.pk}", PLAN)
    assert (refused.status_code, refused.json()["code"]) == (409, "already_sold")


def test_an_unknown_accelerator_is_named(provider: Organisation, caller: Callable[..., Caller]) -> None:
    program = caller(provider)
    slug = program.post("own/algorithms", ALGORITHM).json()["slug"]
    refused = program.post(f"own/algorithms/{slug}/versions", version(accelerators=["abacus"]))
    assert refused.status_code == 422
    assert [error["field"] for error in refused.json()["errors"]] == ["accelerators"]


def test_a_plan_is_added_once_under_its_idempotency_key(
    provider: Organisation, caller: Callable[..., Caller]
) -> None:
    program = caller(provider)
    slug = program.post("own/algorithms", ALGORITHM, key="a-1").json()["slug"]
    assert program.post("own/algorithms", ALGORITHM, key="a-1")["Idempotent-Replay"] == "true"
    first = program.post(f"own/algorithms/{slug}/plans", PLAN, key="p-1").json()
    assert program.post(f"own/algorithms/{slug}/plans", PLAN, key="p-1").json() == first
    assert (Algorithm.objects.count(), LicencePlan.objects.count()) == (1, 1)


def test_who_only_buys_publishes_nothing(buyer: Organisation, caller: Callable[..., Caller]) -> None:
    refused = caller(buyer).post("own/algorithms", ALGORITHM)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")
    assert not Algorithm.objects.exists()
