"""Where an organisation's programs are told, what they were told, and to tell it again."""

from datetime import datetime
from typing import ClassVar

import django_filters
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.views import OrganisationView, checked
from accounts.models import EventKind, WebhookDelivery, WebhookEndpoint, WebhookEvent
from accounts.operations import webhooks


class WebhookEndpointSerializer(serializers.ModelSerializer[WebhookEndpoint]):
    kinds = serializers.ListField(child=serializers.ChoiceField(EventKind.choices))

    class Meta:
        model = WebhookEndpoint
        fields = ("id", "url", "kinds", "created_at", "disabled_at", "older_signs_until")
        extra_kwargs: ClassVar = {
            "disabled_at": {"help_text": "It answered 410 and is told nothing since; PUT it to enable it."},
            "older_signs_until": {"help_text": "Until then the secret before signs too."},
        }


class WebhookSecretSerializer(serializers.Serializer[dict[str, object]]):
    endpoint = WebhookEndpointSerializer()
    secret = serializers.CharField(help_text="whsec_<base64>: shown this once.")


class NewWebhookEndpointSerializer(serializers.Serializer[None]):
    url = serializers.CharField(max_length=500, help_text="https only.")
    kinds = serializers.ListField(
        child=serializers.ChoiceField(EventKind.choices), default=list, help_text="None named: all."
    )


class WebhookDeliverySerializer(serializers.ModelSerializer[WebhookDelivery]):
    next_attempt_at = serializers.SerializerMethodField(help_text="Null: none is to be made.")

    class Meta:
        model = WebhookDelivery
        fields = (
            "endpoint",
            "status",
            "attempts",
            "answered",
            "last_error",
            "delivered_at",
            "next_attempt_at",
        )

    def get_next_attempt_at(self, delivery: WebhookDelivery) -> datetime | None:
        return delivery.due_at if delivery.status == WebhookDelivery.Status.WAITING else None


class EventSerializer(serializers.ModelSerializer[WebhookEvent]):
    id = serializers.CharField(source="uid", help_text="The `webhook-id` of its deliveries.")
    type = serializers.ChoiceField(EventKind.choices, source="kind")
    timestamp = serializers.DateTimeField(source="happened_at")
    data = serializers.DictField(help_text="Names the row that it happened to: fetch that.")

    class Meta:
        model = WebhookEvent
        fields = ("id", "type", "timestamp", "data")


class EventDetailSerializer(EventSerializer):
    deliveries = WebhookDeliverySerializer(many=True)

    class Meta(EventSerializer.Meta):
        fields = (*EventSerializer.Meta.fields, "deliveries")  # type: ignore[assignment]


class Endpoints(OrganisationView, generics.ListAPIView[WebhookEndpoint]):
    """Where your organisation's programs are told what happens."""

    queryset = WebhookEndpoint.objects.none()  # names the model to the schema
    serializer_class = WebhookEndpointSerializer

    def get_queryset(self) -> QuerySet[WebhookEndpoint]:
        return _endpoints(self)

    @extend_schema(
        operation_id="webhook_endpoints_create",
        request=NewWebhookEndpointSerializer,
        responses={201: WebhookSecretSerializer},
    )
    def post(self, request: Request) -> Response:
        """Be told at an address. One address is one endpoint, so this needs no Idempotency-Key."""
        asked = checked(NewWebhookEndpointSerializer(data=request.data))
        endpoint, secret = webhooks.add_endpoint(actor=self.actor, now=timezone.now(), **asked)
        return Response(WebhookSecretSerializer({"endpoint": endpoint, "secret": secret}).data, status=201)


class EndpointDetail(OrganisationView):
    @extend_schema(operation_id="webhook_endpoints_retrieve", responses=WebhookEndpointSerializer)
    def get(self, request: Request, pk: int) -> Response:
        """One endpoint."""
        return Response(WebhookEndpointSerializer(get_object_or_404(_endpoints(self), pk=pk)).data)

    @extend_schema(
        operation_id="webhook_endpoints_update",
        request=NewWebhookEndpointSerializer,
        responses=WebhookEndpointSerializer,
    )
    def put(self, request: Request, pk: int) -> Response:
        """Change an endpoint; one that was disabled is enabled, and gets what waited for it."""
        own = get_object_or_404(_endpoints(self), pk=pk)
        asked = checked(NewWebhookEndpointSerializer(data=request.data))
        edited = webhooks.edit_endpoint(actor=self.actor, endpoint_id=own.pk, now=timezone.now(), **asked)
        return Response(WebhookEndpointSerializer(edited).data)

    @extend_schema(operation_id="webhook_endpoints_destroy", responses={204: None})
    def delete(self, request: Request, pk: int) -> Response:
        """Tell an address nothing more; what waits for it is dropped."""
        own = get_object_or_404(_endpoints(self), pk=pk)
        webhooks.remove_endpoint(actor=self.actor, endpoint_id=own.pk, now=timezone.now())
        return Response(status=204)


class EndpointRotation(OrganisationView):
    @extend_schema(operation_id="webhook_endpoints_rotate", request=None, responses=WebhookSecretSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """Get a new secret; the one before signs beside it for a day."""
        own = get_object_or_404(_endpoints(self), pk=pk)
        endpoint, secret = webhooks.rotate_secret(actor=self.actor, endpoint_id=own.pk, now=timezone.now())
        return Response(WebhookSecretSerializer({"endpoint": endpoint, "secret": secret}).data)


class EndpointPing(OrganisationView):
    @extend_schema(
        operation_id="webhook_endpoints_ping", request=None, responses={201: EventDetailSerializer}
    )
    def post(self, request: Request, pk: int) -> Response:
        """Have an event sent that says nothing, to try the endpoint."""
        own = get_object_or_404(_endpoints(self), pk=pk)
        event = webhooks.ping(actor=self.actor, endpoint_id=own.pk, now=timezone.now())
        return Response(EventDetailSerializer(event).data, status=201)


class EventFilter(django_filters.FilterSet):
    type = django_filters.ChoiceFilter(field_name="kind", choices=EventKind.choices)

    class Meta:
        model = WebhookEvent
        fields: ClassVar = ["type"]


class EventList(OrganisationView, generics.ListAPIView[WebhookEvent]):
    """What your organisation's endpoints were told in the last thirty days, latest first."""

    queryset = WebhookEvent.objects.none()  # names the model to the schema
    serializer_class = EventSerializer
    filterset_class = EventFilter

    def get_queryset(self) -> QuerySet[WebhookEvent]:
        return _events(self)


class EventDetail(OrganisationView):
    @extend_schema(operation_id="events_retrieve", responses=EventDetailSerializer)
    def get(self, request: Request, uid: str) -> Response:
        """One event, and how its deliveries went."""
        return Response(EventDetailSerializer(get_object_or_404(_events(self), uid=uid)).data)


class EventReplay(OrganisationView):
    @extend_schema(operation_id="events_replay", request=None, responses=EventDetailSerializer)
    def post(self, request: Request, uid: str) -> Response:
        """Have an event delivered again, under the same id, to each endpoint that takes its kind."""
        own = get_object_or_404(_events(self), uid=uid)
        again = webhooks.replay(actor=self.actor, event_id=own.pk, now=timezone.now())
        return Response(EventDetailSerializer(again).data)


def _endpoints(view: OrganisationView) -> QuerySet[WebhookEndpoint]:
    return WebhookEndpoint.objects.filter(organisation=view.organisation)


def _events(view: OrganisationView) -> QuerySet[WebhookEvent]:
    return WebhookEvent.objects.filter(organisation=view.organisation)
