"""Programmes, applications, vouchers and reports, as the API shows and takes them. Money is whole fen."""

from typing import Any

from rest_framework import serializers

from settlement.contracts.models import Contract
from settlement.vouchers.models import Application, Programme, ProgrammeTier
from settlement.vouchers.operations.applications import LONGEST


class TierSerializer(serializers.ModelSerializer[ProgrammeTier]):
    class Meta:
        model = ProgrammeTier
        fields = ("tier", "ratio_basis_points")


class ProgrammeSerializer(serializers.ModelSerializer[Programme]):
    issuer = serializers.CharField(source="issuer.name_en")
    pays_for = serializers.ListField(child=serializers.ChoiceField(Contract.Kind.choices), source="kinds")
    budget_fen = serializers.IntegerField(source="budget")
    cap_fen = serializers.IntegerField(source="cap", help_text="The most per firm and year.")
    tiers = TierSerializer(many=True)
    accelerators = serializers.SlugRelatedField[Any](
        slug_field="accelerator_id", many=True, read_only=True, help_text="Ids; none named: any."
    )

    class Meta:
        model = Programme
        fields = (
            "id",
            "issuer",
            "name_zh",
            "name_en",
            "status",
            "pays_for",
            "currency",
            "budget_fen",
            "cap_fen",
            "starts_at",
            "ends_at",
            "tiers",
            "domestic_only",
            "accelerators",
        )


class NewApplicationSerializer(serializers.Serializer[None]):
    programme = serializers.IntegerField(help_text="The id of a programme that takes applications.")
    amount_fen = serializers.IntegerField(min_value=1)
    statement = serializers.CharField(max_length=LONGEST)
    affiliates_named = serializers.BooleanField(
        help_text="True: you have named every organisation here that is affiliated with you."
    )


class ApplicationSerializer(serializers.ModelSerializer[Application]):
    amount_fen = serializers.IntegerField(source="amount")

    class Meta:
        model = Application
        fields = (
            "id",
            "programme",
            "amount_fen",
            "statement",
            "submitted_at",
            "status",
            "reasons",
            "decided_at",
        )


class FiguresSerializer(serializers.Serializer[Any]):
    reserved_fen = serializers.IntegerField(source="reserved", help_text="For orders and hours to come.")
    redeemed_fen = serializers.IntegerField(source="redeemed", help_text="On delivered hours.")
    returned_fen = serializers.IntegerField(source="returned", help_text="Back to the programme.")


class VoucherSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(source="voucher.pk")
    programme = serializers.IntegerField(source="voucher.programme_id")
    year = serializers.IntegerField(source="voucher.year")
    amount_fen = serializers.IntegerField(source="voucher.amount")
    left_fen = serializers.IntegerField(source="left", help_text="What it can bear of new orders.")
    figures = FiguresSerializer()
    expires_at = serializers.DateTimeField(source="voucher.expires_at")
    revoked_at = serializers.DateTimeField(source="voucher.revoked_at", allow_null=True)


class ReportLineSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    uses = serializers.IntegerField()
    figures = FiguresSerializer()


class ReportSerializer(serializers.Serializer[Any]):
    programme = serializers.IntegerField(source="programme.pk")
    applications = serializers.DictField(child=serializers.IntegerField(), help_text="By status.")
    vouchers = serializers.IntegerField()
    granted_fen = serializers.IntegerField(source="approved")
    funded_fen = serializers.IntegerField(source="funded")
    figures = FiguresSerializer()
    returned_to_issuer_fen = serializers.IntegerField(source="paid_back")
    balance_fen = serializers.IntegerField(source="balance", help_text="Of the programme's account.")
    difference_fen = serializers.IntegerField(
        source="difference", help_text="What the ledger and the uses leave unexplained: zero."
    )
    domestic_share = serializers.DecimalField(
        max_digits=5, decimal_places=4, allow_null=True, help_text="Of what was redeemed for compute."
    )
    by_firm = ReportLineSerializer(many=True)
    by_accelerator = ReportLineSerializer(many=True)
    by_facility = ReportLineSerializer(many=True)
