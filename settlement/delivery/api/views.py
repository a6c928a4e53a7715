"""Deliveries and disputes for programs: a provider's agent reports here, a buyer's watches its hours."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.idempotency import KEY_PARAMETER, idempotent
from accounts.api.views import OrganisationView, checked
from accounts.errors import NotAllowed
from settlement.contracts.api.serializers import ContractSerializer
from settlement.contracts.models import Contract
from settlement.contracts.queries import contracts_of
from settlement.delivery.api.serializers import (
    AccessSerializer,
    DeliverySerializer,
    DisputeDetailSerializer,
    DisputeSerializer,
    HourSerializer,
    NewDisputeSerializer,
    NewMessageSerializer,
    ReadingsSerializer,
    StateReportSerializer,
    StoredSerializer,
)
from settlement.delivery.models import Dispute, StateReport
from settlement.delivery.operations import (
    Reading,
    accept_licence,
    answer_dispute,
    open_dispute,
    report_access,
    report_state,
    report_usage,
)
from settlement.delivery.queries import disputes_seen_by, hours_of, left_of, state_of

API = "api"  # The source of what a program reports of a delivery's state.


class OfContract(OrganisationView):
    """Something of one compute contract of the caller's."""

    def contract(self, number: str) -> Contract:
        own = contracts_of(self.organisation).filter(kind=Contract.Kind.COMPUTE)
        contract: Contract = get_object_or_404(own, number=number)
        return contract


class DeliveryDetail(OfContract):
    @extend_schema(operation_id="delivery_retrieve", responses=DeliverySerializer)
    def get(self, request: Request, number: str) -> Response:
        """Where the delivery of a contract stands, and what is left of it."""
        return Response(_delivery(self.contract(number)))


class DeliveryState(OfContract):
    @extend_schema(
        operation_id="delivery_report_state", request=StateReportSerializer, responses=DeliverySerializer
    )
    def post(self, request: Request, number: str) -> Response:
        """As its provider, take a delivery a step on. The same state again changes nothing."""
        contract = self.contract(number)
        asked = checked(StateReportSerializer(data=request.data))
        report_state(
            actor=self.actor,
            contract_id=contract.pk,
            state=StateReport.State(asked["state"]),
            note=asked.get("note", ""),
            source=API,
            now=timezone.now(),
        )
        return Response(_delivery(contract))


class DeliveryAccess(OfContract):
    @extend_schema(
        operation_id="delivery_report_access", request=AccessSerializer, responses=DeliverySerializer
    )
    def post(self, request: Request, number: str) -> Response:
        """As its provider, say how to reach what was bought. The last details count."""
        contract = self.contract(number)
        asked = checked(AccessSerializer(data=request.data))
        report_access(actor=self.actor, contract_id=contract.pk, text=asked["text"], now=timezone.now())
        return Response(_delivery(contract))


class Hours(OfContract):
    @extend_schema(operation_id="contract_hours_list", responses=HourSerializer(many=True))
    def get(self, request: Request, number: str) -> Response:
        """Every hour of a contract: what was metered, what was paid, what was given back."""
        hours = hours_of(self.contract(number), now=timezone.now())
        return Response(HourSerializer(hours, many=True).data)


class Usage(OrganisationView):
    @extend_schema(operation_id="usage_report", request=ReadingsSerializer, responses=StoredSerializer)
    def post(self, request: Request) -> Response:
        """As their provider, report the meters of up to 1,000 hours: all are stored, or none.

        A reading is known by contract, slot, source and revision, so it may be sent again without harm.
        """
        asked = checked(ReadingsSerializer(data=request.data))["readings"]
        numbers = {each["contract"] for each in asked}
        own = contracts_of(self.organisation).filter(number__in=numbers)
        ids = dict(own.values_list("number", "pk"))
        if unknown := numbers - set(ids):
            raise NotAllowed(
                _("%(number)s is not a contract of your organisation's.") % {"number": min(unknown)}
            )
        readings = [
            Reading(
                contract_id=ids[each["contract"]],
                slot=each["slot"],
                delivered_seconds=each["delivered_seconds"],
                source=each["meter"],
                revision=each["revision"],
            )
            for each in asked
        ]
        stored = report_usage(actor=self.actor, readings=readings, now=timezone.now())
        return Response(StoredSerializer({"stored": stored}).data)


