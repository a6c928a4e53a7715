"""The month's statement has one shape; what is between the provider and the exchange is null to the buyer."""

from collections.abc import Callable
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings

from accounts.models import Organisation
from settlement.contracts.models import Contract
from tests.api.conftest import Caller
from tests.api.test_whose_rows import invoiced
from tests.factories.listings import hour

pytestmark = pytest.mark.django_db


def test_the_fee_is_shown_to_the_provider_alone(buyer: Organisation, caller: Callable[..., Caller]) -> None:
    invoiced(buyer)
    provider = Contract.objects.get(buyer=buyer).provider
    month = f"{hour(-5).astimezone(ZoneInfo(settings.EXCHANGE_ZONE)):%Y-%m}"
    [bought] = caller(buyer).get("monthly-statement", side="buyer", month=month).json()["lines"]
    [sold] = caller(provider).get("monthly-statement", side="provider", month=month).json()["lines"]
    assert bought["gross_fen"] == sold["gross_fen"] == sold["payable_fen"] + sold["fee_fen"]
    assert (bought["fee_fen"], bought["fee_tax_fen"], bought["payable_fen"]) == (None, None, None)
    assert bought.keys() == sold.keys()


@pytest.mark.parametrize("month", ["2026-11-01", "2026-13", "11-2026", ""])
def test_a_month_is_a_year_and_a_month(
    buyer: Organisation, caller: Callable[..., Caller], month: str
) -> None:
    refused = caller(buyer).get("monthly-statement", side="buyer", month=month)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "month")
