from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.models import Jurisdiction
from accounts.permissions import Permission, permissions_of
from listings.models import AlgorithmVersion, Hub
from settlement.licences.models import Activation, Licence, Standing
from settlement.licences.operations.meter import MOST_REPORTS
from settlement.licences.operations.seats import LONGEST_FINGERPRINT
from settlement.licences.operations.standing import LONGEST_REASON
from settlement.licences.queries import version_of


class LicenceSerializer(serializers.ModelSerializer[Licence]):
    algorithm = serializers.CharField(source="contract.plan.algorithm.slug")
    plan = serializers.IntegerField(source="contract.plan_id")
    licensee = serializers.CharField(source="contract.buyer.name_en")
    publisher = serializers.CharField(source="contract.provider.name_en")
    standing = serializers.SerializerMethodField()
    seats_taken = serializers.IntegerField()

    class Meta:
        model = Licence
        fields = (
            "number",
            "standing",
            "algorithm",
            "plan",
            "licensee",
            "publisher",
            "seats",
            "seats_taken",
            "binding",
            "territory",
            "calls",
            "calls_used",
            "issued_at",
            "expires_at",
            "grace_until",
        )

    @extend_schema_field(serializers.ChoiceField(choices=Standing.choices))
    def get_standing(self, licence: Licence) -> str:
        return licence.standing(now=timezone.now()).value


class LicensedVersionSerializer(serializers.ModelSerializer[AlgorithmVersion]):
    class Meta:
        model = AlgorithmVersion
        fields = ("id", "number", "sha256", "size_bytes", "released_at")


class SeatSerializer(serializers.ModelSerializer[Activation]):
    class Meta:
        model = Activation
        fields = (
            "seat",
            "fingerprint",
            "name",
            "jurisdiction",
            "hub",
            "activated_at",
            "last_seen_at",
            "leased_until",
        )


class LicenceDetailSerializer(LicenceSerializer):
    """The key and the machines are for the licensee's members who use licences."""

    key = serializers.SerializerMethodField(help_text="Null to others than the licensee's users of licences.")
    version = serializers.SerializerMethodField()
    machines = serializers.SerializerMethodField()

    class Meta(LicenceSerializer.Meta):
        fields = (*LicenceSerializer.Meta.fields, "key", "version", "machines")  # type: ignore[assignment]

    def get_key(self, licence: Licence) -> str | None:
        return licence.key if self._uses(licence) else None

    @extend_schema_field(LicensedVersionSerializer(allow_null=True))
    def get_version(self, licence: Licence) -> Any:
        version = version_of(licence.contract)
        return LicensedVersionSerializer(version).data if version else None

    @extend_schema_field(SeatSerializer(many=True))
    def get_machines(self, licence: Licence) -> Any:
        seats = licence.activations.active() if self._uses(licence) else licence.activations.none()
        return SeatSerializer(seats, many=True).data

    def _uses(self, licence: Licence) -> bool:
        actor = self.context["actor"]
        return licence.licensee == actor.organisation and Permission.USE_LICENCES in permissions_of(actor)


class ReasonSerializer(serializers.Serializer[dict[str, Any]]):
    reason = serializers.CharField(max_length=LONGEST_REASON)


class FingerprintSerializer(serializers.Serializer[dict[str, Any]]):
    fingerprint = serializers.CharField(
        max_length=LONGEST_FINGERPRINT, help_text="Any text that your software derives from the machine."
    )


class ActivateSerializer(FingerprintSerializer):
    name = serializers.CharField(
        max_length=100, default="", allow_blank=True, help_text="The machine's name."
    )
    jurisdiction = serializers.ChoiceField(
        choices=Jurisdiction.choices, required=False, help_text="Where it is; else the licensee's own."
    )
    hub = serializers.ChoiceField(
        choices=Hub.choices, required=False, help_text="The national hub that it is in, if any."
    )


class ValidateSerializer(serializers.Serializer[dict[str, Any]]):
    fingerprint = serializers.CharField(
        max_length=LONGEST_FINGERPRINT, default="", allow_blank=True, help_text="Empty: no seat is asked for."
    )
    nonce = serializers.CharField(
        max_length=64, default="", allow_blank=True, help_text="Yours, fresh: it comes back in the statement."
    )


class ValidationSerializer(serializers.Serializer[Any]):
    number = serializers.CharField()
    standing = serializers.ChoiceField(choices=Standing.choices)
    activated = serializers.BooleanField(help_text="Whether this machine has a seat.")
    valid = serializers.BooleanField()
    calls_left = serializers.IntegerField(allow_null=True)
    validated_at = serializers.DateTimeField()
    good_until = serializers.DateTimeField(help_text="Until then the statement may be relied on offline.")
    statement = serializers.CharField(help_text="validation/<payload>.<signature>: the same, signed.")


class ReleasedSerializer(serializers.Serializer[dict[str, Any]]):
    released = serializers.BooleanField(help_text="False where the machine had no seat.")


class CallReportSerializer(serializers.Serializer[dict[str, Any]]):
    request_id = serializers.CharField(max_length=64, help_text="Counts once: send it again as you like.")
    calls = serializers.IntegerField(min_value=1, max_value=10**12, default=1)


class MeterSerializer(serializers.Serializer[dict[str, Any]]):
    reports = serializers.ListField(child=CallReportSerializer(), min_length=1, max_length=MOST_REPORTS)


class MeteredSerializer(serializers.Serializer[Any]):
    counted = serializers.IntegerField(help_text="Calls that were new.")
    used = serializers.IntegerField()
    quota = serializers.IntegerField()
    left = serializers.IntegerField()


class LinkSerializer(serializers.Serializer[dict[str, Any]]):
    url = serializers.URLField()
    expires_at = serializers.DateTimeField()
    version = LicensedVersionSerializer()
