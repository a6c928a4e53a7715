"""Register an organisation, correct its details, and decide whether it may trade."""

from dataclasses import asdict, dataclass
from datetime import datetime
from zoneinfo import available_timezones

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import translation
from django.utils.translation import gettext as _

from accounts.audit import Actor, record
from accounts.errors import DomainError, InvalidInput, NotAllowed
from accounts.models import REGISTERED_ALREADY, Member, Organisation, Role, User
from accounts.names import local_name
from accounts.operations.outgoing_email import queue_email
from accounts.permissions import Permission, require, require_operator
from accounts.registration_numbers import clean_registration_number

Verification = Organisation.Verification


class AlreadyRegistered(DomainError):
    """Another organisation holds this registration number."""

    code = "already_registered"


class DetailsChanged(DomainError):
    """The organisation was decided on, or changed its details, since the operator looked."""

    code = "details_changed"


@dataclass(frozen=True)
class Details:
    """What an organisation says about itself. An operator verifies all of it but the last two."""

    name_zh: str
    name_en: str
    jurisdiction: str
    registration_number: str
    tier: str
    activity: str
    timezone: str


VERIFIED_DETAILS = ("name_zh", "name_en", "jurisdiction", "registration_number", "tier")


def create_organisation(*, user: User, details: Details, now: datetime) -> Organisation:
    """Register an organisation, to be verified, with this user as its owner."""
    details = _clean(details)
    with transaction.atomic():
        organisation = Organisation(**asdict(details), created_at=now, submitted_at=now)
        _save_unless_registered(organisation)
        Member.objects.create(organisation=organisation, user=user, role=Role.OWNER, joined_at=now)
        actor = Actor(user=user, organisation=organisation)
        record(actor=actor, verb="create", subject=organisation, detail=asdict(details), now=now)
    return organisation


def edit_organisation(*, actor: Actor, details: Details, now: datetime) -> Organisation:
    """Correct the actor's organisation. It must be verified again where a verified detail changes.

    A rejected organisation is submitted again, whatever it changed.
    """
    organisation = require(actor, Permission.MANAGE_ORGANISATION)
    details = _clean(details)
    with transaction.atomic():
        organisation = lock_organisation(organisation.pk)
        changes = {
            field: {"was": getattr(organisation, field), "is": value}
            for field, value in asdict(details).items()
            if getattr(organisation, field) != value
        }
        submits = organisation.verification == Verification.REJECTED or bool(
            changes.keys() & set(VERIFIED_DETAILS)
        )
        if not changes and not submits:
            return organisation
        for field, value in asdict(details).items():
            setattr(organisation, field, value)
        if submits:
            organisation.verification = Verification.PENDING
            organisation.verification_note = ""
            organisation.verified_by = organisation.verified_at = None
            organisation.submitted_at = now
        _save_unless_registered(organisation)
        verb = "submit" if submits else "edit"
        record(actor=actor, verb=verb, subject=organisation, detail=changes, now=now)
    return organisation


def verify_organisation(
    *, actor: Actor, organisation_id: int, submitted_at: datetime, evidence: str, now: datetime
) -> Organisation:
    """Let the organisation trade. `submitted_at` names the details that the operator saw."""
    if not evidence.strip():
        raise InvalidInput(_("Write down what was checked, for example the licence and the register."))
    return _decide(
        actor=actor,
        organisation_id=organisation_id,
        submitted_at=submitted_at,
        decision=Verification.VERIFIED,
        note=evidence.strip(),
        now=now,
    )


def reject_organisation(
    *, actor: Actor, organisation_id: int, submitted_at: datetime, reason: str, now: datetime
) -> Organisation:
    """Refuse the organisation for now, with a reason that its owners read."""
    if not reason.strip():
        raise InvalidInput(_("Write down why, so that the organisation can correct it."))
    return _decide(
        actor=actor,
        organisation_id=organisation_id,
        submitted_at=submitted_at,
        decision=Verification.REJECTED,
        note=reason.strip(),
        now=now,
    )


@transaction.atomic
def _decide(
    *,
    actor: Actor,
    organisation_id: int,
    submitted_at: datetime,
    decision: Verification,
    note: str,
    now: datetime,
) -> Organisation:
    operator = require_operator(actor)
    if Member.objects.filter(organisation_id=organisation_id, user=operator).exists():
        raise NotAllowed(_("You belong to this organisation; another operator must decide."))
    decided = Organisation.objects.filter(
        pk=organisation_id, verification=Verification.PENDING, submitted_at=submitted_at
    ).update(verification=decision, verification_note=note, verified_by=operator, verified_at=now)
    if not decided:
        raise DetailsChanged(
            _("This organisation was decided on, or changed its details, since you opened it. Look again.")
        )
    organisation = Organisation.objects.get(pk=organisation_id)
    verb = "verify" if decision == Verification.VERIFIED else "reject"
    record(
        actor=actor,
        verb=verb,
        subject=organisation,
        detail={"note": note},
        now=now,
        organisation=organisation,
    )
    _tell_owners(organisation, now=now)
    return organisation


def lock_organisation(organisation_id: int) -> Organisation:
    """The organisation, locked: who belongs to it, and its details, change one at a time."""
    return Organisation.objects.select_for_update().get(pk=organisation_id)


def _clean(details: Details) -> Details:
    values = {field: value.strip() for field, value in asdict(details).items()}
    values["registration_number"] = clean_registration_number(
        values["jurisdiction"], values["registration_number"]
    )
    if values["timezone"] not in available_timezones():
        raise InvalidInput(_("%(zone)s is not a time zone.") % {"zone": values["timezone"]})
    try:
        Organisation(**values).clean_fields(exclude=["created_at", "submitted_at"])
    except ValidationError as error:
        faults = (
            f"{Organisation._meta.get_field(field).verbose_name}: {' '.join(messages)}"
            for field, messages in error.message_dict.items()
        )
        raise InvalidInput(" ".join(faults)) from error
    return Details(**values)


def _save_unless_registered(organisation: Organisation) -> None:
    try:
        with transaction.atomic():
            organisation.save()
    except IntegrityError as error:
        if "organisation_registered_once" not in str(error):
            raise
        raise AlreadyRegistered(str(REGISTERED_ALREADY)) from error


def _tell_owners(organisation: Organisation, *, now: datetime) -> None:
    """Write to each owner, in the owner's language, what was decided."""
    for owner in User.objects.filter(memberships__organisation=organisation, memberships__role=Role.OWNER):
        with translation.override(owner.language or settings.LANGUAGE_CODE):
            about = {"organisation": local_name(organisation), "reason": organisation.verification_note}
            if organisation.is_verified:
                subject = _("%(organisation)s is verified") % about
                text = _("%(organisation)s can now trade on the exchange.") % about
            else:
                subject = _("%(organisation)s was not verified") % about
                text = _("Reason: %(reason)s\n\nCorrect the organisation's details, then submit them again.")
                text %= about
        queue_email(to=owner.email, subject=subject, text=text, now=now)
