"""Every refusal is a problem document with a stable code and a sentence."""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import ApiKey, Member, Organisation
from tests.api.conftest import Caller

pytestmark = pytest.mark.django_db


def test_without_a_key_nothing_of_an_organisation_is_shown() -> None:
    refused = Client().get("/api/v1/orders")
    assert refused.status_code == 401
    assert refused["WWW-Authenticate"].startswith("Bearer")
    assert refused["Content-Type"] == "application/problem+json"
    assert refused.json()["code"] == "not_authenticated"


def test_an_unknown_key_is_refused_even_where_none_is_needed() -> None:
    stranger = Client(headers={"authorization": "Bearer sp_00000000_wrong"})
    assert stranger.get("/api/v1/pools").status_code == 401


def test_a_revoked_key_is_refused(buyer: Organisation, caller: Callable[..., Caller], clock: object) -> None:
    program = caller(buyer)
    assert program.get("organisation").status_code == 200
    ApiKey.objects.update(revoked_at=clock)
    assert program.get("organisation").status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "nothing", 404, "not_found"),
        ("DELETE", "orders", 405, "method_not_allowed"),
        ("GET", "orders/999999", 404, "not_found"),
        ("GET", "algorithms/%0A", 404, "not_found"),
        ("GET", "contracts/%00", 404, "not_found"),
    ],
)
def test_what_is_not_there(
    buyer: Organisation, caller: Callable[..., Caller], method: str, path: str, status: int, code: str
) -> None:
    refused = caller(buyer).send(method, path)
    assert refused.status_code == status
    assert refused.json()["code"] == code
    assert refused["Content-Type"] == "application/problem+json"


def test_an_answer_that_is_not_json_is_refused(buyer: Organisation, caller: Callable[..., Caller]) -> None:
    refused = caller(buyer).client.get("/api/v1/organisation", headers={"accept": "text/html"})
    assert (refused.status_code, refused.json()["code"]) == (406, "not_acceptable")


def test_a_fault_is_a_problem_document_that_tells_nothing_of_its_cause(
    buyer: Organisation, caller: Callable[..., Caller], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(organisation: Organisation) -> None:
        raise RuntimeError("on purpose")

    monkeypatch.setattr("settlement.ledger.api.views.balance_of", fail)
    client = caller(buyer).client
    client.raise_request_exception = False
    answer = client.get("/api/v1/balance")
    assert (answer.status_code, answer["Content-Type"]) == (500, "application/problem+json")
    assert answer.json()["code"] == "fault"
    assert "on purpose" not in answer.content.decode()


def test_a_body_that_is_no_json(buyer: Organisation, caller: Callable[..., Caller]) -> None:
    client = caller(buyer).client
    refused = client.post("/api/v1/bids", "{", content_type="application/json")
    assert (refused.status_code, refused.json()["code"]) == (400, "parse_error")
    refused = client.post("/api/v1/bids", "a=1", content_type="application/x-www-form-urlencoded")
    assert (refused.status_code, refused.json()["code"]) == (415, "unsupported_media_type")


def test_too_many_requests_are_told_when_to_come_back(
    buyer: Organisation, caller: Callable[..., Caller], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accounts.api.throttling.CallerThrottle.rate", "2/min", raising=False)
    program = caller(buyer)
    assert [program.get("organisation").status_code for _ in range(3)] == [200, 200, 429]
    refused = program.get("organisation")
    assert int(refused["Retry-After"]) > 0
    assert refused.json()["code"] == "throttled"


def test_a_person_uses_the_api_with_a_session_and_a_csrf_token(owner: Member, clock: object) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(owner.user)
    assert browser.get("/api/v1/organisation").json()["name_en"] == owner.organisation.name_en
    refused = browser.post("/api/v1/bids", "{}", content_type="application/json")
    assert refused.status_code == 403
    assert "CSRF" in refused.json()["detail"]
