"""How a contract ends before its time, for programs: proposed, answered, read. Money is whole fen."""

from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.idempotency import KEY_PARAMETER, idempotent
from accounts.api.views import OrganisationView, checked
from settlement.contracts.models import Contract, Ground, Termination, TerminationProposal
from settlement.contracts.queries import contracts_of
from settlement.delivery.operations import answer_proposal, propose_termination

AGREED = [Ground.AGREEMENT, Ground.FORCE_MAJEURE]


class ProposalSerializer(serializers.ModelSerializer[TerminationProposal]):
    proposed_by = serializers.CharField(source="proposed_by.name_en")

    class Meta:
        model = TerminationProposal
        fields = (
            "id",
            "status",
            "proposed_by",
            "ground",
            "from_slot",
            "reason",
            "proposed_at",
            "answered_at",
        )


class TerminationSerializer(serializers.ModelSerializer[Termination]):
    breaching = serializers.CharField(source="breaching.name_en", default=None, allow_null=True)
    undelivered_fen = serializers.IntegerField(source="undelivered")
    returned_fen = serializers.IntegerField(source="returned", help_text="Back to the buyer.")
    break_fee_fen = serializers.IntegerField(source="break_fee", help_text="To the provider.")

    class Meta:
        model = Termination
        fields = (
            "ground",
            "breaching",
            "from_slot",
            "reason",
            "undelivered_fen",
            "returned_fen",
            "break_fee_fen",
            "terminated_at",
        )


class EndSerializer(serializers.Serializer[Any]):
    termination = TerminationSerializer(allow_null=True)
    proposals = ProposalSerializer(many=True)


class NewProposalSerializer(serializers.Serializer[None]):
    ground = serializers.ChoiceField([(each.value, each.label) for each in AGREED])
    from_slot = serializers.DateTimeField(
        default=None, allow_null=True, help_text="The first hour that is not delivered; of a licence, none."
    )
    reason = serializers.CharField(max_length=10_000)


class AnswerSerializer(serializers.Serializer[None]):
    accept = serializers.BooleanField(help_text="False declines it, or withdraws one's own.")


class Terminations(OrganisationView):
    @extend_schema(operation_id="terminations_retrieve", responses=EndSerializer)
    def get(self, request: Request, number: str) -> Response:
        """How a contract ends before its time, and what was proposed, latest first."""
        contract: Contract = get_object_or_404(contracts_of(self.organisation), number=number)
        end = Termination.objects.filter(contract=contract).select_related("breaching").first()
        proposals = contract.termination_proposals.select_related("proposed_by")
        return Response(EndSerializer({"termination": end, "proposals": proposals}).data)

    @extend_schema(
        operation_id="terminations_propose",
        parameters=[KEY_PARAMETER],
        request=NewProposalSerializer,
        responses={201: ProposalSerializer},
    )
    @idempotent
    def post(self, request: Request, number: str) -> Response:
        """Propose to end a contract from an hour on that has not begun; a licence, in its acceptance."""
        asked = checked(NewProposalSerializer(data=request.data))
        contract = get_object_or_404(contracts_of(self.organisation), number=number)
        proposal = propose_termination(
            actor=self.actor,
            contract_id=contract.pk,
            ground=Ground(asked["ground"]),
            from_slot=asked["from_slot"],
            reason=asked["reason"],
            now=timezone.now(),
        )
        return Response(ProposalSerializer(proposal).data, status=201)


class ProposalAnswer(OrganisationView):
    @extend_schema(operation_id="terminations_answer", request=AnswerSerializer, responses=ProposalSerializer)
    def post(self, request: Request, number: str, pk: int) -> Response:
        """Accept or decline the other party's proposal, or withdraw your own."""
        asked = checked(AnswerSerializer(data=request.data))
        contract = get_object_or_404(contracts_of(self.organisation), number=number)
        proposal = get_object_or_404(contract.termination_proposals, pk=pk)
        answered = answer_proposal(
            actor=self.actor, proposal_id=proposal.pk, accept=asked["accept"], now=timezone.now()
        )
        return Response(ProposalSerializer(answered).data)
