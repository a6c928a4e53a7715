"""Translate requests to listings' operations and queries; each change calls one operation."""

from typing import ClassVar

import django_filters
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.filters import TrueOrFalseFilter, WholeNumberFilter
from accounts.api.idempotency import KEY_PARAMETER, idempotent
from accounts.api.pagination import OldestFirst
from accounts.api.views import OrganisationView, PublicView, checked
from listings.api.serializers import (
    AcceleratorSerializer,
    AlgorithmDetailSerializer,
    AlgorithmSerializer,
    CapacitySerializer,
    CapacityTermsSerializer,
    FacilitySerializer,
    NewCapacitySerializer,
    NewPoolSerializer,
    PoolSerializer,
    PoolUnitsSerializer,
)
from listings.models import Accelerator, Algorithm, Capacity, Facility, Hub, Pool
from listings.operations import (
    add_facility,
    add_pool,
    edit_capacity,
    edit_facility,
    list_capacity,
    pause_capacity,
    resize_pool,
    resume_capacity,
    withdraw_capacity,
)
from listings.queries import Requirements, eligible_pools, listed_algorithms, plans_on_sale


class AcceleratorList(PublicView, generics.ListAPIView[Accelerator]):
    """The catalogue of accelerators."""

    queryset = Accelerator.objects.all()
    serializer_class = AcceleratorSerializer
    pagination_class = OldestFirst


class FacilityList(PublicView, generics.ListAPIView[Facility]):
    """Every facility on the exchange."""

    queryset = Facility.objects.filter(provider__verification="verified")
    serializer_class = FacilitySerializer
    pagination_class = OldestFirst
    filterset_fields: ClassVar = ["hub", "kind", "jurisdiction", "city"]


class PoolFilter(django_filters.FilterSet):
    accelerator = django_filters.CharFilter("accelerator__slug", label="The slug of an accelerator")
    hub = django_filters.ChoiceFilter(field_name="facility__hub", choices=Hub)
    facility = WholeNumberFilter("facility__id")
    domestic = TrueOrFalseFilter("accelerator__domestic")
    least_memory_gb = WholeNumberFilter("accelerator__memory_gb", "gte")

    class Meta:
        model = Pool
        fields: ClassVar = ["accelerator", "hub", "facility", "domestic", "least_memory_gb"]


class PoolList(PublicView, generics.ListAPIView[Pool]):
    """Every pool of a verified provider."""

    queryset = Pool.objects.none()  # names the model to the schema
    serializer_class = PoolSerializer
    pagination_class = OldestFirst
    filterset_class = PoolFilter

    def get_queryset(self) -> QuerySet[Pool]:
        return eligible_pools(Requirements())


class PoolDetail(PublicView, generics.RetrieveAPIView[Pool]):
    queryset = Pool.objects.none()  # names the model to the schema
    serializer_class = PoolSerializer

    def get_queryset(self) -> QuerySet[Pool]:
        return eligible_pools(Requirements())


class AlgorithmFilter(django_filters.FilterSet):
    commercial = TrueOrFalseFilter("plans__commercial", distinct=True)

    class Meta:
        model = Algorithm
        fields: ClassVar = ["task", "modality", "commercial"]


class AlgorithmList(PublicView, generics.ListAPIView[Algorithm]):
    """The algorithms on sale."""

    serializer_class = AlgorithmSerializer
    filterset_class = AlgorithmFilter

    def get_queryset(self) -> QuerySet[Algorithm]:
        return listed_algorithms()


class AlgorithmDetail(PublicView):
    @extend_schema(operation_id="algorithms_retrieve", responses=AlgorithmDetailSerializer)
    def get(self, request: Request, slug: str) -> Response:
        """One algorithm with its versions and the plans on sale."""
        algorithm = get_object_or_404(listed_algorithms(), slug=slug)
        algorithm.on_sale = plans_on_sale(algorithm)  # type: ignore[attr-defined]
        return Response(AlgorithmDetailSerializer(algorithm).data)


