"""Machines take seats, keep them by heartbeats, and give them back. The database lets none be taken twice."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.audit import Actor, record
from accounts.errors import InvalidInput
from accounts.models import User
from listings.circulation import Place, in_territory, may_circulate
from settlement.licences.errors import DataMayNotLeave, NoSeatFree, NotActivated, OutsideTerritory
from settlement.licences.models import Activation, Licence, LicenceEvent, LicenceToken
from settlement.licences.operations.guard import held_by, require_usable
from settlement.licences.queries import lease_from, with_parties

LONGEST_FINGERPRINT = 128
BATCH = 500

# A free seat at random: machines that start together seldom reach for the same one. Where they do, the unique
# constraint lets one have it, and the others see so once it has committed.
TAKE_A_FREE_SEAT = """
INSERT INTO licences_activation
    (licence_id, seat, fingerprint, name, jurisdiction, hub, activated_at, last_seen_at, leased_until)
SELECT %(licence)s, seat, %(fingerprint)s, %(name)s, %(jurisdiction)s, %(hub)s, %(now)s, %(now)s, %(lease)s
FROM generate_series(1, %(seats)s) AS seat
WHERE NOT EXISTS (
    SELECT FROM licences_activation AS taken
    WHERE taken.licence_id = %(licence)s AND taken.seat = seat.seat AND taken.released_at IS NULL
)
ORDER BY random() LIMIT 1
ON CONFLICT DO NOTHING
RETURNING id
"""


@dataclass(frozen=True)
class Machine:
    """`fingerprint` is any text that software derives from the machine; `place` is where it says it is."""

    fingerprint: str
    place: Place
    name: str = ""


@transaction.atomic
def activate(*, token: LicenceToken, machine: Machine, now: datetime.datetime) -> Activation:
    """Take a seat for the machine; one that has a seat keeps it, and its lease begins anew.

    Raises NoSeatFree, OutsideTerritory, DataMayNotLeave, InvalidInput, or what the standing refuses.
    """
    if not 1 <= len(machine.fingerprint) <= LONGEST_FINGERPRINT:
        raise InvalidInput(_("A fingerprint has 1 to %(most)s characters.") % {"most": LONGEST_FINGERPRINT})
    licence = _shared(token.licence_id)
    require_usable(licence, now=now)
    _require_allowed_there(licence, machine.place)
    silent = licence.activations.lapsed(now).exclude(fingerprint=machine.fingerprint)
    _release(_locked(silent), LicenceEvent.Kind.LAPSED, now)
    while True:
        if kept := _keep_seat(licence, machine, now):
            return kept
        if taken := _take_free_seat(licence, machine, now):
            licence.events.create(
                kind=LicenceEvent.Kind.ACTIVATED,
                at=now,
                token=token,
                note=machine.name or machine.fingerprint,
            )
            return taken
        if licence.activations.active().count() >= licence.seats:
            raise NoSeatFree(_none_free(licence))


@transaction.atomic
def heartbeat(*, token: LicenceToken, fingerprint: str, now: datetime.datetime) -> Activation:
    """Prolong the machine's lease. Raises NotActivated, or what the licence's standing refuses."""
    require_usable(token.licence, now=now)
    own = token.licence.activations.active().filter(fingerprint=fingerprint)
    if not own.update(last_seen_at=now, leased_until=_lease(token.licence, now)):
        raise NotActivated(_("This machine has no seat. Activate it."))
    activation: Activation = own.get()
    return activation


@transaction.atomic
def deactivate(*, token: LicenceToken, fingerprint: str, now: datetime.datetime) -> bool:
    """Give back the machine's seat; False where it had none."""
    own = token.licence.activations.active().filter(fingerprint=fingerprint)
    return bool(_release(_locked(own), LicenceEvent.Kind.DEACTIVATED, now, token=token))


@transaction.atomic
def reclaim_seat(*, actor: Actor, licence_id: int, activation_id: int, now: datetime.datetime) -> bool:
    """Take a seat back by hand, a node-locked one too; False where it was free. Raises NotAllowed."""
    licence = held_by(actor, licence_id)
    seat = licence.activations.active().filter(pk=activation_id)
    held = list(_locked(seat))
    _release(held, LicenceEvent.Kind.RECLAIMED, now, by=actor.user)
    for each in held:
        record(actor=actor, verb="release", subject=licence, detail={"seat": each.seat}, now=now)
    return bool(held)


