"""Count calls against a licence's quota, each request id once."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from accounts.errors import InvalidInput
from listings.errors import constraint_of
from settlement.licences.errors import QuotaExceeded, RequestIdUsed
from settlement.licences.models import Licence, LicenceToken, MeteredCalls
from settlement.licences.operations.guard import locked, require_usable

MOST_REPORTS = 1000

METER = """
INSERT INTO licences_meteredcalls (licence_id, token_id, metered_at, request_id, calls)
SELECT %s, %s, %s, request_id, calls
FROM unnest(%s::text[], %s::bigint[]) AS report (request_id, calls)
ON CONFLICT DO NOTHING
RETURNING calls
"""


@dataclass(frozen=True)
class CallReport:
    request_id: str
    calls: int = 1


@dataclass(frozen=True)
class Metered:
    """`counted` calls are new; a report that came before counts no more."""

    counted: int
    used: int
    quota: int

    @property
    def left(self) -> int:
        return self.quota - self.used


@transaction.atomic
def meter_calls(*, token: LicenceToken, reports: Sequence[CallReport], now: datetime.datetime) -> Metered:
    """Count all reports or none; the same may be sent again, whole or in part.

    Raises QuotaExceeded, RequestIdUsed where a request id came with another number of calls, InvalidInput, or
    what the licence's standing refuses.
    """
    if not 1 <= len(reports) <= MOST_REPORTS:
        raise InvalidInput(_("Report 1 to %(most)s request ids at a time.") % {"most": MOST_REPORTS})
    wanted: dict[str, int] = {}
    for report in reports:
        if wanted.setdefault(report.request_id, report.calls) != report.calls:
            raise _used(report.request_id)
    licence = locked(token.licence_id)
    require_usable(licence, now=now)
    if licence.calls is None:
        raise InvalidInput(_("This licence counts no calls."))
    _refuse_other_calls(licence, wanted)
    with connection.cursor() as cursor:
        cursor.execute(METER, [licence.pk, token.pk, now, list(wanted), list(wanted.values())])
        counted = sum(calls for (calls,) in cursor.fetchall())
    _use(licence, counted)
    return Metered(counted=counted, used=licence.calls_used + counted, quota=licence.calls)


def _refuse_other_calls(licence: Licence, wanted: dict[str, int]) -> None:
    before = MeteredCalls.objects.filter(licence=licence, request_id__in=list(wanted))
    for request_id, calls in before.values_list("request_id", "calls"):
        if wanted[request_id] != calls:
            raise _used(request_id)


def _use(licence: Licence, counted: int) -> None:
    """The database's constraint refuses what is over the quota."""
    try:
        with transaction.atomic():
            Licence.objects.filter(pk=licence.pk).update(calls_used=F("calls_used") + counted)
    except IntegrityError as error:
        if constraint_of(error) != "licence_never_over_quota":
            raise
        raise QuotaExceeded(
            _("%(counted)s calls were reported; %(left)s of the quota are left. Buy another licence.")
            % {"counted": counted, "left": licence.calls_left}
        ) from error


def _used(request_id: str) -> RequestIdUsed:
    return RequestIdUsed(
        _("%(request_id)s came with another number of calls. Use a new id for a new request.")
        % {"request_id": request_id}
    )
