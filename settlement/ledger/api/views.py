import dataclasses
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.views import OrganisationView, checked
from accounts.models import Organisation
from accounts.permissions import Permission
from settlement.ledger.models import ORGANISATION_KINDS, Account, AccountKind, Currency
from settlement.ledger.queries import balance_of, currencies_of, statement

MOST_LINES = 1_000


class CurrencySerializer(serializers.Serializer[Any]):
    currency = serializers.ChoiceField(Currency.choices, default=Currency.CNY.value)


class BalanceSerializer(serializers.Serializer[Any]):
    currency = serializers.ChoiceField(Currency.choices)
    available_fen = serializers.IntegerField(source="available")
    held_fen = serializers.IntegerField(source="held", help_text="Set aside for resting orders.")
    escrow_fen = serializers.IntegerField(source="escrow", help_text="Set aside for contracts.")
    receivable_fen = serializers.IntegerField(source="receivable", help_text="Earned and not paid out.")


class Balance(OrganisationView):
    permission = Permission.SEE_MONEY

    @extend_schema(
        operation_id="balance_retrieve", parameters=[CurrencySerializer], responses=BalanceSerializer
    )
    def get(self, request: Request) -> Response:
        """Your organisation's money in one currency."""
        asked = checked(CurrencySerializer(data=request.query_params))
        return Response(_shown(self.organisation, Currency(asked["currency"])))


class AllBalances(OrganisationView):
    permission = Permission.SEE_MONEY

    @extend_schema(operation_id="balances_list", responses=BalanceSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Your organisation's money in CNY, and in each other currency in which its money has ever moved."""
        return Response([_shown(self.organisation, code) for code in currencies_of(self.organisation)])


def _shown(organisation: Organisation, currency: Currency) -> dict[str, Any]:
    has = dataclasses.asdict(balance_of(organisation, currency))
    return BalanceSerializer({"currency": currency, **has}).data


class PeriodSerializer(CurrencySerializer):
    account = serializers.ChoiceField(
        [kind.value for kind in ORGANISATION_KINDS], default=AccountKind.AVAILABLE.value
    )
    since = serializers.DateTimeField(required=False, help_text="Included.")
    until = serializers.DateTimeField(required=False, help_text="Not included.")


class LineSerializer(serializers.Serializer[Any]):
    transfer = serializers.IntegerField(source="transfer_id")
    kind = serializers.CharField(source="transfer.kind")
    posted_at = serializers.DateTimeField(source="transfer.posted_at")
    memo = serializers.CharField(source="transfer.memo")
    amount_fen = serializers.IntegerField(source="amount")
    balance_fen = serializers.IntegerField(source="running")


class StatementSerializer(serializers.Serializer[Any]):
    currency = serializers.ChoiceField(Currency.choices)
    opening_fen = serializers.IntegerField(source="opening")
    lines = LineSerializer(many=True)
    closing_fen = serializers.IntegerField(source="closing")
    complete = serializers.BooleanField(
        help_text=f"False: more than {MOST_LINES} lines, the earliest are shown; ask for a shorter period."
    )


class Statement(OrganisationView):
    permission: ClassVar = Permission.SEE_MONEY

    @extend_schema(
        operation_id="statement_retrieve", parameters=[PeriodSerializer], responses=StatementSerializer
    )
    def get(self, request: Request) -> Response:
        """One account over a period: opening balance, lines, closing balance."""
        asked = checked(PeriodSerializer(data=request.query_params))
        accounts = Account.objects.filter(
            organisation=self.organisation, kind=asked["account"], currency=asked["currency"]
        )
        found = statement(accounts=accounts, since=asked.get("since"), until=asked.get("until"))
        lines = list(found.lines[: MOST_LINES + 1])
        body = {
            "currency": asked["currency"],
            "opening": found.opening,
            "lines": lines[:MOST_LINES],
            "closing": found.closing,
            "complete": len(lines) <= MOST_LINES,
        }
        return Response(StatementSerializer(body).data)
