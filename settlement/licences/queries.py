import datetime
import json
from typing import Any

from django.conf import settings
from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import TruncDate

from accounts.models import Organisation
from listings.models import AlgorithmVersion
from settlement.contracts.models import Contract
from settlement.licences.models import Licence

PARTIES = ("contract__buyer", "contract__provider", "contract__plan__algorithm")


def with_parties() -> QuerySet[Licence]:
    licences: QuerySet[Licence] = Licence.objects.select_related(*PARTIES).defer("contract__document")
    return licences


def all_licences() -> QuerySet[Licence]:
    """Every licence, newest first, with its parties and the `seats_taken`."""
    taken = Count("activations", filter=Q(activations__released_at__isnull=True))
    return with_parties().annotate(seats_taken=taken).order_by("-pk")


def licences_of(organisation: Organisation) -> QuerySet[Licence]:
    """What an organisation may see: the licences that it holds, and those that others hold of it."""
    return all_licences().filter(Q(contract__buyer=organisation) | Q(contract__provider=organisation))


def to_be_issued(now: datetime.datetime) -> QuerySet[Contract]:
    """The licence contracts in force, in dispute or not, that have no licence yet."""
    waiting = Contract.objects.filter(kind=Contract.Kind.LICENCE, starts_at__lte=now, licence__isnull=True)
    return waiting.exclude(pk__in=Contract.objects.undone().values("pk"))


def version_of(contract: Contract) -> AlgorithmVersion | None:
    """The release that the contract licenses; None where the algorithm had none."""
    named = json.loads(contract.document)["product"]["version"]
    if named is None:
        return None
    assert contract.plan is not None
    return AlgorithmVersion.objects.select_related("algorithm").get(
        algorithm=contract.plan.algorithm_id, number=named["number"]
    )


def lease_from(now: datetime.datetime) -> datetime.datetime:
    return now + datetime.timedelta(minutes=settings.LICENCE_LEASE_MINUTES)


def calls_by_day(
    licence: Licence, *, since: datetime.datetime, zone: datetime.tzinfo
) -> list[dict[str, Any]]:
    """For each day in `zone` on which calls were metered: `day` and `total`, latest first."""
    metered = licence.metered.filter(metered_at__gte=since).annotate(day=TruncDate("metered_at", tzinfo=zone))
    days = metered.values("day").annotate(total=Sum("calls")).order_by("-day")
    return [dict(day) for day in days]
