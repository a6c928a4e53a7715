from typing import ClassVar

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.views import OrganisationView
from settlement.contracts.api.serializers import ContractDetailSerializer, ContractSerializer
from settlement.contracts.models import Contract
from settlement.contracts.queries import contracts_of


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
