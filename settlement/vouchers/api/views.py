from typing import ClassVar

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.idempotency import KEY_PARAMETER, idempotent
from accounts.api.views import OrganisationView, checked
from accounts.permissions import Permission
from settlement.vouchers.api.serializers import (
    ApplicationSerializer,
    NewApplicationSerializer,
    ProgrammeSerializer,
    ReportSerializer,
    VoucherSerializer,
)
from settlement.vouchers.models import Application, Programme, Voucher
from settlement.vouchers.operations import apply
from settlement.vouchers.queries import figures_by_voucher, programmes_seen_by
from settlement.vouchers.report import report_of


class ProgrammeList(OrganisationView, generics.ListAPIView[Programme]):
    """The voucher programmes that take applications, those you applied to, and those you run."""

    queryset = Programme.objects.none()  # names the model to the schema
    serializer_class = ProgrammeSerializer

    def get_queryset(self) -> QuerySet[Programme]:
        return programmes_seen_by(self.organisation, now=timezone.now()).order_by("-pk")


class ProgrammeReport(OrganisationView):
    permission: ClassVar = Permission.SEE_MONEY

    @extend_schema(operation_id="voucher_programme_report_retrieve", responses=ReportSerializer)
    def get(self, request: Request, pk: int) -> Response:
        """What a programme of your own paid for, and its account."""
        own = Programme.objects.of(self.organisation).select_related("account")
        return Response(ReportSerializer(report_of(get_object_or_404(own, pk=pk))).data)


class Applications(OrganisationView, generics.ListAPIView[Application]):
    """Your organisation's applications for vouchers, latest first."""

    queryset = Application.objects.none()  # names the model to the schema
    serializer_class = ApplicationSerializer
    filterset_fields: ClassVar = ["programme", "status"]

    def get_queryset(self) -> QuerySet[Application]:
        return Application.objects.filter(organisation=self.organisation)

    @extend_schema(
        operation_id="voucher_applications_create",
        parameters=[KEY_PARAMETER],
        request=NewApplicationSerializer,
        responses={201: ApplicationSerializer},
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Apply for a voucher. Papers are handed in on the page."""
        asked = checked(NewApplicationSerializer(data=request.data))
        now = timezone.now()
        programme = get_object_or_404(programmes_seen_by(self.organisation, now=now), pk=asked["programme"])
        application = apply(
            actor=self.actor,
            programme_id=programme.pk,
            amount=asked["amount_fen"],
            statement=asked["statement"],
            affiliates_named=asked["affiliates_named"],
            now=now,
        )
        return Response(ApplicationSerializer(application).data, status=201)


class Vouchers(OrganisationView):
    @extend_schema(operation_id="vouchers_list", responses=VoucherSerializer(many=True), filters=False)
    def get(self, request: Request) -> Response:
        """Your organisation's vouchers, and what became of each. `id` goes into an order."""
        now = timezone.now()
        own = list(Voucher.objects.filter(organisation=self.organisation).select_related("programme"))
        figures = figures_by_voucher(own)
        rows = [
            {
                "voucher": voucher,
                "figures": figures[voucher.pk],
                "left": voucher.amount - figures[voucher.pk].used if voucher.is_usable(now) else 0,
            }
            for voucher in own
        ]
        return Response(VoucherSerializer(rows, many=True).data)
