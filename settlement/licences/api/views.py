"""Licences for an organisation's programs; and for licensed software, which shows a licence's token."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import AnonRateThrottle
from rest_framework.views import APIView

from accounts.api.idempotency import KEY_PARAMETER, idempotent
from accounts.api.views import OrganisationView, checked
from accounts.models import Jurisdiction
from listings.circulation import Place
from settlement.licences.api.schema import LicenceTokenScheme
from settlement.licences.api.serializers import (
    ActivateSerializer,
    FingerprintSerializer,
    LicenceDetailSerializer,
    LicenceSerializer,
    LinkSerializer,
    MeteredSerializer,
    MeterSerializer,
    ReasonSerializer,
    ReleasedSerializer,
    SeatSerializer,
    ValidateSerializer,
    ValidationSerializer,
)
from settlement.licences.api.throttling import LicenceThrottle
from settlement.licences.authentication import LicenceTokenAuthentication
from settlement.licences.models import Licence, LicenceToken
from settlement.licences.operations import (
    CallReport,
    Machine,
    activate,
    deactivate,
    heartbeat,
    link_for_software,
    meter_calls,
    reinstate_licence,
    suspend_licence,
    validate,
)
from settlement.licences.queries import licences_of

__all__ = ["LicenceTokenScheme"]  # imported to register it with the schema


class LicenceList(OrganisationView, generics.ListAPIView[Licence]):
    """The licences that your organisation holds, and those that others hold of it, latest first."""

    queryset = Licence.objects.none()  # names the model to the schema
    serializer_class = LicenceSerializer

    def get_queryset(self) -> QuerySet[Licence]:
        return licences_of(self.organisation)


class LicenceView(OrganisationView):
    def own(self, number: str) -> Licence:
        return get_object_or_404(licences_of(self.organisation), contract__number=number)

    def shown(self, number: str) -> Response:
        serializer = LicenceDetailSerializer(self.own(number), context={"actor": self.actor})
        return Response(serializer.data)


class LicenceDetail(LicenceView):
    @extend_schema(operation_id="licences_retrieve", responses=LicenceDetailSerializer)
    def get(self, request: Request, number: str) -> Response:
        """One licence, by its contract's number; with its key and machines where you hold it."""
        return self.shown(number)


class Suspension(LicenceView):
    @extend_schema(
        operation_id="licences_suspend",
        parameters=[KEY_PARAMETER],
        request=ReasonSerializer,
        responses=LicenceDetailSerializer,
    )
    @idempotent
    def post(self, request: Request, number: str) -> Response:
        """Suspend a licence of an algorithm that you publish."""
        licence = self.own(number)
        reason = checked(ReasonSerializer(data=request.data))["reason"]
        suspend_licence(
            actor=self.actor,
            licence_id=licence.pk,
            by=Licence.Suspender.PUBLISHER,
            reason=reason,
            now=timezone.now(),
        )
        return self.shown(number)


class Reinstatement(LicenceView):
    @extend_schema(
        operation_id="licences_reinstate",
        parameters=[KEY_PARAMETER],
        request=None,
        responses=LicenceDetailSerializer,
    )
    @idempotent
    def post(self, request: Request, number: str) -> Response:
        """Reinstate a licence that you suspended."""
        reinstate_licence(
            actor=self.actor,
            licence_id=self.own(number).pk,
            by=Licence.Suspender.PUBLISHER,
            now=timezone.now(),
        )
        return self.shown(number)


class SoftwareView(APIView):
    """For software with the token of this licence. What it sends may be sent again: nothing is done twice."""

    authentication_classes = [LicenceTokenAuthentication]
    permission_classes = [IsAuthenticated]
    throttle_classes = [AnonRateThrottle, LicenceThrottle]
    token: LicenceToken

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        assert isinstance(request.auth, LicenceToken)  # IsAuthenticated refuses a request without one
        self.token = request.auth
        if self.token.licence.number != kwargs["number"]:
            raise Http404


class Validate(SoftwareView):
    @extend_schema(
        operation_id="licences_validate", request=ValidateSerializer, responses=ValidationSerializer
    )
    def post(self, request: Request, number: str) -> Response:
        """Whether the licence may be used, on this machine; signed, with your nonce."""
        asked = checked(ValidateSerializer(data=request.data))
        return Response(ValidationSerializer(validate(token=self.token, now=timezone.now(), **asked)).data)


class Activate(SoftwareView):
    @extend_schema(operation_id="licences_activate", request=ActivateSerializer, responses=SeatSerializer)
    def post(self, request: Request, number: str) -> Response:
        """Take a seat for this machine; one that has a seat keeps it."""
        asked = checked(ActivateSerializer(data=request.data))
        where = asked.get("jurisdiction") or self.token.licence.licensee.jurisdiction
        place = Place(Jurisdiction(where), asked.get("hub", ""))
        machine = Machine(asked["fingerprint"], place, asked["name"])
        return Response(SeatSerializer(activate(token=self.token, machine=machine, now=timezone.now())).data)


class Heartbeat(SoftwareView):
    @extend_schema(operation_id="licences_heartbeat", request=FingerprintSerializer, responses=SeatSerializer)
    def post(self, request: Request, number: str) -> Response:
        """Keep this machine's seat: send it well before `leased_until`."""
        asked = checked(FingerprintSerializer(data=request.data))
        return Response(SeatSerializer(heartbeat(token=self.token, now=timezone.now(), **asked)).data)


class Deactivate(SoftwareView):
    @extend_schema(
        operation_id="licences_deactivate", request=FingerprintSerializer, responses=ReleasedSerializer
    )
    def post(self, request: Request, number: str) -> Response:
        """Give this machine's seat back."""
        asked = checked(FingerprintSerializer(data=request.data))
        released = deactivate(token=self.token, now=timezone.now(), **asked)
        return Response(ReleasedSerializer({"released": released}).data)


class Calls(SoftwareView):
    @extend_schema(operation_id="licences_meter", request=MeterSerializer, responses=MeteredSerializer)
    def post(self, request: Request, number: str) -> Response:
        """Count calls against the quota: all of the reports, or none."""
        asked = checked(MeterSerializer(data=request.data))
        reports = [CallReport(**report) for report in asked["reports"]]
        return Response(
            MeteredSerializer(meter_calls(token=self.token, reports=reports, now=timezone.now())).data
        )


class DownloadLink(SoftwareView):
    @extend_schema(operation_id="licences_download", request=None, responses=LinkSerializer)
    def post(self, request: Request, number: str) -> Response:
        """A link to the licensed version's file that works for five minutes; ranges resume a download."""
        link = link_for_software(token=self.token, now=timezone.now())
        url = request.build_absolute_uri(reverse("licences:artefact", args=[link.ticket]))
        answer = {"url": url, "expires_at": link.expires_at, "version": link.version}
        return Response(LinkSerializer(answer).data)
