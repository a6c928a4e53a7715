import datetime

import pytest

from accounts.audit import Actor
from accounts.errors import InvalidInput, NotAllowed
from accounts.models import AuditEvent, Member, Organisation
from accounts.permissions import NotVerified
from listings.errors import AlreadySold, WrongStatus
from listings.models import Algorithm, LicencePlan, Modality, Task
from listings.operations import (
    add_algorithm,
    add_plan,
    add_version,
    edit_algorithm,
    edit_plan,
    list_algorithm,
    relist_plan,
    sell_seats,
    withdraw_algorithm,
    withdraw_plan,
)
from tests.factories.listings import AcceleratorFactory, AlgorithmFactory
from tests.listings.conftest import acting

pytestmark = pytest.mark.django_db

FIELDS = {
    "name_zh": "风电功率预测",
    "name_en": "Wind power forecasting",
    "task": Task.FORECASTING,
    "modality": Modality.TIME_SERIES,
    "card": "# Card",
    "filing_number": "",
}
PLAN = {
    "name": "One year",
    "kind": LicencePlan.Kind.TERM,
    "term_days": 365,
    "calls": None,
    "territory": LicencePlan.Territory.MAINLAND,
    "commercial": True,
    "derivatives": False,
    "price": 50_000_00,
    "supply": 10,
}
REFERENCE = {
    "reference": "https://models.example/wind.safetensors",
    "sha256": "AB" * 32,
    "size_bytes": 12,
    "stacks": ["CUDA"],
}


@pytest.fixture
def algorithm(actor: Actor, now: datetime.datetime) -> Algorithm:
    return add_algorithm(actor=actor, now=now, **FIELDS)


def release(actor: Actor, algorithm: Algorithm, now: datetime.datetime, **changed: object) -> None:
    terms = {"number": "1.0", "accelerators": []} | REFERENCE | changed
    add_version(actor=actor, algorithm=algorithm, now=now, **terms)


def test_an_algorithm_begins_as_a_draft(algorithm: Algorithm, actor: Actor) -> None:
    assert (algorithm.status, algorithm.publisher) == (Algorithm.Status.DRAFT, actor.organisation)
    assert algorithm.slug == "wind-power-forecasting"


def test_two_of_one_name_have_addresses_of_their_own(
    algorithm: Algorithm, actor: Actor, now: datetime.datetime
) -> None:
    again = add_algorithm(actor=actor, now=now, **FIELDS)
    chinese = add_algorithm(actor=actor, now=now, **FIELDS | {"name_en": "风电"})
    assert (again.slug, chinese.slug) == ("wind-power-forecasting-2", "algorithm")


def test_listing_needs_a_version_and_a_plan(
    algorithm: Algorithm, actor: Actor, now: datetime.datetime
) -> None:
    with pytest.raises(WrongStatus, match="Add a version"):
        list_algorithm(actor=actor, algorithm=algorithm, now=now)
    release(actor, algorithm, now)
    with pytest.raises(WrongStatus, match="Add a licence plan"):
        list_algorithm(actor=actor, algorithm=algorithm, now=now)
    add_plan(actor=actor, algorithm=algorithm, now=now, **PLAN)
    assert list_algorithm(actor=actor, algorithm=algorithm, now=now).status == Algorithm.Status.LISTED
    assert withdraw_algorithm(actor=actor, algorithm=algorithm, now=now).status == Algorithm.Status.WITHDRAWN
    assert list_algorithm(actor=actor, algorithm=algorithm, now=now).status == Algorithm.Status.LISTED
    verbs = AuditEvent.objects.filter(subject_type="listings.algorithm").values_list("verb", flat=True)
    assert list(verbs.order_by("pk")) == ["add", "list", "withdraw", "list"]


def test_only_a_verified_publisher_lists(
    algorithm: Algorithm, actor: Actor, provider: Organisation, now: datetime.datetime
) -> None:
    Organisation.objects.update(verification=Organisation.Verification.PENDING)
    provider.refresh_from_db()
    algorithm.publisher.refresh_from_db()
    with pytest.raises(NotVerified):
        list_algorithm(actor=actor, algorithm=algorithm, now=now)


