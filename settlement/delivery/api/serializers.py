"""Deliveries, meters and disputes as the API shows and takes them. Money is whole fen, in `_fen`."""

from typing import Any

from rest_framework import serializers

from settlement.delivery.models import Dispute, DisputeMessage, Evidence, StateReport
from settlement.delivery.queries import HourState


class StateReportSerializer(serializers.ModelSerializer[StateReport]):
    class Meta:
        model = StateReport
        fields = ("state", "note", "source", "reported_at")
        read_only_fields = ("source", "reported_at")
        extra_kwargs = {"note": {"required": False}}


class DeliverySerializer(serializers.Serializer[Any]):
    state = serializers.ChoiceField(StateReport.State.choices)
    hours_left = serializers.IntegerField(help_text="Slots that are not over yet.")
    escrow_fen = serializers.IntegerField(help_text="Not yet paid or given back.")
    disputed_fen = serializers.IntegerField(help_text="Of it, what waits for a decision.")
    reports = StateReportSerializer(many=True)


class HourSerializer(serializers.Serializer[Any]):
    slot = serializers.DateTimeField()
    state = serializers.ChoiceField(HourState.choices, help_text="Returned: all went back to the buyer.")
    amount_fen = serializers.IntegerField(source="amount", help_text="The price of all units.")
    delivered_seconds = serializers.IntegerField(
        source="delivered", allow_null=True, help_text="Accelerator-seconds; null: nobody has metered it."
    )
    availability = serializers.FloatField(allow_null=True)
    credit_fen = serializers.IntegerField(source="credit", help_text="What the buyer gets back of it.")
    fee_fen = serializers.IntegerField(source="fee", help_text="Borne by the provider.")


class AccessSerializer(serializers.Serializer[None]):
    text = serializers.CharField(
        max_length=5000, help_text="Encrypted; only the buyer's owners and engineers see it, on the page."
    )


class ReadingSerializer(serializers.Serializer[None]):
    contract = serializers.CharField(help_text="The contract's number.")
    slot = serializers.DateTimeField(help_text="The hour, UTC, once it is over.")
    delivered_seconds = serializers.IntegerField(min_value=0, help_text="Whole accelerator-seconds.")
    meter = serializers.CharField(
        max_length=40, help_text="Which source says so; where several differ, the least counts."
    )
    revision = serializers.IntegerField(
        min_value=0, default=0, help_text="A higher one supersedes the source's earlier figure."
    )


class ReadingsSerializer(serializers.Serializer[None]):
    readings = serializers.ListField(child=ReadingSerializer(), allow_empty=False, max_length=1000)


class StoredSerializer(serializers.Serializer[dict[str, int]]):
    stored = serializers.IntegerField(help_text="How many were new; the others had been reported before.")


class DisputeMessageSerializer(serializers.ModelSerializer[DisputeMessage]):
    organisation = serializers.CharField(
        source="organisation.name_en",
        default=None,
        allow_null=True,
        help_text="Null: the exchange's operator.",
    )
    evidence: "serializers.SlugRelatedField[Evidence]" = serializers.SlugRelatedField(
        "name", many=True, read_only=True
    )

    class Meta:
        model = DisputeMessage
        fields = ("kind", "organisation", "text", "evidence", "written_at")


class DisputeSerializer(serializers.ModelSerializer[Dispute]):
    contract = serializers.CharField(source="contract.number")
    opened_by = serializers.CharField(source="opened_by.name_en")
    amount_fen = serializers.IntegerField(source="amount")
    refund_fen = serializers.IntegerField(source="refund", allow_null=True)

    class Meta:
        model = Dispute
        fields = (
            "id",
            "contract",
            "opened_by",
            "slots",
            "amount_fen",
            "status",
            "opened_at",
            "answer_due_at",
            "refund_fen",
            "decided_at",
        )


class DisputeDetailSerializer(DisputeSerializer):
    messages = DisputeMessageSerializer(many=True)

    class Meta(DisputeSerializer.Meta):
        fields = (*DisputeSerializer.Meta.fields, "messages")  # type: ignore[assignment]


class NewDisputeSerializer(serializers.Serializer[None]):
    """Hours, an amount, or both: an amount alone is put on the latest undisputed hours."""

    text = serializers.CharField(max_length=10_000)
    first_slot = serializers.DateTimeField(default=None, allow_null=True)
    last_slot = serializers.DateTimeField(default=None, allow_null=True, help_text="Not included.")
    amount_fen = serializers.IntegerField(min_value=1, default=None, allow_null=True)


class NewMessageSerializer(serializers.Serializer[None]):
    text = serializers.CharField(max_length=10_000)
