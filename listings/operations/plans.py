"""The terms under which an algorithm is licensed."""

import datetime
from typing import NotRequired, TypedDict, Unpack

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit import Actor, record
from accounts.errors import InvalidInput
from listings.errors import AlreadySold, WrongStatus
from listings.models import Algorithm, LicencePlan
from listings.operations.algorithms import claim
from listings.operations.guard import clean, insert


class PlanFields(TypedDict):
    name: str
    kind: str
    term_days: int | None
    calls: int | None
    territory: str
    commercial: bool
    derivatives: bool
    binding: NotRequired[str]
    price: int
    supply: int | None


@transaction.atomic
def add_plan(
    *, actor: Actor, algorithm: Algorithm, now: datetime.datetime, **fields: Unpack[PlanFields]
) -> LicencePlan:
    """Offer a licence plan; `price` is in fen per seat, a `supply` of None is unlimited."""
    algorithm = claim(actor, algorithm)
    plan = LicencePlan(algorithm=algorithm, created_at=now, **fields)
    _require_measure(plan)
    insert(plan)
    record(actor=actor, verb="add", subject=plan, detail=dict(fields), now=now)
    return plan


@transaction.atomic
def edit_plan(
    *, actor: Actor, plan: LicencePlan, now: datetime.datetime, **fields: Unpack[PlanFields]
) -> LicencePlan:
    """Change the terms of a plan of which no seat has been sold."""
    plan = _claim_plan(actor, plan)
    if plan.sold:
        raise AlreadySold(_("Seats of this plan have been sold. Withdraw it, and add another."))
    for name, value in fields.items():
        setattr(plan, name, value)
    _require_measure(plan)
    clean(plan)
    plan.save(update_fields=list(fields))
    record(actor=actor, verb="edit", subject=plan, detail=dict(fields), now=now)
    return plan


@transaction.atomic
def withdraw_plan(*, actor: Actor, plan: LicencePlan, now: datetime.datetime) -> LicencePlan:
    """Sell no more seats of a plan. Licences that were sold keep their terms."""
    plan = _claim_plan(actor, plan)
    if plan.status != LicencePlan.Status.LISTED:
        raise WrongStatus(_("This plan was withdrawn before."))
    return _set_status(actor, plan, LicencePlan.Status.WITHDRAWN, "withdraw", now)


@transaction.atomic
def relist_plan(*, actor: Actor, plan: LicencePlan, now: datetime.datetime) -> LicencePlan:
    """Sell a withdrawn plan again."""
    plan = _claim_plan(actor, plan)
    if plan.status != LicencePlan.Status.WITHDRAWN:
        raise WrongStatus(_("This plan is listed already."))
    return _set_status(actor, plan, LicencePlan.Status.LISTED, "list", now)


def _claim_plan(actor: Actor, plan: LicencePlan) -> LicencePlan:
    claim(actor, plan.algorithm)
    return LicencePlan.objects.select_for_update(no_key=True).get(pk=plan.pk)


def _set_status(
    actor: Actor, plan: LicencePlan, status: LicencePlan.Status, verb: str, now: datetime.datetime
) -> LicencePlan:
    plan.status = status
    plan.save(update_fields=["status"])
    record(actor=actor, verb=verb, subject=plan, now=now)
    return plan


def _require_measure(plan: LicencePlan) -> None:
    """A term lasts days, a per-call plan includes calls, and nothing else does."""
    if plan.kind == LicencePlan.Kind.TERM:
        if not plan.term_days:
            raise InvalidInput(_("Say how many days a term licence lasts."))
    else:
        plan.term_days = None
    if plan.kind == LicencePlan.Kind.PER_CALL:
        if not plan.calls:
            raise InvalidInput(_("Say how many calls a per-call licence includes."))
    else:
        plan.calls = None
