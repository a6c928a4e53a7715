import datetime
from collections.abc import Iterable
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.idempotency import KEY_PARAMETER, idempotent
from accounts.api.views import OrganisationView, checked, checked_query
from accounts.permissions import Permission
from settlement.invoices.api.serializers import (
    CostsPeriodSerializer,
    FapiaoSerializer,
    InvoiceDetailSerializer,
    InvoiceProfileSerializer,
    InvoiceSerializer,
    MonthlyStatementSerializer,
    MonthSerializer,
    PaperSerializer,
    ProviderLineSerializer,
    StatementLineSerializer,
)
from settlement.invoices.document import profile_of
from settlement.invoices.focus import focus_csv
from settlement.invoices.models import Invoice
from settlement.invoices.operations import ProfileDetails, edit_invoice_profile, request_fapiao
from settlement.invoices.paper import download
from settlement.invoices.queries import invoices_of, statement

THE_PROVIDERS = dict.fromkeys(["fee_fen", "fee_tax_fen", "payable_fen"])


class FileNegotiation(BaseContentNegotiation):
    """A file has one type, whatever Accept says; a refusal in its place is a problem document."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        first = next(iter(renderers))
        return first, first.media_type or ""


class InvoiceList(OrganisationView, generics.ListAPIView[Invoice]):
    """The invoices and credit notes that your organisation sells or receives, latest first."""

    permission = Permission.SEE_MONEY
    queryset = Invoice.objects.none()  # names the model to the schema
    serializer_class = InvoiceSerializer
    filterset_fields: ClassVar = ["series", "kind"]

    def get_queryset(self) -> QuerySet[Invoice]:
        return invoices_of(self.organisation)


class InvoiceView(OrganisationView):
    permission = Permission.SEE_MONEY

    def invoice(self, number: str) -> Invoice:
        own = invoices_of(self.organisation).defer(None).defer("contract__document")
        return get_object_or_404(own, number=number)


class InvoiceDetail(InvoiceView):
    @extend_schema(operation_id="invoices_retrieve", responses=InvoiceDetailSerializer)
    def get(self, request: Request, number: str) -> Response:
        """One invoice with its whole document, its hash and the platform's signature."""
        return Response(InvoiceDetailSerializer(self.invoice(number)).data)


class InvoicePdf(InvoiceView):
    content_negotiation_class = FileNegotiation

    @extend_schema(
        operation_id="invoices_pdf",
        parameters=[PaperSerializer],
        responses={(200, "application/pdf"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, number: str) -> HttpResponse:
        """One invoice on paper, in Chinese or English."""
        language = checked_query(PaperSerializer, request)["language"]
        return download(self.invoice(number), language)


class InvoiceFapiao(InvoiceView):
    @extend_schema(
        operation_id="invoices_request_fapiao",
        parameters=[KEY_PARAMETER],
        request=None,
        responses={201: FapiaoSerializer},
    )
    @idempotent
    def post(self, request: Request, number: str) -> Response:
        """Ask the seller for the official fapiao; asked again, the first request is returned."""
        asked = request_fapiao(actor=self.actor, invoice=self.invoice(number), now=timezone.now())
        return Response(FapiaoSerializer(asked).data, status=201)


class Profile(OrganisationView):
    permission = Permission.SEE_MONEY

    @extend_schema(operation_id="invoice_profile_retrieve", responses=InvoiceProfileSerializer)
    def get(self, request: Request) -> Response:
        """What stands on your organisation's invoices."""
        return Response(InvoiceProfileSerializer(profile_of(self.organisation)).data)

    @extend_schema(
        operation_id="invoice_profile_update",
        request=InvoiceProfileSerializer,
        responses=InvoiceProfileSerializer,
    )
    def put(self, request: Request) -> Response:
        """Change it; issued invoices keep what stood on them."""
        asked = checked(InvoiceProfileSerializer(data=request.data))
        details = ProfileDetails(
            **{name: asked.get(name, "") for name in InvoiceProfileSerializer.Meta.fields}
        )
        edited = edit_invoice_profile(actor=self.actor, details=details, now=timezone.now())
        return Response(InvoiceProfileSerializer(edited).data)


class MonthlyStatement(OrganisationView):
    permission = Permission.SEE_MONEY

    @extend_schema(
        operation_id="monthly_statement_retrieve",
        parameters=[MonthSerializer],
        responses=MonthlyStatementSerializer,
    )
    def get(self, request: Request) -> Response:
        """What was paid on each contract in a month; to the provider also the fee, and what it keeps."""
        asked = checked_query(MonthSerializer, request)
        shown = statement(self.organisation, asked["side"], asked["month"].replace(day=1))
        line = ProviderLineSerializer if asked["side"] == "provider" else StatementLineSerializer
        lines = [THE_PROVIDERS | each for each in line(shown.lines, many=True).data]
        return Response({"month": shown.month, "lines": lines})


class FocusCosts(OrganisationView):
    permission = Permission.SEE_MONEY
    content_negotiation_class = FileNegotiation

    @extend_schema(
        operation_id="costs_focus",
        parameters=[CostsPeriodSerializer],
        responses={(200, "text/csv"): OpenApiTypes.STR},
    )
    def get(self, request: Request) -> HttpResponseBase:
        """What your organisation paid as a buyer, as FOCUS 1.2: one row per contract-hour or payment."""
        asked: dict[str, datetime.datetime] = checked_query(CostsPeriodSerializer, request)
        lines: Any = focus_csv(self.organisation, since=asked["since"], until=asked["until"])
        response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = 'attachment; filename="focus.csv"'
        return response
