"""The schema says what the API does: it is valid, and what the API answers conforms to it."""

import datetime

import pytest
import schemathesis
from django.core.management import call_command
from django.test import Client
from hypothesis import HealthCheck, given, settings
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
