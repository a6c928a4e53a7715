import datetime

import pytest

from accounts.models import Member, Organisation, Role, User
from tests.factories.accounts import MemberFactory, OrganisationFactory, UserFactory


@pytest.fixture
def now() -> datetime.datetime:
    return datetime.datetime(2026, 6, 1, 4, 0, tzinfo=datetime.UTC)


@pytest.fixture
def operator(db: None) -> User:
    return UserFactory(is_staff=True)


@pytest.fixture
def buyer(db: None) -> Organisation:
    return OrganisationFactory(activity=Organisation.Activity.BUY)


@pytest.fixture
def provider(db: None) -> Organisation:
    return OrganisationFactory(activity=Organisation.Activity.PROVIDE)


@pytest.fixture
def owner(buyer: Organisation) -> Member:
    return MemberFactory(organisation=buyer, role=Role.OWNER)


@pytest.fixture
def trader(buyer: Organisation) -> Member:
    return MemberFactory(organisation=buyer, role=Role.TRADER)


@pytest.fixture
def viewer(buyer: Organisation) -> Member:
    """A teammate who may look but not trade."""
    return MemberFactory(organisation=buyer, role=Role.VIEWER)


@pytest.fixture
def stranger(db: None) -> Member:
    """An owner of another organisation."""
    return MemberFactory(role=Role.OWNER)
