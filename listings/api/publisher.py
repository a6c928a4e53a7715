"""What a publisher changes over the API: its algorithms, their versions and licence plans."""

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.idempotency import KEY_PARAMETER, idempotent
from accounts.api.views import OrganisationView, checked
from listings.api.serializers import (
    AlgorithmTermsSerializer,
    NewVersionSerializer,
    OwnAlgorithmSerializer,
    OwnPlanSerializer,
    PlanTermsSerializer,
    VersionSerializer,
)
from listings.models import Algorithm, LicencePlan
from listings.operations import (
    add_algorithm,
    add_plan,
    add_version,
    edit_algorithm,
    edit_plan,
    list_algorithm,
    relist_plan,
    withdraw_algorithm,
    withdraw_plan,
)


class PublisherView(OrganisationView):
    def own_algorithms(self) -> QuerySet[Algorithm]:
        rows = Algorithm.objects.filter(publisher=self.organisation)
        return rows.select_related("publisher").prefetch_related("plans", "versions__accelerators")

    def own_algorithm(self, slug: str) -> Algorithm:
        return get_object_or_404(self.own_algorithms(), slug=slug)

    def own_plan(self, pk: int) -> LicencePlan:
        rows = LicencePlan.objects.select_related("algorithm__publisher")
        return get_object_or_404(rows, algorithm__publisher=self.organisation, pk=pk)

    def shown(self, algorithm: Algorithm, status: int = 200) -> Response:
        return Response(OwnAlgorithmSerializer(self.own_algorithm(algorithm.slug)).data, status=status)


class OwnAlgorithmList(PublisherView, generics.ListAPIView[Algorithm]):
    """The algorithms of your organisation, drafts included."""

    queryset = Algorithm.objects.none()  # names the model to the schema
    serializer_class = OwnAlgorithmSerializer

    def get_queryset(self) -> QuerySet[Algorithm]:
        return self.own_algorithms()

    @extend_schema(
        parameters=[KEY_PARAMETER], request=AlgorithmTermsSerializer, responses={201: OwnAlgorithmSerializer}
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Describe an algorithm: a draft, until it is listed."""
        fields = checked(AlgorithmTermsSerializer(data=request.data))
        added = add_algorithm(actor=self.actor, now=timezone.now(), **fields)  # type: ignore[typeddict-item]
        return self.shown(added, status=201)


class OwnAlgorithmDetail(PublisherView):
    @extend_schema(operation_id="own_algorithms_retrieve", responses=OwnAlgorithmSerializer)
    def get(self, request: Request, slug: str) -> Response:
        """An algorithm of yours with its versions and plans."""
        return self.shown(self.own_algorithm(slug))

    @extend_schema(
        operation_id="own_algorithms_update",
        request=AlgorithmTermsSerializer,
        responses=OwnAlgorithmSerializer,
    )
    def put(self, request: Request, slug: str) -> Response:
        """Correct an algorithm's description; its slug stays."""
        fields = checked(AlgorithmTermsSerializer(data=request.data))
        edited = edit_algorithm(
            actor=self.actor,
            algorithm=self.own_algorithm(slug),
            now=timezone.now(),
            **fields,  # type: ignore[typeddict-item]
        )
        return self.shown(edited)


class OwnAlgorithmPublication(PublisherView):
    @extend_schema(
        operation_id="own_algorithms_list_for_sale", request=None, responses=OwnAlgorithmSerializer
    )
    def post(self, request: Request, slug: str) -> Response:
        """Put an algorithm on sale: it needs a version and a plan."""
        algorithm = self.own_algorithm(slug)
        return self.shown(list_algorithm(actor=self.actor, algorithm=algorithm, now=timezone.now()))


class OwnAlgorithmWithdrawal(PublisherView):
    @extend_schema(operation_id="own_algorithms_withdraw", request=None, responses=OwnAlgorithmSerializer)
    def post(self, request: Request, slug: str) -> Response:
        """Take an algorithm off sale; licences that were sold keep their terms."""
        algorithm = self.own_algorithm(slug)
        return self.shown(withdraw_algorithm(actor=self.actor, algorithm=algorithm, now=timezone.now()))


class OwnVersions(PublisherView):
    @extend_schema(
        operation_id="own_versions_create",
        parameters=[KEY_PARAMETER],
        request=NewVersionSerializer,
        responses={201: VersionSerializer},
    )
    @idempotent
    def post(self, request: Request, slug: str) -> Response:
        """Release a version by reference; files are uploaded on the pages."""
        terms = checked(NewVersionSerializer(data=request.data))
        version = add_version(
            actor=self.actor, algorithm=self.own_algorithm(slug), now=timezone.now(), **terms
        )
        return Response(VersionSerializer(version).data, status=201)


class OwnPlans(PublisherView):
    @extend_schema(
        operation_id="own_plans_create",
        parameters=[KEY_PARAMETER],
        request=PlanTermsSerializer,
        responses={201: OwnPlanSerializer},
    )
    @idempotent
    def post(self, request: Request, slug: str) -> Response:
        """Offer a licence plan."""
        terms = checked(PlanTermsSerializer(data=request.data))
        plan = add_plan(
            actor=self.actor,
            algorithm=self.own_algorithm(slug),
            now=timezone.now(),
            **terms,  # type: ignore[typeddict-item]
        )
        return Response(OwnPlanSerializer(plan).data, status=201)


class OwnPlanDetail(PublisherView):
    @extend_schema(operation_id="own_plans_update", request=PlanTermsSerializer, responses=OwnPlanSerializer)
    def put(self, request: Request, pk: int) -> Response:
        """Change the terms of a plan of which no seat has been sold."""
        terms = checked(PlanTermsSerializer(data=request.data))
        plan = edit_plan(
            actor=self.actor,
            plan=self.own_plan(pk),
            now=timezone.now(),
            **terms,  # type: ignore[typeddict-item]
        )
        return Response(OwnPlanSerializer(plan).data)


class OwnPlanWithdrawal(PublisherView):
    @extend_schema(operation_id="own_plans_withdraw", request=None, responses=OwnPlanSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """Sell no more seats of a plan."""
        plan = withdraw_plan(actor=self.actor, plan=self.own_plan(pk), now=timezone.now())
        return Response(OwnPlanSerializer(plan).data)


class OwnPlanRelisting(PublisherView):
    @extend_schema(operation_id="own_plans_relist", request=None, responses=OwnPlanSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """Sell a withdrawn plan again."""
        plan = relist_plan(actor=self.actor, plan=self.own_plan(pk), now=timezone.now())
        return Response(OwnPlanSerializer(plan).data)
