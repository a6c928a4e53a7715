"""The schema says what the API does: it is valid, and what the API answers conforms to it."""

import datetime
from typing import Any

import pytest
import schemathesis
from django.core.management import call_command
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, given, settings
from rest_framework import serializers
from schemathesis.specs.openapi.checks import positive_data_acceptance

from accounts.audit import Actor
from accounts.models import Organisation, Role, Scope
from accounts.operations import create_api_key
from tests.factories.accounts import MemberFactory
from tests.factories.listings import CapacityFactory, LicencePlanFactory, hour
from tests.factories.trading import bid, cleared_round, fund

EXAMPLES = 5


@pytest.fixture
def exchange(transactional_db: None, live_server: object) -> tuple[schemathesis.BaseSchema, str]:
    """The schema of a live exchange with a settled round, and a key of a firm that provides and buys."""
    now = datetime.datetime.now(datetime.UTC)
    member = MemberFactory(role=Role.OWNER, organisation__activity=Organisation.Activity.BOTH)
    fund(member.organisation, 10_000_000)
    CapacityFactory(units=8, reserve_price=1000, ends_at=hour(24))
    LicencePlanFactory()
    bid(member.organisation)
    cleared_round()
    _, token = create_api_key(
        actor=Actor(user=member.user, organisation=member.organisation),
        name="schemathesis",
        scopes=list(Scope),
        expires_at=now + datetime.timedelta(days=1),
        now=now,
    )
    return schemathesis.openapi.from_url(f"{live_server}/api/schema/?format=json"), token


def test_the_schema_is_valid_and_without_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("spectacular", "--fail-on-warn", "--validate")
    assert "openapi: 3" in capsys.readouterr().out


@pytest.mark.django_db
def test_the_documentation_page_fetches_nothing_from_elsewhere() -> None:
    page = Client().get("/api/docs/")
    assert page.status_code == 200
    assert "https://" not in page.content.decode()


def test_answers_conform_to_the_schema(exchange: tuple[schemathesis.BaseSchema, str]) -> None:
    schema, token = exchange
    # Given with each call, the key is known to be ours; else some draws are taken for an invented one.
    ours = {"Authorization": f"Bearer {token}"}
    for found in schema.get_all_operations():
        operation = found.ok()

        @settings(
            max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck)
        )
        @given(case=operation.as_strategy())
        def conforms(case: schemathesis.Case) -> None:
            # Terms that fit the schema may still be refused as a whole: a window shorter than its hours.
            case.call_and_validate(headers=ours, excluded_checks=[positive_data_acceptance])

        conforms()


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return SchemaGenerator().get_schema(public=True)


def operations(described: dict[str, Any]) -> list[dict[str, Any]]:
    return [each for methods in described["paths"].values() for each in methods.values()]


def test_a_generated_client_knows_every_refusal(described: dict[str, Any]) -> None:
    problem = {"$ref": "#/components/schemas/Problem"}
    for operation in operations(described):
        for status in ("400", "401", "403", "404", "409", "413", "415", "422", "429", "500"):
            content = operation["responses"][status]["content"]
            assert content["application/problem+json"]["schema"] == problem
        assert "Retry-After" in operation["responses"]["429"]["headers"]


def test_operations_are_told_apart(described: dict[str, Any]) -> None:
    names = [operation["operationId"] for operation in operations(described)]
    assert len(names) == len(set(names)) > 90


def test_requests_are_closed_and_answers_whole(described: dict[str, Any]) -> None:
    components = described["components"]["schemas"]
    assert components["NewBidRequest"]["additionalProperties"] is False
    for name, component in components.items():
        if name.endswith("Request"):
            assert component["additionalProperties"] is False
        elif "properties" in component and name != "Problem":
            assert set(component["required"]) == set(component["properties"])


def test_a_filter_by_an_enum_takes_the_type_of_the_field(described: dict[str, Any]) -> None:
    [status] = [
        each for each in described["paths"]["/api/v1/orders"]["get"]["parameters"] if each["name"] == "status"
    ]
    assert status["schema"] == {"$ref": "#/components/schemas/OrderStatus"}


def test_what_may_be_null_says_so(described: dict[str, Any]) -> None:
    """A field that is null by default, yet not nullable, is a lie that a typed client fails on."""
    liars = [
        f"{kind.__name__}.{name}"
        for kind in every_kind(serializers.Serializer)
        if ".api." in kind.__module__
        for name, field in kind().fields.items()
        if field.default is None and not field.allow_null
    ]
    assert liars == []
    assert described["components"]["schemas"]["Invoice"]["properties"]["corrects"]["nullable"]


def every_kind(kind: type[Any]) -> list[type[Any]]:
    return [each for below in kind.__subclasses__() for each in (below, *every_kind(below))]
