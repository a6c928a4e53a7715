from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import Member, Organisation
from listings.models import Algorithm, AlgorithmVersion, LicencePlan, Modality, Task
from tests.factories.listings import (
    AcceleratorFactory,
    AlgorithmFactory,
    AlgorithmVersionFactory,
    FacilityFactory,
    LicencePlanFactory,
    PoolFactory,
)
from tests.listings.test_algorithm_uploads import SAFETENSORS

pytestmark = pytest.mark.django_db

ALGORITHM = {
    "name_zh": "风电功率预测",
    "name_en": "Wind power",
    "task": "time-series-forecasting",
    "modality": "time_series",
    "filing_number": "",
    "data_class": "general",
    "card": "# Card\n\n<script>alert(1)</script>",
}
PLAN = {
    "name": "Year",
    "kind": "term",
    "term_days": "365",
    "calls": "",
    "price": "1200.50",
    "supply": "",
    "binding": "floating",
    "territory": "mainland",
    "commercial": "on",
}


@pytest.fixture
def sign_in(client: Client) -> Callable[[Member], Client]:
    def as_member(member: Member) -> Client:
        client.force_login(member.user)
        return client

    return as_member


@pytest.fixture
def own(provider: Organisation) -> Algorithm:
    algorithm = AlgorithmFactory(publisher=provider, name_en="Own")
    AlgorithmVersionFactory(algorithm=algorithm)
    LicencePlanFactory(algorithm=algorithm)
    return algorithm


