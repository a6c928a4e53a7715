import json
from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from settlement.invoices.models import FapiaoRequest, Invoice, InvoiceProfile
from settlement.invoices.paper import LANGUAGES
from settlement.invoices.period import EARLIEST, LATEST

BETWEEN = [MinValueValidator(EARLIEST), MaxValueValidator(LATEST)]


class InvoiceSerializer(serializers.ModelSerializer[Invoice]):
    corrects = serializers.CharField(
        source="corrects.number",
        default=None,
        allow_null=True,
        help_text="Of a credit note: the invoice's number.",
    )
    seller = serializers.CharField(
        source="seller_names.name_en", help_text="The exchange itself, of its fee."
    )
    customer = serializers.CharField(source="customer.name_en")
    contract = serializers.CharField(source="contract.number", default=None, allow_null=True)
    gross_fen = serializers.IntegerField(
        source="gross", help_text="VAT included; positive on credit notes too."
    )
    net_fen = serializers.IntegerField(source="net")
    tax_fen = serializers.IntegerField(source="tax")
    fapiao = serializers.ChoiceField(
        FapiaoRequest.Status.choices,
        source="fapiao.status",
        default=None,
        allow_null=True,
        help_text="Null: nobody asked for it.",
    )
    fapiao_number = serializers.CharField(
        source="fapiao.number", default=None, allow_null=True, help_text="Empty until it is issued."
    )

    class Meta:
        model = Invoice
        fields = (
            "number",
            "series",
            "kind",
            "corrects",
            "seller",
            "customer",
            "contract",
            "period_start",
            "period_end",
            "currency",
            "gross_fen",
            "net_fen",
            "tax_fen",
            "issued_at",
            "fapiao",
            "fapiao_number",
            "sha256",
        )


class InvoiceDetailSerializer(InvoiceSerializer):
    signed_with = serializers.CharField(source="signed_with_id", help_text="The `kid` of one of `keys`.")
    signature = serializers.CharField(
        help_text="Ed25519, in base64url without padding, of the text `suanpan invoice <sha256>`."
    )
    document = serializers.SerializerMethodField(help_text="The document whose canonical JSON is hashed.")

    class Meta(InvoiceSerializer.Meta):
        fields = (*InvoiceSerializer.Meta.fields, "signed_with", "signature", "document")  # type: ignore[assignment]

    def get_document(self, invoice: Invoice) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(invoice.document)
        return document


class FapiaoSerializer(serializers.ModelSerializer[FapiaoRequest]):
    class Meta:
        model = FapiaoRequest
        fields = ("status", "requested_at", "number", "issued_on")
        read_only_fields = fields


class InvoiceProfileSerializer(serializers.ModelSerializer[InvoiceProfile]):
    class Meta:
        model = InvoiceProfile
        fields = (
            "title",
            "tax_number",
            "kind",
            "address",
            "phone",
            "bank",
            "bank_account",
            "email",
            "cycle",
        )
        extra_kwargs = {name: {"default": ""} for name in fields[3:8]}


class PaperSerializer(serializers.Serializer[None]):
    language = serializers.ChoiceField(LANGUAGES, default=LANGUAGES[0])


@extend_schema_field({"type": "string", "pattern": "^[0-9]{4}-(0[1-9]|1[0-2])$"})
class MonthField(serializers.DateField):
    """A month, as 2026-06: its first day."""

    def __init__(self, **options: Any) -> None:
        super().__init__(input_formats=["%Y-%m"], validators=BETWEEN, **options)


class MonthSerializer(serializers.Serializer[None]):
    side = serializers.ChoiceField(["buyer", "provider"], help_text="As what you want the statement.")
    month = MonthField(help_text="For example 2026-06, in the exchange's zone.")


class StatementLineSerializer(serializers.Serializer[Any]):
    contract = serializers.CharField(source="contract.number")
    buyer = serializers.CharField(source="contract.buyer.name_en")
    provider = serializers.CharField(source="contract.provider.name_en")
    gross_fen = serializers.IntegerField(
        source="supply.gross", help_text="What the buyer paid, VAT included."
    )
    tax_fen = serializers.IntegerField(source="supply.tax")


class ProviderLineSerializer(StatementLineSerializer):
    """To a buyer what follows is null: the fee is between the provider and the exchange."""

    fee_fen = serializers.IntegerField(source="fee.gross", allow_null=True, help_text="The provider's alone.")
    fee_tax_fen = serializers.IntegerField(source="fee.tax", allow_null=True)
    payable_fen = serializers.IntegerField(source="payable", allow_null=True, help_text="Gross less the fee.")


class MonthlyStatementSerializer(serializers.Serializer[Any]):
    month = serializers.DateField(help_text="Its first day.")
    lines = ProviderLineSerializer(many=True)


class CostsPeriodSerializer(serializers.Serializer[None]):
    since = serializers.DateTimeField(help_text="Included: when the ledger paid.")
    until = serializers.DateTimeField(help_text="Not included.")
