"""What the API's views share: who acts, for which organisation, with which permission."""

from typing import Any, ClassVar

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from accounts.api.bodies import strays
from accounts.audit import Actor
from accounts.authentication import actor_of
from accounts.errors import NotAllowed
from accounts.models import Organisation
from accounts.permissions import Permission, require


def checked(serializer: BaseSerializer[Any]) -> dict[str, Any]:
    """What the request's body asks for, or a refusal that names each field."""
    if found := strays(serializer, serializer.initial_data):
        raise serializers.ValidationError(found)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


def checked_query(serializer: type[BaseSerializer[Any]], request: Request) -> dict[str, Any]:
    """What the address asks for after its `?`; an empty parameter is checked like any other."""
    found = serializer(data=request.query_params.dict())
    found.is_valid(raise_exception=True)
    return dict(found.validated_data)


class PublicView(APIView):
    """Anyone may read: the catalogue and the market's published figures."""

    permission_classes: ClassVar = [AllowAny]


class OrganisationView(APIView):
    """Acts for one organisation: the API key's, or the one a person has chosen.

    `permission` is what reading needs; a change is refused by its operation.
    """

    permission_classes: ClassVar = [IsAuthenticated]
    permission: ClassVar[Permission] = Permission.VIEW
    actor: Actor
    organisation: Organisation

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self.actor = actor_of(request)
        if self.actor.organisation is None:
            raise NotAllowed(_("Join an organisation, or register one, before you use the API."))
        self.organisation = self.actor.organisation
        if request.method in ("GET", "HEAD", "OPTIONS"):
            require(self.actor, self.permission)


class OrganisationSerializer(serializers.ModelSerializer[Organisation]):
    class Meta:
        model = Organisation
        fields = (
            "id",
            "name_zh",
            "name_en",
            "jurisdiction",
            "registration_number",
            "activity",
            "tier",
            "timezone",
            "verification",
        )


class OwnOrganisation(OrganisationView):
    @extend_schema(
        operation_id="organisation_retrieve", tags=["organisation"], responses=OrganisationSerializer
    )
    def get(self, request: Request) -> Response:
        """The organisation that the key acts for."""
        return Response(OrganisationSerializer(self.organisation).data)
