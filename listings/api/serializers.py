"""Listings as the API shows and takes them. Money is whole fen, in fields that end in `_fen`."""

from typing import ClassVar

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from listings.models import (
    Accelerator,
    Algorithm,
    AlgorithmVersion,
    Capacity,
    DataClass,
    Facility,
    LicencePlan,
    Pool,
)


class AcceleratorSerializer(serializers.ModelSerializer[Accelerator]):
    class Meta:
        model = Accelerator
        fields = (
            "id",
            "slug",
            "vendor",
            "name",
            "domestic",
            "memory_gb",
            "fp16_tflops",
            "interconnect",
            "stacks",
        )


class FacilitySerializer(serializers.ModelSerializer[Facility]):
    class Meta:
        model = Facility
        fields = (
            "id",
            "name_zh",
            "name_en",
            "kind",
            "city",
            "hub",
            "jurisdiction",
            "pue",
            "green_percent",
            "illustrative",
        )
        read_only_fields = ("illustrative",)
        validators: ClassVar = []  # the operation refuses, with one sentence


class PoolSerializer(serializers.ModelSerializer[Pool]):
    facility = FacilitySerializer()
    accelerator = AcceleratorSerializer()

    class Meta:
        model = Pool
        fields = ("id", "facility", "accelerator", "units")


class PoolUnitsSerializer(serializers.Serializer[None]):
    units = serializers.IntegerField(min_value=1, max_value=1_000_000)


class NewPoolSerializer(PoolUnitsSerializer):
    facility = serializers.IntegerField(help_text="The id of a facility of yours.")
    accelerator = serializers.SlugField(help_text="The slug of an accelerator in the catalogue.")


class CapacitySerializer(serializers.ModelSerializer[Capacity]):
    reserve_price_fen = serializers.IntegerField(source="reserve_price")

    class Meta:
        model = Capacity
        fields = (
            "id",
            "pool",
            "units",
            "starts_at",
            "ends_at",
            "reserve_price_fen",
            "status",
            "created_at",
        )


class CapacityTermsSerializer(serializers.Serializer[None]):
    units = serializers.IntegerField(min_value=1, max_value=1_000_000)
    starts_at = serializers.DateTimeField(help_text="On the hour, UTC.")
    ends_at = serializers.DateTimeField(help_text="On the hour, UTC; not included.")
    reserve_price_fen = serializers.IntegerField(
        min_value=1, max_value=100_000_000, source="reserve_price", help_text="Per unit-hour."
    )


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A week of 32 units",
            value={
                "pool": 1,
                "units": 32,
                "starts_at": "2026-12-01T00:00:00Z",
                "ends_at": "2026-12-08T00:00:00Z",
                "reserve_price_fen": 700,
            },
        )
    ]
)
class NewCapacitySerializer(CapacityTermsSerializer):
    pool = serializers.IntegerField(help_text="The id of a pool of yours.")


class VersionSerializer(serializers.ModelSerializer[AlgorithmVersion]):
    accelerators = serializers.SlugRelatedField("slug", many=True, read_only=True)

    class Meta:
        model = AlgorithmVersion
        fields = (
            "id",
            "number",
            "reference",
            "sha256",
            "size_bytes",
            "stacks",
            "accelerators",
            "released_at",
        )


PLAN_TERMS = (
    "name",
    "kind",
    "term_days",
    "calls",
    "binding",
    "territory",
    "commercial",
    "derivatives",
    "price_fen",
    "supply",
)


class PlanSerializer(serializers.ModelSerializer[LicencePlan]):
    price_fen = serializers.IntegerField(source="price", help_text="Per seat.")
    left = serializers.IntegerField(allow_null=True, help_text="Seats left; null where supply is unlimited.")

    class Meta:
        model = LicencePlan
        fields = ("id", *PLAN_TERMS, "left")


class AlgorithmSerializer(serializers.ModelSerializer[Algorithm]):
    publisher = serializers.CharField(source="publisher.name_en")
    lowest_price_fen = serializers.IntegerField(source="lowest_price", allow_null=True)

    class Meta:
        model = Algorithm
        fields = (
            "slug",
            "name_zh",
            "name_en",
            "task",
            "modality",
            "publisher",
            "filing_number",
            "data_class",
            "lowest_price_fen",
        )


class AlgorithmDetailSerializer(AlgorithmSerializer):
    versions = VersionSerializer(many=True)
    plans = PlanSerializer(many=True, source="on_sale")

    class Meta(AlgorithmSerializer.Meta):
        fields = (*AlgorithmSerializer.Meta.fields, "card", "versions", "plans")  # type: ignore[assignment]


class AlgorithmTermsSerializer(serializers.ModelSerializer[Algorithm]):
    class Meta:
        model = Algorithm
        fields = ("name_zh", "name_en", "task", "modality", "card", "filing_number", "data_class")
        extra_kwargs: ClassVar = {
            "card": {"default": ""},
            "filing_number": {"default": ""},
            "data_class": {"default": DataClass.GENERAL},
        }


class OwnPlanSerializer(serializers.ModelSerializer[LicencePlan]):
    price_fen = serializers.IntegerField(source="price", help_text="Per seat.")

    class Meta:
        model = LicencePlan
        fields = ("id", *PLAN_TERMS, "sold", "status")


class OwnAlgorithmSerializer(serializers.ModelSerializer[Algorithm]):
    versions = VersionSerializer(many=True)
    plans = OwnPlanSerializer(many=True)

    class Meta:
        model = Algorithm
        fields = (
            "slug",
            *AlgorithmTermsSerializer.Meta.fields,
            "status",
            "created_at",
            "versions",
            "plans",
        )


class NewVersionSerializer(serializers.ModelSerializer[AlgorithmVersion]):
    """A version kept elsewhere: its HTTPS address, and the hash and size that its publisher states."""

    accelerators = serializers.SlugRelatedField(
        "slug", many=True, queryset=Accelerator.objects.all(), default=list
    )
    reference = serializers.URLField(max_length=200)
    size_bytes = serializers.IntegerField(min_value=1, max_value=2**63 - 1)

    class Meta:
        model = AlgorithmVersion
        fields = ("number", "reference", "sha256", "size_bytes", "stacks", "accelerators")


class PlanTermsSerializer(serializers.ModelSerializer[LicencePlan]):
    price_fen = serializers.IntegerField(
        source="price", min_value=1, max_value=2**63 - 1, help_text="Per seat."
    )
    commercial = serializers.BooleanField(help_text="Whether commercial use is licensed.")
    derivatives = serializers.BooleanField(help_text="Whether derivatives are licensed.")

    class Meta:
        model = LicencePlan
        fields = PLAN_TERMS
        extra_kwargs: ClassVar = {
            "term_days": {"default": None, "help_text": "Of a term licence."},
            "calls": {"default": None, "help_text": "Of a per-call licence."},
            "supply": {"default": None, "help_text": "Seats on offer; null: unlimited."},
            "binding": {"default": LicencePlan.Binding.FLOATING},
        }