def release_lapsed_seats(*, now: datetime.datetime) -> int:
    """Take back the seats of machines that fell silent, of all licences: how many."""
    released = 0
    while count := _release_batch(now):
        released += count
    return released


@transaction.atomic
def _release_batch(now: datetime.datetime) -> int:
    lapsed = Activation.objects.lapsed(now).order_by("pk").select_for_update(skip_locked=True)
    return _release(lapsed[:BATCH], LicenceEvent.Kind.LAPSED, now)


@transaction.atomic
def release_all_seats(*, licence_id: int, now: datetime.datetime) -> int:
    """What revoking does to the seats: how many were taken."""
    taken = Activation.objects.active().filter(licence=licence_id)
    return _release(_locked(taken), LicenceEvent.Kind.CLEARED, now)


def _shared(licence_id: int) -> Licence:
    """The licence as it now stands; others may share it, but none suspends or revokes it meanwhile."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM licences_licence WHERE id = %s FOR SHARE", [licence_id])
    licence: Licence = with_parties().get(pk=licence_id)
    return licence


def _require_allowed_there(licence: Licence, place: Place) -> None:
    if not in_territory(licence.territory, place):
        raise OutsideTerritory(
            _("This licence is for %(territory)s only; the machine is elsewhere.")
            % {"territory": licence.get_territory_display()}
        )
    plan = licence.contract.plan
    assert plan is not None
    algorithm = plan.algorithm
    words = {"data_class": algorithm.get_data_class_display()}
    if not may_circulate(algorithm.data_class, place.jurisdiction):
        raise DataMayNotLeave(
            _("Its data is classed as: %(data_class)s. It may not go to where the machine is.") % words
        )
    if not may_circulate(algorithm.data_class, licence.licensee.jurisdiction):
        raise DataMayNotLeave(
            _("Its data is classed as: %(data_class)s. It may not go to your organisation's jurisdiction.")
            % words
        )


def _keep_seat(licence: Licence, machine: Machine, now: datetime.datetime) -> Activation | None:
    own = licence.activations.active().filter(fingerprint=machine.fingerprint)
    kept = own.update(
        last_seen_at=now,
        leased_until=_lease(licence, now),
        name=machine.name,
        jurisdiction=machine.place.jurisdiction,
        hub=machine.place.hub,
    )
    return own.first() if kept else None


def _take_free_seat(licence: Licence, machine: Machine, now: datetime.datetime) -> Activation | None:
    with connection.cursor() as cursor:
        cursor.execute(
            TAKE_A_FREE_SEAT,
            {
                "licence": licence.pk,
                "seats": licence.seats,
                "fingerprint": machine.fingerprint,
                "name": machine.name,
                "jurisdiction": machine.place.jurisdiction,
                "hub": machine.place.hub,
                "now": now,
                "lease": _lease(licence, now),
            },
        )
        row = cursor.fetchone()
    return Activation.objects.get(pk=row[0]) if row else None


def _release(
    held: Iterable[Activation],
    kind: LicenceEvent.Kind,
    now: datetime.datetime,
    *,
    token: LicenceToken | None = None,
    by: User | None = None,
) -> int:
    """Free the seats of these rows, which must come locked and in primary-key order: how many."""
    seats = list(held)
    Activation.objects.filter(pk__in=[each.pk for each in seats]).update(released_at=now)
    LicenceEvent.objects.bulk_create(
        LicenceEvent(
            licence_id=each.licence_id,
            kind=kind,
            at=now,
            token=token,
            by=by,
            note=each.name or each.fingerprint,
        )
        for each in seats
    )
    return len(seats)


def _locked(seats: QuerySet[Activation]) -> QuerySet[Activation]:
    return seats.order_by("pk").select_for_update()


def _lease(licence: Licence, now: datetime.datetime) -> datetime.datetime | None:
    return lease_from(now) if licence.floats else None


def _none_free(licence: Licence) -> str:
    sentence = ngettext(
        "The licence's only seat is taken. Deactivate the other machine, or buy another seat.",
        "All %(seats)s seats are taken. Deactivate a machine, or buy more seats.",
        licence.seats,
    )
    return sentence % {"seats": licence.seats}