class OwnFacilityList(OrganisationView, generics.ListAPIView[Facility]):
    """The facilities of your organisation."""

    queryset = Facility.objects.none()  # names the model to the schema
    serializer_class = FacilitySerializer
    pagination_class = OldestFirst

    def get_queryset(self) -> QuerySet[Facility]:
        return Facility.objects.filter(provider=self.organisation)

    @extend_schema(
        parameters=[KEY_PARAMETER], request=FacilitySerializer, responses={201: FacilitySerializer}
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Add a facility."""
        fields = checked(FacilitySerializer(data=request.data))
        fields.setdefault("hub", "")
        facility = add_facility(actor=self.actor, now=timezone.now(), **fields)  # type: ignore[typeddict-item]
        return Response(FacilitySerializer(facility).data, status=201)


class OwnFacilityDetail(OrganisationView):
    @extend_schema(
        operation_id="own_facilities_update", request=FacilitySerializer, responses=FacilitySerializer
    )
    def put(self, request: Request, pk: int) -> Response:
        """Correct a facility; once an hour of it has been sold, where it is and of what kind stays."""
        fields = checked(FacilitySerializer(data=request.data))
        fields.setdefault("hub", "")
        facility = edit_facility(
            actor=self.actor,
            facility=get_object_or_404(Facility, provider=self.organisation, pk=pk),
            now=timezone.now(),
            **fields,  # type: ignore[typeddict-item]
        )
        return Response(FacilitySerializer(facility).data)


class OwnPoolList(OrganisationView, generics.ListAPIView[Pool]):
    """The pools of your organisation."""

    queryset = Pool.objects.none()  # names the model to the schema
    serializer_class = PoolSerializer
    pagination_class = OldestFirst

    def get_queryset(self) -> QuerySet[Pool]:
        return Pool.objects.filter(facility__provider=self.organisation).select_related(
            "facility", "accelerator"
        )

    @extend_schema(parameters=[KEY_PARAMETER], request=NewPoolSerializer, responses={201: PoolSerializer})
    @idempotent
    def post(self, request: Request) -> Response:
        """Add a pool to a facility of yours."""
        asked = checked(NewPoolSerializer(data=request.data))
        pool = add_pool(
            actor=self.actor,
            facility=get_object_or_404(Facility, provider=self.organisation, pk=asked["facility"]),
            accelerator=get_object_or_404(Accelerator, slug=asked["accelerator"]),
            units=asked["units"],
            now=timezone.now(),
        )
        return Response(PoolSerializer(pool).data, status=201)


class OwnPoolDetail(OrganisationView):
    @extend_schema(operation_id="own_pools_update", request=PoolUnitsSerializer, responses=PoolSerializer)
    def put(self, request: Request, pk: int) -> Response:
        """Change how many units a pool has, never below what it has listed or sold."""
        units = checked(PoolUnitsSerializer(data=request.data))["units"]
        own = Pool.objects.select_related("facility__provider", "accelerator")
        pool = get_object_or_404(own, facility__provider=self.organisation, pk=pk)
        resized = resize_pool(actor=self.actor, pool=pool, units=units, now=timezone.now())
        return Response(PoolSerializer(resized).data)


class CapacityList(OrganisationView, generics.ListAPIView[Capacity]):
    """The capacity that your organisation has listed."""

    queryset = Capacity.objects.none()  # names the model to the schema
    serializer_class = CapacitySerializer
    filterset_fields: ClassVar = ["pool", "status"]

    def get_queryset(self) -> QuerySet[Capacity]:
        return Capacity.objects.filter(pool__facility__provider=self.organisation)

    @extend_schema(
        parameters=[KEY_PARAMETER], request=NewCapacitySerializer, responses={201: CapacitySerializer}
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """List units of a pool over a period at a reserve price."""
        terms = checked(NewCapacitySerializer(data=request.data))
        own = Pool.objects.select_related("facility__provider")
        pool = get_object_or_404(own, facility__provider=self.organisation, pk=terms.pop("pool"))
        capacity = list_capacity(actor=self.actor, pool=pool, now=timezone.now(), **terms)
        return Response(CapacitySerializer(capacity).data, status=201)


class CapacityView(OrganisationView):
    def own(self, pk: int) -> Capacity:
        rows = Capacity.objects.select_related("pool__facility__provider")
        return get_object_or_404(rows, pool__facility__provider=self.organisation, pk=pk)


class CapacityDetail(CapacityView):
    @extend_schema(operation_id="capacities_retrieve", responses=CapacitySerializer)
    def get(self, request: Request, pk: int) -> Response:
        return Response(CapacitySerializer(self.own(pk)).data)

    @extend_schema(
        operation_id="capacities_update", request=CapacityTermsSerializer, responses=CapacitySerializer
    )
    def put(self, request: Request, pk: int) -> Response:
        """Change the terms of a capacity of which nothing has been sold."""
        terms = checked(CapacityTermsSerializer(data=request.data))
        capacity = edit_capacity(actor=self.actor, capacity=self.own(pk), now=timezone.now(), **terms)
        return Response(CapacitySerializer(capacity).data)


class CapacityPause(CapacityView):
    @extend_schema(operation_id="capacities_pause", request=None, responses=CapacitySerializer)
    def post(self, request: Request, pk: int) -> Response:
        """Take what is unsold off the market for a while."""
        capacity = pause_capacity(actor=self.actor, capacity=self.own(pk), now=timezone.now())
        return Response(CapacitySerializer(capacity).data)


class CapacityResume(CapacityView):
    @extend_schema(operation_id="capacities_resume", request=None, responses=CapacitySerializer)
    def post(self, request: Request, pk: int) -> Response:
        """Offer paused capacity again."""
        capacity = resume_capacity(actor=self.actor, capacity=self.own(pk), now=timezone.now())
        return Response(CapacitySerializer(capacity).data)


class CapacityWithdraw(CapacityView):
    @extend_schema(operation_id="capacities_withdraw", request=None, responses=CapacitySerializer)
    def post(self, request: Request, pk: int) -> Response:
        """Take what is unsold off the market for good."""
        capacity = withdraw_capacity(actor=self.actor, capacity=self.own(pk), now=timezone.now())
        return Response(CapacitySerializer(capacity).data)
