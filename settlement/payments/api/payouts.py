import hashlib
from typing import Any, ClassVar
from uuid import uuid4

from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.idempotency import HEADER, KEY_PARAMETER, idempotent
from accounts.api.views import OrganisationView, checked
from accounts.permissions import Permission
from settlement.payments.models import Payout, PayoutAccount, PayoutSource
from settlement.payments.operations import ask_payout


class PayoutSerializer(serializers.ModelSerializer[Payout]):
    serial = serializers.CharField(help_text="What the bank's remark calls it.")
    amount_fen = serializers.IntegerField(source="amount")
    account = serializers.SerializerMethodField(help_text="The account's last digits, or the rail.")
    scheduled = serializers.BooleanField(source="is_scheduled")

    class Meta:
        model = Payout
        fields = (
            "id",
            "serial",
            "rail",
            "taken_from",
            "currency",
            "amount_fen",
            "account",
            "scheduled",
            "status",
            "asked_at",
            "paid_at",
            "failed_at",
            "reason",
        )

    def get_account(self, payout: Payout) -> str:
        return payout.account.masked_number if payout.account else payout.rail


class NewPayoutSerializer(serializers.Serializer[Any]):
    amount_fen = serializers.IntegerField(min_value=1)
    taken_from = serializers.ChoiceField(PayoutSource.choices, default=PayoutSource.RECEIVABLE.value)


class PayoutAccountSerializer(serializers.ModelSerializer[PayoutAccount]):
    number = serializers.CharField(source="masked_number", help_text="Its last digits.")

    class Meta:
        model = PayoutAccount
        fields = ("holder", "bank", "cnaps", "number", "usable_at")


class Payouts(OrganisationView, generics.ListAPIView[Payout]):
    """Your organisation's payouts, latest first."""

    permission: ClassVar = Permission.SEE_MONEY
    queryset = Payout.objects.none()  # names the model to the schema
    serializer_class = PayoutSerializer
    filterset_fields: ClassVar = ["status", "taken_from"]

    def get_queryset(self) -> QuerySet[Payout]:
        return _own(self)

    @extend_schema(
        operation_id="payouts_create",
        parameters=[KEY_PARAMETER],
        request=NewPayoutSerializer,
        responses={201: PayoutSerializer},
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Ask for a payout to your organisation's bank account; the money leaves the balance at once."""
        asked = checked(NewPayoutSerializer(data=request.data))
        payout = ask_payout(
            actor=self.actor,
            amount=asked["amount_fen"],
            taken_from=PayoutSource(asked["taken_from"]),
            key=_key(request),
            now=timezone.now(),
        )
        return Response(PayoutSerializer(_own(self).get(pk=payout.pk)).data, status=201)


class PayoutDetail(OrganisationView, generics.RetrieveAPIView[Payout]):
    """One payout."""

    permission: ClassVar = Permission.SEE_MONEY
    queryset = Payout.objects.none()
    serializer_class = PayoutSerializer

    def get_queryset(self) -> QuerySet[Payout]:
        return _own(self)


class OwnPayoutAccount(OrganisationView):
    permission: ClassVar = Permission.SEE_MONEY

    @extend_schema(operation_id="payout_account_retrieve", responses=PayoutAccountSerializer)
    def get(self, request: Request) -> Response:
        """The bank account that your organisation is paid to. Two persons change it, on the pages."""
        account = PayoutAccount.objects.in_force().filter(organisation=self.organisation).first()
        if account is None:
            raise Http404
        return Response(PayoutAccountSerializer(account).data)


def _own(view: OrganisationView) -> QuerySet[Payout]:
    rows: QuerySet[Payout] = Payout.objects.filter(organisation=view.organisation).select_related("account")
    return rows


def _key(request: Request) -> str:
    """As long as the column has room for, whatever the caller's key."""
    asked = request.headers.get(HEADER) or str(uuid4())
    return f"api:{hashlib.sha256(asked.encode()).hexdigest()}"
