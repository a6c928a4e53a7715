import pytest

from accounts.audit import Actor
from accounts.models import Member, Organisation, Role
from listings.models import Pool
from tests.factories.accounts import MemberFactory
from tests.factories.listings import PoolFactory


def acting(member: Member) -> Actor:
    return Actor(user=member.user, organisation=member.organisation)


@pytest.fixture
def seller(provider: Organisation) -> Member:
    """The owner of the providing organisation."""
    return MemberFactory(organisation=provider, role=Role.OWNER)


@pytest.fixture
def engineer(provider: Organisation) -> Member:
    """A teammate of the provider who may not change listings."""
    return MemberFactory(organisation=provider, role=Role.ENGINEER)


@pytest.fixture
def actor(seller: Member) -> Actor:
    return acting(seller)


@pytest.fixture
def pool(provider: Organisation) -> Pool:
    """Eight units at one of the provider's facilities."""
    return PoolFactory(facility__provider=provider, units=8)
