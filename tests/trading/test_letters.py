"""A round writes to the parties of its contracts: once each, in their language, in the same transaction."""

import pytest

from accounts.models import Organisation, OutgoingEmail, Role
from listings.models import Capacity
from settlement.contracts.models import Contract
from tests.factories.accounts import MemberFactory
from tests.factories.listings import CapacityFactory
from tests.factories.trading import actor_of, bid, cleared_round, funded_buyer

pytestmark = pytest.mark.django_db


@pytest.fixture
def capacity() -> Capacity:
    return CapacityFactory(units=64)


def letters_to(organisation: Organisation, role: Role) -> list[OutgoingEmail]:
    address = organisation.members.get(role=role).user.email
    return list(OutgoingEmail.objects.filter(to=address, subject__contains="contract"))


def test_each_party_is_told_once_of_all_its_contracts(capacity):
    buyer, provider = funded_buyer(), capacity.pool.facility.provider
    MemberFactory(organisation=provider, role=Role.OWNER)
    MemberFactory(organisation=buyer, role=Role.VIEWER)
    for _ in range(2):
        bid(buyer)
    done = cleared_round()
    numbers = set(Contract.objects.values_list("number", flat=True))
    for organisation, role in ((buyer, Role.TRADER), (provider, Role.OWNER)):
        [letter] = letters_to(organisation, role)
        assert letter.subject == f"Round {done.pk}: 2 new contracts"
        assert all(number in letter.text for number in numbers)
    assert letters_to(buyer, Role.VIEWER) == []


def test_a_letter_is_in_its_readers_language(capacity):
    buyer = funded_buyer()
    reader = actor_of(buyer).user
    reader.language = "zh-hans"
    reader.save()
    bid(buyer)
    done = cleared_round()
    assert OutgoingEmail.objects.filter(to=reader.email, subject=f"第 {done.pk} 轮：1 份新合同").exists()


def test_whoever_got_nothing_is_not_written_to(capacity):
    bid(limit_price=1)
    cleared_round()
    assert not OutgoingEmail.objects.exists()


def test_a_long_list_is_cut(capacity):
    buyer = funded_buyer()
    for _ in range(21):
        bid(buyer, quantity=1, hours=1)
    cleared_round()
    [letter] = letters_to(buyer, Role.TRADER)
    assert letter.text.count("SP-") == 20
    assert "…" in letter.text
