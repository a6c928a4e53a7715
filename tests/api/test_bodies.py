"""A body means one thing: what the API would have to overlook or guess at is refused, and nothing is done."""

from collections.abc import Callable

import pytest
from django.http import HttpResponse

from accounts.models import Organisation
from marketplace.trading.models import Order
from tests.api.conftest import Caller, bid
from tests.factories.listings import CapacityFactory, hour
from tests.factories.trading import fund

pytestmark = pytest.mark.django_db


@pytest.fixture
def program(buyer: Organisation, caller: Callable[..., Caller]) -> Caller:
    fund(buyer, 1_000_000)
    CapacityFactory(units=8, reserve_price=1000, ends_at=hour(24))
    return caller(buyer)


def at_fault(refused: HttpResponse) -> dict[str, str]:
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid")
    assert not Order.objects.exists()
    return {each["field"]: each["detail"] for each in refused.json()["errors"]}


def test_the_very_bid_that_the_others_spoil_is_taken(program: Caller) -> None:
    assert program.post("bids", bid()).status_code == 201


def test_a_misspelt_field_is_refused_and_named(program: Caller) -> None:
    assert at_fault(program.post("bids", bid(minimun=2))) == {"minimun": "There is no such field."}


def test_a_misspelt_field_is_found_however_deep(program: Caller) -> None:
    limits = [{"accelerator": 1}, {"accelerator": 2, "limit_fen": 900}]
    assert list(at_fault(program.post("bids", bid(accelerators=limits)))) == ["accelerators.1.limit_fen"]


@pytest.mark.parametrize(
    ("field", "value"),
    [("quantity", "4"), ("quantity", True), ("domestic_only", 0), ("domestic_only", "off")],
)
def test_another_json_type_is_not_converted(program: Caller, field: str, value: object) -> None:
    assert list(at_fault(program.post("bids", bid(**{field: value})))) == [field]


def test_a_number_is_no_text(program: Caller) -> None:
    refused = program.post("own/facilities", {"name_zh": 5})
    assert "name_zh" in at_fault(refused)


def test_a_body_that_is_no_object_is_at_fault_as_a_whole(program: Caller) -> None:
    assert list(at_fault(program.post("bids", [1]))) == ["body"]


@pytest.mark.parametrize(
    "body",
    [
        '{"quantity": 4, "quantity": 5}',
        r'{"hubs": ["\ud800"]}',
        '{"quantity": NaN}',
        '{"quantity": 1' + "0" * 5000 + "}",
        "[" * 100_000,
        "\xff",
    ],
    ids=["a name twice", "half a pair", "no number", "a number without end", "too deep", "no UTF-8"],
)
def test_json_that_does_not_mean_one_thing_cannot_be_read(program: Caller, body: str) -> None:
    raw = body.encode("latin-1")
    refused = program.client.post("/api/v1/bids", raw, content_type="application/json")
    assert (refused.status_code, refused.json()["code"]) == (400, "parse_error")


def test_a_body_that_is_too_long_is_a_problem_document(program: Caller) -> None:
    refused = program.client.post("/api/v1/bids", " " * 3_000_000, content_type="application/json")
    assert (refused.status_code, refused.json()["code"]) == (413, "body_too_large")
    assert refused["Content-Type"] == "application/problem+json"


def test_what_was_read_may_be_sent_back(provider: Organisation, caller: Callable[..., Caller]) -> None:
    capacity = CapacityFactory(pool__facility__provider=provider)
    program = caller(provider)
    shown = program.get("own/facilities").json()["results"][0]
    sent = program.send("PUT", f"own/facilities/{capacity.pool.facility.pk}", shown)
    assert (sent.status_code, sent.json()) == (200, shown)
