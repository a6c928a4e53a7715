from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.views import OrganisationView
from accounts.permissions import Permission
from settlement.payments.operations import top_up_reference


class TopUpSerializer(serializers.Serializer[Any]):
    reference = serializers.CharField(help_text="Write it in the transfer's remark: it finds your account.")
    holder = serializers.CharField()
    bank = serializers.CharField()
    account = serializers.CharField()


class TopUp(OrganisationView):
    permission = Permission.SEE_MONEY

    @extend_schema(operation_id="top_up_retrieve", responses=TopUpSerializer)
    def get(self, request: Request) -> Response:
        """Where to send a bank transfer, and the reference that books it to your organisation."""
        instructions = {"reference": top_up_reference(self.organisation), **settings.TOP_UP_BANK}
        return Response(TopUpSerializer(instructions).data)
