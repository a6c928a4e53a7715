"""Say who is affiliated with whom; what was declared counts until an operator lifts it."""

import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit import Actor, record
from accounts.errors import InvalidInput
from accounts.models import Organisation
from accounts.permissions import Permission, require, require_operator
from settlement.vouchers.errors import ProgrammeRefused
from settlement.vouchers.models import Affiliation

LONGEST = 500


@transaction.atomic
def declare_affiliation(
    *,
    actor: Actor,
    other: Organisation,
    statement: str,
    now: datetime.datetime,
    of: Organisation | None = None,
) -> Affiliation:
    """The actor's organisation, or for an operator `of`, is affiliated with `other`.

    Declaring it again, from either side, returns what stands. Raises NotAllowed, InvalidInput.
    """
    if of is not None:
        require_operator(actor)
        organisation, declared_for = of, None
    else:
        organisation = declared_for = require(actor, Permission.TRADE)
    if organisation == other:
        raise InvalidInput(_("Name another organisation: nobody is affiliated with itself."))
    if not statement.strip() or len(statement) > LONGEST:
        raise InvalidInput(_("Say how they are affiliated, in five hundred characters at most."))
    first, second = sorted((organisation.pk, other.pk))
    affiliation, declared = Affiliation.objects.standing().get_or_create(
        first_id=first,
        second_id=second,
        defaults={
            "statement": statement.strip(),
            "declared_for": declared_for,
            "declared_by": actor.user,
            "declared_at": now,
        },
    )
    if declared:
        for party in (organisation, other):
            record(actor=actor, verb="declare", subject=affiliation, organisation=party, now=now)
    return affiliation


@transaction.atomic
def decide_affiliation(
    *, actor: Actor, affiliation_id: int, stands: bool, reasons: str, now: datetime.datetime
) -> Affiliation:
    """Confirm what was declared, or lift it, in writing. Raises ProgrammeRefused once it was lifted."""
    operator = require_operator(actor)
    if not reasons.strip() or len(reasons) > LONGEST:
        raise InvalidInput(_("Write down the reasons, in five hundred characters at most."))
    status = Affiliation.Status.CONFIRMED if stands else Affiliation.Status.LIFTED
    standing = Affiliation.objects.standing().filter(pk=affiliation_id)
    if not standing.update(status=status, reasons=reasons.strip(), decided_by=operator, decided_at=now):
        raise ProgrammeRefused(_("This affiliation was lifted: declare it anew."))
    affiliation = Affiliation.objects.select_related("first", "second").get(pk=affiliation_id)
    for party in (affiliation.first, affiliation.second):
        record(
            actor=actor,
            verb="confirm" if stands else "lift",
            subject=affiliation,
            organisation=party,
            now=now,
        )
    return affiliation
