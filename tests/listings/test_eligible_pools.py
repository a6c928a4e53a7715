import pytest

from accounts.models import Jurisdiction, Organisation
from listings.models import Facility, Hub, Pool
from listings.queries import Requirements, eligible_pools
from tests.factories.listings import AcceleratorFactory, PoolFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def gansu() -> Pool:
    return PoolFactory(
        facility__hub=Hub.GANSU,
        facility__kind=Facility.Kind.DATA_CENTRE,
        accelerator__domestic=True,
        accelerator__memory_gb=64,
    )


@pytest.fixture
def hong_kong() -> Pool:
    return PoolFactory(
        facility__hub="", facility__jurisdiction=Jurisdiction.HONG_KONG, accelerator__memory_gb=80
    )


def test_who_requires_nothing_accepts_every_pool(gansu: Pool, hong_kong: Pool) -> None:
    assert set(eligible_pools(Requirements())) == {gansu, hong_kong}
    assert set(eligible_pools(Requirements(hubs=[], jurisdictions=[]))) == {gansu, hong_kong}


def test_each_requirement_narrows(gansu: Pool, hong_kong: Pool) -> None:
    only_gansu = [
        Requirements(hubs=[Hub.GANSU, Hub.GUIZHOU]),
        Requirements(facility_kinds=[Facility.Kind.DATA_CENTRE]),
        Requirements(jurisdictions=[Jurisdiction.MAINLAND]),
        Requirements(domestic_only=True),
        Requirements(accelerators=[gansu.accelerator_id]),
    ]
    assert [list(eligible_pools(requirements)) for requirements in only_gansu] == [[gansu]] * 5
    assert list(eligible_pools(Requirements(least_memory_gb=65))) == [hong_kong]


def test_all_requirements_must_be_met(gansu: Pool, hong_kong: Pool) -> None:
    assert not eligible_pools(Requirements(domestic_only=True, jurisdictions=[Jurisdiction.HONG_KONG]))


def test_a_provider_that_is_not_verified_has_no_eligible_pool() -> None:
    PoolFactory(
        facility__provider__verification=Organisation.Verification.PENDING, accelerator=AcceleratorFactory()
    )
    assert not eligible_pools(Requirements())
