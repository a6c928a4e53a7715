"""The hours that a terminated contract freed, for programs: read, and offered again by their provider."""

from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.idempotency import KEY_PARAMETER, idempotent
from accounts.api.views import OrganisationView
from marketplace.trading.models import FreedHours
from marketplace.trading.operations.offer_freed_hours import offer_freed_hours
from marketplace.trading.queries.freed_hours import freed_by
from settlement.contracts.models import Contract
from settlement.contracts.queries import contracts_of


class OfferedSerializer(serializers.ModelSerializer[FreedHours]):
    class Meta:
        model = FreedHours
        fields = ("first_slot", "unit_hours", "offered_at")


class FreedSerializer(serializers.Serializer[Any]):
    first_slot = serializers.DateTimeField(help_text="The first hour that can still be offered again.")
    unit_hours = serializers.IntegerField(help_text="What an offer made now would give back.")
    refusal = serializers.CharField(help_text="Why nothing can be offered again; empty where it can.")
    offered = OfferedSerializer(allow_null=True)


class Freed(OrganisationView):
    @extend_schema(operation_id="freed_hours_retrieve", responses=FreedSerializer)
    def get(self, request: Request, number: str) -> Response:
        """What the end of a contract that you provide freed, and whether it was offered again."""
        return Response(FreedSerializer(freed_by(self._contract(number), now=timezone.now())).data)

    @extend_schema(
        operation_id="freed_hours_offer",
        parameters=[KEY_PARAMETER],
        request=None,
        responses={201: OfferedSerializer},
    )
    @idempotent
    def post(self, request: Request, number: str) -> Response:
        """Offer the freed hours again, once: they return to the capacity that they came from."""
        contract = self._contract(number)
        offered = offer_freed_hours(actor=self.actor, contract_id=contract.pk, now=timezone.now())
        return Response(OfferedSerializer(offered).data, status=201)

    def _contract(self, number: str) -> Contract:
        provided = contracts_of(self.organisation).filter(provider=self.organisation)
        contract: Contract = get_object_or_404(provided, number=number)
        return contract
