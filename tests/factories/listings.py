import datetime
from decimal import Decimal

import factory
from factory.django import DjangoModelFactory

from accounts.models import Jurisdiction, Organisation
from listings.models import Accelerator, Facility, Hub, Pool
from tests.factories.accounts import OrganisationFactory


class AcceleratorFactory(DjangoModelFactory):
    class Meta:
        model = Accelerator

    slug = factory.Sequence(lambda n: f"accelerator-{n}")
    vendor = "NVIDIA"
    name = factory.Sequence(lambda n: f"A{n}")
    domestic = False
    memory_gb = 80
    fp16_tflops = Decimal(312)
    interconnect = "NVLink 3"
    stacks = ["CUDA"]
    sources = {}


class FacilityFactory(DjangoModelFactory):
    class Meta:
        model = Facility

    provider = factory.SubFactory(OrganisationFactory, activity=Organisation.Activity.PROVIDE)
    name_en = factory.Sequence(lambda n: f"Facility {n}")
    name_zh = factory.Sequence(lambda n: f"设施{n}")
    kind = Facility.Kind.INTELLIGENT
    city = "Shaoguan"
    hub = Hub.GREATER_BAY
    jurisdiction = Jurisdiction.MAINLAND
    pue = Decimal("1.25")
    green_percent = 40


class PoolFactory(DjangoModelFactory):
    class Meta:
        model = Pool

    facility = factory.SubFactory(FacilityFactory)
    accelerator = factory.SubFactory(AcceleratorFactory)
    units = 64


def hour(
    count: int, since: datetime.datetime = datetime.datetime(2026, 6, 1, 4, 0, tzinfo=datetime.UTC)
) -> datetime.datetime:
    """The slot `count` hours after the tests' `now`."""
    return since + datetime.timedelta(hours=count)