def test_a_publisher_goes_from_a_draft_to_the_catalogue(
    sign_in: Callable[[Member], Client], seller: Member, settings: Settings, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = tmp_path
    AcceleratorFactory(stacks=["CUDA"])
    client = sign_in(seller)
    home = client.post("/listings/algorithms/add/", ALGORITHM).url
    algorithm = Algorithm.objects.get()
    assert "A draft" in client.get(home).text
    assert client.get(f"/algorithms/{algorithm.slug}/").status_code == 404

    (tmp_path / "w.safetensors").write_bytes(SAFETENSORS)
    with (tmp_path / "w.safetensors").open("rb") as file:
        client.post(f"{home}versions/add/", {"number": "1.0", "file": file, "stacks": ["CUDA"]})
    assert algorithm.versions.get().size_bytes == len(SAFETENSORS)
    client.post(f"{home}plans/add/", PLAN)
    plan = algorithm.plans.get()
    assert (plan.price, plan.supply, plan.commercial, plan.derivatives) == (120_050, None, True, False)
    client.post(f"{home}list/")
    assert "Wind power" in client.get("/algorithms/").text
    page = client.get(f"/algorithms/{algorithm.slug}/").text
    assert "¥1,200.50" in page
    assert "<h3>Card</h3>" in page
    assert "<script>alert" not in page

    client.post(f"/listings/plans/{plan.pk}/edit/", PLAN | {"price": "99", "supply": "5"})
    plan.refresh_from_db()
    assert (plan.price, plan.supply) == (9_900, 5)
    client.post(f"{home}withdraw/")
    assert client.get(f"/algorithms/{algorithm.slug}/").status_code == 404


def test_a_pickle_is_refused_on_the_form(
    sign_in: Callable[[Member], Client], seller: Member, own: Algorithm, tmp_path: Path
) -> None:
    AcceleratorFactory(stacks=["CUDA"])
    (tmp_path / "w.pt").write_bytes(b"PK\x03\x04")
    with (tmp_path / "w.pt").open("rb") as file:
        answer = sign_in(seller).post(
            f"/listings/algorithms/{own.pk}/versions/add/", {"number": "2", "file": file, "stacks": ["CUDA"]}
        )
    assert answer.status_code == 422
    assert "Convert the weights to safetensors" in answer.text
    assert AlgorithmVersion.objects.count() == 1


def test_a_teammate_without_the_role_reads_and_changes_nothing(
    sign_in: Callable[[Member], Client], engineer: Member, own: Algorithm
) -> None:
    client = sign_in(engineer)
    page = client.get(f"/listings/algorithms/{own.pk}/")
    assert page.status_code == 200
    assert "Withdraw" not in page.text
    plan = own.plans.get().pk
    for address in (
        "/listings/algorithms/add/",
        *(
            f"/listings/algorithms/{own.pk}/{step}/"
            for step in ("edit", "versions/add", "plans/add", "withdraw")
        ),
        f"/listings/plans/{plan}/edit/",
        f"/listings/plans/{plan}/withdraw/",
    ):
        assert client.post(address).status_code == 403, address


def test_to_a_stranger_it_does_not_exist(
    sign_in: Callable[[Member], Client], stranger: Member, own: Algorithm
) -> None:
    client = sign_in(stranger)
    plan = own.plans.get().pk
    for step in ("", "edit/", "versions/add/", "plans/add/"):
        assert client.get(f"/listings/algorithms/{own.pk}/{step}").status_code == 404
    assert client.post(f"/listings/algorithms/{own.pk}/withdraw/").status_code == 404
    assert client.post(f"/listings/plans/{plan}/withdraw/").status_code == 404
    own.refresh_from_db()
    assert own.status == Algorithm.Status.LISTED


def shown(client: Client, **filters: str) -> set[str]:
    page = client.get("/algorithms/", filters).text
    return {name for name in ("Alpha", "Beta", "Gamma", "Draft") if f">{name}<" in page}


def test_the_catalogue_is_narrowed_from_its_address(client: Client) -> None:
    AcceleratorFactory(stacks=["CUDA", "CANN"])
    alpha = AlgorithmFactory(name_en="Alpha", task=Task.TRANSLATION, modality=Modality.TEXT)
    AlgorithmVersionFactory(algorithm=alpha, stacks=["CANN"])
    LicencePlanFactory(algorithm=alpha, commercial=True, price=100_00)
    LicencePlanFactory(algorithm=alpha, commercial=False, price=1_00)
    beta = AlgorithmFactory(name_en="Beta", task=Task.SEGMENTATION, modality=Modality.IMAGE)
    AlgorithmVersionFactory(algorithm=beta, stacks=["CUDA"])
    LicencePlanFactory(algorithm=beta, commercial=True, price=50_00)
    gamma = AlgorithmFactory(name_en="Gamma", publisher__name_en="Gamma Labs")
    LicencePlanFactory(algorithm=gamma, price=1_00, status=LicencePlan.Status.WITHDRAWN)
    AlgorithmFactory(name_en="Draft", status=Algorithm.Status.DRAFT)

    assert shown(client) == {"Alpha", "Beta", "Gamma"}
    assert shown(client, task="translation") == {"Alpha"}
    assert shown(client, modality="image") == {"Beta"}
    assert shown(client, stack="CANN") == {"Alpha"}
    assert shown(client, commercial="true") == {"Alpha", "Beta"}
    assert shown(client, price="60") == {"Alpha", "Beta"}
    assert shown(client, commercial="true", price="60") == {"Beta"}, "both are asked of one plan"
    assert shown(client, q="labs") == {"Gamma"}
    assert shown(client, q="nothing") == set()
    page = client.get("/algorithms/", {"sort": "price"}).text
    assert page.index(">Alpha<") < page.index(">Beta<") < page.index(">Gamma<")
    assert 'value="60"' in client.get("/algorithms/", {"price": "60"}).text


def test_only_what_is_on_sale_can_be_ordered(
    sign_in: Callable[[Member], Client], owner: Member, own: Algorithm
) -> None:
    open_plan = own.plans.get()
    sold_out = LicencePlanFactory(algorithm=own, name="Gone", supply=2, sold=2)
    LicencePlanFactory(algorithm=own, name="Hidden", status=LicencePlan.Status.WITHDRAWN)
    page = sign_in(owner).get(f"/algorithms/{own.slug}/").text
    assert f"/orders/licence/{open_plan.pk}/" in page
    assert f"/orders/licence/{sold_out.pk}/" not in page
    assert "Sold out" in page
    assert "Hidden" not in page


def test_anyone_reads_the_accelerators_and_a_facility(client: Client) -> None:
    pool = PoolFactory(
        facility=FacilityFactory(name_en="Gui'an"),
        accelerator__sources=[
            {"figures": ["memory_gb"], "title": "Data sheet", "url": "https://example.com", "by": "vendor"}
        ],
        accelerator__fp16_tflops=None,
        units=77,
    )
    accelerators = client.get("/accelerators/").text
    assert "Data sheet" in accelerators
    assert "None" not in accelerators
    facility = client.get(f"/facilities/{pool.facility_id}/").text
    assert "77" in facility
    assert "None" not in facility