def test_a_reference_is_kept_with_its_hash(
    algorithm: Algorithm, actor: Actor, now: datetime.datetime
) -> None:
    accelerator = AcceleratorFactory()
    release(actor, algorithm, now, accelerators=[accelerator])
    version = algorithm.versions.get()
    assert (version.sha256, version.size_bytes, version.stacks) == ("ab" * 32, 12, ["CUDA"])
    assert list(version.accelerators.all()) == [accelerator]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"reference": "http://models.example/x"}, "https"),
        ({"reference": ""}, "either a file or a reference"),
        ({"sha256": "ab"}, "64 hexadecimal digits"),
        ({"size_bytes": None}, "size"),
        ({"stacks": []}, "stacks"),
        ({"number": ""}, "version"),
    ],
)
def test_a_version_that_cannot_be_checked_is_refused(
    algorithm: Algorithm, actor: Actor, now: datetime.datetime, changed: dict[str, object], reason: str
) -> None:
    with pytest.raises(InvalidInput, match=reason):
        release(actor, algorithm, now, **changed)
    assert not algorithm.versions.exists()


def test_a_version_is_released_once(algorithm: Algorithm, actor: Actor, now: datetime.datetime) -> None:
    release(actor, algorithm, now)
    with pytest.raises(InvalidInput, match="of this number already"):
        release(actor, algorithm, now)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"term_days": None}, "how many days"),
        ({"kind": LicencePlan.Kind.PER_CALL}, "how many calls"),
        ({"price": 0}, "price"),
        ({"territory": "moon"}, "territory"),
        ({"supply": 0}, "seats on offer"),
    ],
)
def test_a_plan_without_its_measure_is_refused(
    algorithm: Algorithm, actor: Actor, now: datetime.datetime, changed: dict[str, object], reason: str
) -> None:
    with pytest.raises(InvalidInput, match=reason):
        add_plan(actor=actor, algorithm=algorithm, now=now, **PLAN | changed)


def test_a_perpetual_plan_has_neither_days_nor_calls(
    algorithm: Algorithm, actor: Actor, now: datetime.datetime
) -> None:
    plan = add_plan(
        actor=actor,
        algorithm=algorithm,
        now=now,
        **PLAN | {"kind": LicencePlan.Kind.PERPETUAL, "calls": 5, "supply": None},
    )
    assert (plan.term_days, plan.calls, plan.supply) == (None, None, None)


def test_a_plan_changes_until_a_seat_is_sold(
    algorithm: Algorithm, actor: Actor, now: datetime.datetime
) -> None:
    plan = add_plan(actor=actor, algorithm=algorithm, now=now, **PLAN)
    assert edit_plan(actor=actor, plan=plan, now=now, **PLAN | {"price": 1}).price == 1
    release(actor, algorithm, now)
    list_algorithm(actor=actor, algorithm=algorithm, now=now)
    sell_seats(plan_id=plan.pk, seats=1)
    with pytest.raises(AlreadySold):
        edit_plan(actor=actor, plan=plan, now=now, **PLAN)
    assert withdraw_plan(actor=actor, plan=plan, now=now).status == LicencePlan.Status.WITHDRAWN
    with pytest.raises(WrongStatus):
        withdraw_plan(actor=actor, plan=plan, now=now)
    assert relist_plan(actor=actor, plan=plan, now=now).status == LicencePlan.Status.LISTED


def test_others_change_nothing(
    algorithm: Algorithm, engineer: Member, stranger: Member, now: datetime.datetime
) -> None:
    for outsider in (acting(engineer), acting(stranger)):
        with pytest.raises(NotAllowed):
            edit_algorithm(actor=outsider, algorithm=algorithm, now=now, **FIELDS)
        with pytest.raises(NotAllowed):
            release(outsider, algorithm, now)
        with pytest.raises(NotAllowed):
            add_plan(actor=outsider, algorithm=algorithm, now=now, **PLAN)
        for step in (list_algorithm, withdraw_algorithm):
            with pytest.raises(NotAllowed):
                step(actor=outsider, algorithm=algorithm, now=now)
    with pytest.raises(NotAllowed):
        add_algorithm(actor=acting(engineer), now=now, **FIELDS)


def test_an_edit_keeps_the_address(algorithm: Algorithm, actor: Actor, now: datetime.datetime) -> None:
    edited = edit_algorithm(actor=actor, algorithm=algorithm, now=now, **FIELDS | {"name_en": "Wind"})
    assert (edited.name_en, edited.slug) == ("Wind", "wind-power-forecasting")
    assert AlgorithmFactory().pk != algorithm.pk


def test_a_card_has_a_length_that_can_be_shown(actor: Actor, now: datetime.datetime) -> None:
    with pytest.raises(InvalidInput, match="longer than 100000"):
        add_algorithm(actor=actor, now=now, **FIELDS | {"card": "x" * 100_001})
