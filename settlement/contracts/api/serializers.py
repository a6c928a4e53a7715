import json
from typing import Any

from rest_framework import serializers

from settlement.contracts.models import Acceptance, Contract, MasterAgreement
from settlement.contracts.pdf import LANGUAGES


class ContractSerializer(serializers.ModelSerializer[Contract]):
    buyer = serializers.CharField(source="buyer.name_en")
    provider = serializers.CharField(source="provider.name_en")
    hourly_prices_fen = serializers.ListField(child=serializers.IntegerField(), source="hourly_prices")
    total_fen = serializers.IntegerField(source="total")
    escrow_fen = serializers.IntegerField(source="escrow")
    returned_fen = serializers.IntegerField(source="returned", help_text="What went back.")
    by_voucher_fen = serializers.IntegerField(
        source="funded", help_text="Of the total, the share that a voucher bears."
    )

    acceptance_ends_at = serializers.DateTimeField(
        allow_null=True, help_text="Until when a licence can be accepted, disputed and ended; else null."
    )

    class Meta:
        model = Contract
        fields = (
            "number",
            "kind",
            "status",
            "buyer",
            "provider",
            "pool",
            "plan",
            "quantity",
            "starts_at",
            "ends_at",
            "acceptance_ends_at",
            "hourly_prices_fen",
            "total_fen",
            "escrow_fen",
            "returned_fen",
            "by_voucher_fen",
            "fee_basis_points",
            "settled_until",
            "opened_at",
            "ended_at",
            "sha256",
            "previous_sha256",
        )


class ContractDetailSerializer(ContractSerializer):
    signed_with = serializers.CharField(
        source="signed_with_id", allow_null=True, help_text="The `kid` of one of `keys`; null: not signed."
    )
    signature = serializers.CharField(
        help_text="Ed25519, in base64url without padding, of the text `suanpan contract <sha256>`."
    )
    terms = serializers.SerializerMethodField(help_text="The document whose canonical JSON is hashed.")

    class Meta(ContractSerializer.Meta):
        fields = (*ContractSerializer.Meta.fields, "signed_with", "signature", "terms")  # type: ignore[assignment]

    def get_terms(self, contract: Contract) -> dict[str, Any]:
        terms: dict[str, Any] = json.loads(contract.document)
        return terms


class LanguageSerializer(serializers.Serializer[None]):
    language = serializers.ChoiceField(sorted(LANGUAGES), default="zh")


class KeySerializer(serializers.Serializer[Any]):
    """A JSON Web Key (RFC 7517, RFC 8037)."""

    kty = serializers.CharField()
    crv = serializers.CharField()
    alg = serializers.CharField()
    use = serializers.CharField()
    kid = serializers.CharField()
    x = serializers.CharField(help_text="The 32 bytes of the public key, in base64url without padding.")
    created_at = serializers.DateTimeField()
    retired_at = serializers.DateTimeField(
        allow_null=True, help_text="Signs no more since; what it signed still holds."
    )


class KeySetSerializer(serializers.Serializer[Any]):
    keys = KeySerializer(many=True)


class AgreementVersionSerializer(serializers.ModelSerializer[MasterAgreement]):
    class Meta:
        model = MasterAgreement
        fields = ("version", "sha256", "published_at")


class AcceptanceSerializer(serializers.ModelSerializer[Acceptance]):
    version = serializers.IntegerField(source="agreement.version")
    sha256 = serializers.CharField(source="agreement.sha256")
    by = serializers.CharField(source="user")

    class Meta:
        model = Acceptance
        fields = ("version", "sha256", "by", "accepted_at")


class AgreementSerializer(serializers.Serializer[Any]):
    current = AgreementVersionSerializer(allow_null=True)
    accepted = AcceptanceSerializer(allow_null=True)
