from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import call_command

from listings.models import Accelerator
from listings.operations import load_accelerators

pytestmark = pytest.mark.django_db

# fmt: off
MODELS = [
    "A100", "A800", "H100", "H800", "H20", "L40S", "4090", "910B", "910C", "MLU370", "MLU590", "Z100", "K100",
    "P800", "S4000", "C500",
]
# fmt: on
FIGURES = ("memory_gb", "fp16_tflops", "interconnect")


def test_the_catalogue_names_the_accelerators_of_this_market() -> None:
    output = StringIO()
    call_command("load_accelerators", stdout=output)
    assert "16 accelerators" in output.getvalue()
    names = " ".join(f"{accelerator}" for accelerator in Accelerator.objects.all())
    for model in MODELS:
        assert model in names
    assert set(Accelerator.objects.filter(domestic=False).values_list("vendor", flat=True)) == {"NVIDIA"}


def test_every_figure_has_a_public_source_and_says_who_stands_behind_it() -> None:
    load_accelerators()
    for accelerator in Accelerator.objects.all():
        sourced = {figure for source in accelerator.sources for figure in source["figures"]}
        given = {figure for figure in FIGURES if getattr(accelerator, figure)}
        assert given <= sourced, accelerator
        for source in accelerator.sources:
            assert source["title"]
            assert source["url"].startswith("http"), accelerator
            assert source["by"] in ("vendor", "reported")
            if source["by"] == "reported":
                assert "vendor" in source["note"], (
                    f"{accelerator} does not say that its vendor publishes nothing"
                )


def test_a_figure_that_is_not_known_is_left_out_and_explained() -> None:
    load_accelerators()
    for accelerator in Accelerator.objects.all():
        for figure in ("memory_gb", "fp16_tflops"):
            if getattr(accelerator, figure) is None:
                assert any(figure in source["figures"] and source["note"] for source in accelerator.sources)


def test_loading_again_mends_what_changed_and_adds_nothing() -> None:
    load_accelerators()
    ids = set(Accelerator.objects.values_list("pk", flat=True))
    Accelerator.objects.filter(slug="nvidia-h100").update(memory_gb=1)
    load_accelerators()
    assert set(Accelerator.objects.values_list("pk", flat=True)) == ids
    h100 = Accelerator.objects.get(slug="nvidia-h100")
    assert (h100.memory_gb, h100.fp16_tflops) == (80, Decimal("989.5"))
