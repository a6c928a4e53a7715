import datetime
from decimal import Decimal

import factory
from factory.django import DjangoModelFactory

from accounts.models import Jurisdiction, Organisation
from listings.models import (
    Accelerator,
    Algorithm,
    AlgorithmVersion,
    Capacity,
    CapacityHour,
    Facility,
    Hub,
    LicencePlan,
    Modality,
    Pool,
    Task,
)
from tests.factories.accounts import NOW, OrganisationFactory


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


def hour(count: int, since: datetime.datetime = NOW) -> datetime.datetime:
    """The slot `count` hours after the tests' `now`."""
    return since + datetime.timedelta(hours=count)


class CapacityFactory(DjangoModelFactory):
    """A capacity with its hours: eight units over the day that begins at the tests' `now`."""

    class Meta:
        model = Capacity
        skip_postgeneration_save = True

    pool = factory.SubFactory(PoolFactory)
    units = 8
    starts_at = hour(0)
    ends_at = hour(24)
    reserve_price = 1200
    created_at = NOW
    status_since = NOW

    @factory.post_generation
    def hours(self, create: bool, extracted: object, **kwargs: object) -> None:
        CapacityHour.objects.bulk_create(
            CapacityHour(
                capacity=self, slot=self.starts_at + datetime.timedelta(hours=count), units=self.units
            )
            for count in range((self.ends_at - self.starts_at) // datetime.timedelta(hours=1))
        )


class AlgorithmFactory(DjangoModelFactory):
    class Meta:
        model = Algorithm

    publisher = factory.SubFactory(OrganisationFactory)
    slug = factory.Sequence(lambda n: f"algorithm-{n}")
    name_en = factory.Sequence(lambda n: f"Algorithm {n}")
    name_zh = factory.Sequence(lambda n: f"算法{n}")
    task = Task.TEXT_GENERATION
    modality = Modality.TEXT
    status = Algorithm.Status.LISTED
    created_at = NOW


class AlgorithmVersionFactory(DjangoModelFactory):
    class Meta:
        model = AlgorithmVersion

    algorithm = factory.SubFactory(AlgorithmFactory)
    number = factory.Sequence(lambda n: f"1.{n}")
    reference = "https://models.example/weights.safetensors"
    sha256 = "0" * 64
    size_bytes = 1_000_000
    stacks = ["CUDA"]
    released_at = NOW


class LicencePlanFactory(DjangoModelFactory):
    class Meta:
        model = LicencePlan

    algorithm = factory.SubFactory(AlgorithmFactory)
    name = factory.Sequence(lambda n: f"Plan {n}")
    kind = LicencePlan.Kind.PERPETUAL
    territory = LicencePlan.Territory.MAINLAND
    commercial = True
    derivatives = False
    price = 10_000_00
    created_at = NOW
