from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import generics
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.views import OrganisationView, PublicView, checked_query
from settlement.contracts.api.serializers import (
    AgreementSerializer,
    ContractDetailSerializer,
    ContractSerializer,
    KeySetSerializer,
    LanguageSerializer,
)
from settlement.contracts.models import Contract
from settlement.contracts.pdf import LANGUAGES, contract_pdf
from settlement.contracts.queries import accepted_by, contracts_of, current_agreement
from settlement.contracts.signing import published_keys


class AnyAnswer(DefaultContentNegotiation):
    """For a file: whatever the caller accepts, it gets the file, or a problem document."""

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type


class ContractList(OrganisationView, generics.ListAPIView[Contract]):
    """The contracts that your organisation is a party to, latest first."""

    queryset = Contract.objects.none()  # names the model to the schema
    serializer_class = ContractSerializer
    filterset_fields: ClassVar = ["kind", "status"]

    def get_queryset(self) -> QuerySet[Contract]:
        return contracts_of(self.organisation)


class ContractDetail(OrganisationView):
    @extend_schema(operation_id="contracts_retrieve", responses=ContractDetailSerializer)
    def get(self, request: Request, number: str) -> Response:
        """One contract with all its terms."""
        contract = get_object_or_404(contracts_of(self.organisation).defer(None), number=number)
        return Response(ContractDetailSerializer(contract).data)


class ContractDocument(OrganisationView):
    @extend_schema(
        operation_id="contracts_document",
        responses={200: OpenApiResponse(OpenApiTypes.OBJECT, description="The canonical JSON (RFC 8785).")},
    )
    def get(self, request: Request, number: str) -> HttpResponse:
        """The document: the very bytes whose SHA-256 is the contract's, and is signed."""
        contract = get_object_or_404(contracts_of(self.organisation).defer(None), number=number)
        return HttpResponse(contract.document, content_type="application/json")


class ContractPdf(OrganisationView):
    content_negotiation_class = AnyAnswer

    @extend_schema(
        operation_id="contracts_pdf",
        parameters=[OpenApiParameter("language", enum=sorted(LANGUAGES), default="zh")],
        responses={(200, "application/pdf"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, number: str) -> HttpResponse:
        """The contract on paper, in Chinese or English; the same bytes each time."""
        language = checked_query(LanguageSerializer, request)["language"]
        contract = get_object_or_404(contracts_of(self.organisation).defer(None), number=number)
        return HttpResponse(contract_pdf(contract, language=language), content_type="application/pdf")


class Keys(PublicView):
    @extend_schema(operation_id="keys_retrieve", responses=KeySetSerializer)
    def get(self, request: Request) -> Response:
        """Every public key that ever signed a contract, an invoice or a licence: verify offline with them."""
        return Response(published_keys())


class Agreement(OrganisationView):
    @extend_schema(operation_id="agreement_retrieve", responses=AgreementSerializer)
    def get(self, request: Request) -> Response:
        """The master agreement's current version, and which one your organisation has accepted.

        An owner accepts it on the page; no program does.
        """
        current, accepted = current_agreement(), accepted_by(self.organisation)
        return Response(AgreementSerializer({"current": current, "accepted": accepted}).data)
