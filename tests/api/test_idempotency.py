"""The same request with the same Idempotency-Key is done once, also when both come at the same time."""

import json
import threading
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client

from accounts.models import IdempotentRequest, Organisation
from marketplace.trading.models import Order
from tests.api.conftest import Caller, bid
from tests.factories.listings import CapacityFactory, hour
from tests.factories.trading import fund


@pytest.fixture
def program(buyer: Organisation, caller: Callable[..., Caller]) -> Caller:
    fund(buyer, 1_000_000)
    CapacityFactory(units=8, reserve_price=1000, ends_at=hour(24))
    return caller(buyer)


@pytest.mark.django_db
def test_without_a_key_a_repeated_request_orders_twice(program: Caller) -> None:
    program.post("bids", bid())
    program.post("bids", bid())
    assert Order.objects.count() == 2


@pytest.mark.django_db
def test_the_first_answer_comes_again(program: Caller) -> None:
    first = program.post("bids", bid(), key="k-1")
    again = program.post("bids", bid(), key="k-1")
    assert (again.status_code, again.json()) == (201, first.json())
    assert again["Idempotent-Replay"] == "true"
    assert Order.objects.count() == 1


@pytest.mark.django_db
def test_another_request_with_the_same_key_is_refused(program: Caller) -> None:
    program.post("bids", bid(), key="k-1")
    refused = program.post("bids", bid(quantity=5), key="k-1")
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")
    assert Order.objects.count() == 1


@pytest.mark.django_db
def test_a_refused_request_leaves_its_key_free(program: Caller) -> None:
    refused = program.post("bids", bid(limit_price_fen=1_000_000), key="k-1")
    assert refused.status_code == 409
    assert not IdempotentRequest.objects.exists()
    assert program.post("bids", bid(), key="k-1").status_code == 201


@pytest.mark.django_db
def test_keys_of_two_organisations_do_not_meet(
    program: Caller, provider: Organisation, caller: Callable[..., Caller]
) -> None:
    other = caller(provider)
    program.post("bids", bid(), key="k-1")
    assert other.post("bids", bid(quantity=5), key="k-1").json()["code"] != "idempotency_key_reused"


@pytest.mark.django_db
def test_an_answer_is_repeated_to_nobody_without_the_api_key(program: Caller) -> None:
    program.post("bids", bid(), key="k-1")
    body = json.dumps(bid(), default=str)
    for api_key in ({}, {"authorization": "Bearer sp_00000000_wrong"}):
        headers = {"idempotency-key": "k-1", **api_key}
        refused = Client().post("/api/v1/bids", body, content_type="application/json", headers=headers)
        assert refused.status_code == 401
    assert Order.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_ten_at_once_order_once(program: Caller) -> None:
    answers = []

    def send() -> None:
        answers.append(program.post("bids", bid(), key="k-1"))
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert Order.objects.count() == 1
