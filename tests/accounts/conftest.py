import pytest

from accounts.audit import Actor
from accounts.models import Jurisdiction, Member, Organisation, User
from accounts.operations import Details


@pytest.fixture
def details() -> Details:
    return Details(
        name_zh="庆阳算力有限公司",
        name_en="Qingyang Compute Ltd",
        jurisdiction=Jurisdiction.MAINLAND,
        registration_number="91350100M000100Y43",  # the standard's own example
        tier=Organisation.Tier.START_UP,
        activity=Organisation.Activity.PROVIDE,
        timezone="Asia/Shanghai",
    )


@pytest.fixture
def as_owner(owner: Member) -> Actor:
    return Actor(user=owner.user, organisation=owner.organisation)


@pytest.fixture
def as_viewer(viewer: Member) -> Actor:
    return Actor(user=viewer.user, organisation=viewer.organisation)


@pytest.fixture
def as_operator(operator: User) -> Actor:
    return Actor(user=operator)