class DisputeList(OrganisationView, generics.ListAPIView[Dispute]):
    """The disputes that your organisation is a party to, latest first."""

    queryset = Dispute.objects.none()  # names the model to the schema
    serializer_class = DisputeSerializer
    filterset_fields: ClassVar = ["status"]

    def get_queryset(self) -> QuerySet[Dispute]:
        return disputes_seen_by(self.organisation, operator=False)


class DisputeDetail(OrganisationView):
    @extend_schema(operation_id="disputes_retrieve", responses=DisputeDetailSerializer)
    def get(self, request: Request, pk: int) -> Response:
        """One dispute with its thread."""
        return Response(_dispute(get_object_or_404(_threads(self), pk=pk)))


class NewDispute(OrganisationView):
    @extend_schema(
        operation_id="disputes_create",
        parameters=[KEY_PARAMETER],
        request=NewDisputeSerializer,
        responses={201: DisputeDetailSerializer},
    )
    @idempotent
    def post(self, request: Request, number: str) -> Response:
        """Dispute hours or an amount of a contract: the money is frozen until an operator decides.

        Of a licence, an amount, while it can be accepted. Evidence is added on the dispute's page.
        """
        contract = get_object_or_404(contracts_of(self.organisation), number=number)
        asked = checked(NewDisputeSerializer(data=request.data))
        opened = open_dispute(
            actor=self.actor,
            contract_id=contract.pk,
            text=asked["text"],
            first_slot=asked["first_slot"],
            last_slot=asked["last_slot"],
            amount=asked["amount_fen"],
            now=timezone.now(),
        )
        return Response(_dispute(_threads(self).get(pk=opened.pk)), status=201)


class Acceptance(OrganisationView):
    @extend_schema(
        operation_id="contracts_accept",
        parameters=[KEY_PARAMETER],
        request=None,
        responses=ContractSerializer,
    )
    @idempotent
    def post(self, request: Request, number: str) -> Response:
        """As its buyer, accept a licence: its price is paid at once, and can be disputed no more."""
        contract = get_object_or_404(contracts_of(self.organisation), number=number)
        accepted = accept_licence(actor=self.actor, contract_id=contract.pk, now=timezone.now())
        return Response(ContractSerializer(accepted).data)


class DisputeMessages(OrganisationView):
    @extend_schema(
        operation_id="disputes_answer",
        parameters=[KEY_PARAMETER],
        request=NewMessageSerializer,
        responses={201: DisputeDetailSerializer},
    )
    @idempotent
    def post(self, request: Request, pk: int) -> Response:
        """Answer a dispute, or add to it."""
        shown = get_object_or_404(_threads(self), pk=pk)
        asked = checked(NewMessageSerializer(data=request.data))
        answer_dispute(actor=self.actor, dispute_id=shown.pk, text=asked["text"], now=timezone.now())
        return Response(_dispute(_threads(self).get(pk=pk)), status=201)


def _delivery(contract: Contract) -> dict[str, Any]:
    left = left_of(contract, now=timezone.now())
    body = {
        "state": state_of(contract),
        "hours_left": left.hours,
        "escrow_fen": left.escrow,
        "disputed_fen": left.disputed,
        "reports": contract.state_reports.all(),
    }
    return dict(DeliverySerializer(body).data)


def _threads(view: OrganisationView) -> QuerySet[Dispute]:
    threads = ("messages__organisation", "messages__evidence")
    return disputes_seen_by(view.organisation, operator=False).prefetch_related(*threads)


def _dispute(shown: Dispute) -> dict[str, Any]:
    return dict(DisputeDetailSerializer(shown).data)
