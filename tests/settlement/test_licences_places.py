"""Where a machine may be activated: the plan's territory, and where the data may circulate."""

import pytest

from accounts.models import Jurisdiction, Organisation
from listings.circulation import Place, in_territory, may_circulate
from listings.models import DataClass, Hub
from settlement.licences.errors import DataMayNotLeave, OutsideTerritory
from settlement.licences.operations import activate
from tests.factories.accounts import NOW, OrganisationFactory
from tests.factories.licences import licensed, machine, token_of

SHAOGUAN = Place(Jurisdiction.MAINLAND, Hub.GREATER_BAY)
GUIYANG = Place(Jurisdiction.MAINLAND, Hub.GUIZHOU)
XIAMEN = Place(Jurisdiction.MAINLAND)
HONG_KONG, MACAO = Place(Jurisdiction.HONG_KONG), Place(Jurisdiction.MACAO)
SINGAPORE = Place(Jurisdiction.OTHER)
EVERYWHERE = [SHAOGUAN, GUIYANG, XIAMEN, HONG_KONG, MACAO, SINGAPORE]


@pytest.mark.parametrize(
    ("territory", "places"),
    [
        ("mainland", [SHAOGUAN, GUIYANG, XIAMEN]),
        ("greater_bay", [SHAOGUAN, HONG_KONG, MACAO]),
        ("world", EVERYWHERE),
    ],
)
def test_what_each_territory_includes(territory, places):
    assert [place for place in EVERYWHERE if in_territory(territory, place)] == places


@pytest.mark.parametrize(
    ("data_class", "jurisdictions"),
    [
        (DataClass.GENERAL, ["mainland", "hong_kong", "macao", "other"]),
        (DataClass.PERSONAL, ["mainland", "hong_kong", "macao"]),
        (DataClass.IMPORTANT, ["mainland"]),
        (DataClass.CORE, ["mainland"]),
    ],
)
def test_where_each_class_of_data_may_go(data_class, jurisdictions):
    assert [each for each in Jurisdiction.values if may_circulate(data_class, each)] == jurisdictions


def holder(jurisdiction: str) -> Organisation:
    return OrganisationFactory(jurisdiction=jurisdiction)


def start(licensee: str, place: Place, territory: str, data_class: str = "general") -> int:
    licence = licensed(holder(licensee), territory=territory, algorithm__data_class=data_class)
    return activate(token=token_of(licence), machine=machine("m", place), now=NOW).seat


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("licensee", "place", "territory", "data_class", "refusal"),
    [
        ("mainland", XIAMEN, "mainland", "core", None),
        ("mainland", HONG_KONG, "mainland", "general", OutsideTerritory),
        ("hong_kong", HONG_KONG, "greater_bay", "personal", None),
        ("hong_kong", GUIYANG, "greater_bay", "general", OutsideTerritory),
        ("hong_kong", HONG_KONG, "world", "important", DataMayNotLeave),
        ("hong_kong", XIAMEN, "world", "important", DataMayNotLeave),
        ("mainland", SINGAPORE, "world", "personal", DataMayNotLeave),
        ("other", SINGAPORE, "world", "general", None),
        ("other", XIAMEN, "world", "personal", DataMayNotLeave),
    ],
)
def test_a_machine_starts_where_plan_and_data_allow(licensee, place, territory, data_class, refusal):
    if refusal is None:
        assert start(licensee, place, territory, data_class) in (1, 2, 3)
    else:
        with pytest.raises(refusal):
            start(licensee, place, territory, data_class)


@pytest.mark.django_db
def test_a_class_that_is_raised_later_counts_at_the_next_start():
    licence = licensed(holder("hong_kong"), territory="world")
    token = token_of(licence)
    activate(token=token, machine=machine("m", HONG_KONG), now=NOW)
    algorithm = licence.contract.plan.algorithm
    algorithm.data_class = DataClass.IMPORTANT
    algorithm.save()
    with pytest.raises(DataMayNotLeave, match="Important"):
        activate(token=token, machine=machine("m", HONG_KONG), now=NOW)


@pytest.mark.django_db
def test_a_machine_that_moved_is_written_down_where_it_is():
    token = token_of(licensed(holder("hong_kong"), territory="greater_bay"))
    activate(token=token, machine=machine("m", HONG_KONG), now=NOW)
    moved = activate(token=token, machine=machine("m", SHAOGUAN), now=NOW)
    assert (moved.jurisdiction, moved.hub) == ("mainland", "greater_bay")
