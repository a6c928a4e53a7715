import pytest

from listings.errors import NotOnSale, Oversold
from listings.models import Algorithm, LicencePlan
from listings.operations import sell_seats
from tests.factories.listings import LicencePlanFactory

pytestmark = pytest.mark.django_db


def test_seats_sell_down_to_the_last() -> None:
    plan = LicencePlanFactory(supply=10)
    sell_seats(plan_id=plan.pk, seats=4)
    sell_seats(plan_id=plan.pk, seats=6)
    plan.refresh_from_db()
    assert plan.sold == 10
    with pytest.raises(Oversold):
        sell_seats(plan_id=plan.pk, seats=1)
    plan.refresh_from_db()
    assert plan.sold == 10


def test_unlimited_supply_is_counted_but_never_ends() -> None:
    plan = LicencePlanFactory(supply=None)
    sell_seats(plan_id=plan.pk, seats=1_000_000)
    plan.refresh_from_db()
    assert plan.sold == 1_000_000


@pytest.mark.parametrize(
    "withdrawn",
    [{"status": LicencePlan.Status.WITHDRAWN}, {"algorithm__status": Algorithm.Status.WITHDRAWN}],
)
def test_what_is_withdrawn_does_not_sell(withdrawn: dict[str, str]) -> None:
    plan = LicencePlanFactory(**withdrawn)
    with pytest.raises(NotOnSale):
        sell_seats(plan_id=plan.pk, seats=1)
