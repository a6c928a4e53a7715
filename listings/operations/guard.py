"""What every operation on listings asks first."""

import psycopg
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.utils.translation import gettext as _

from accounts.audit import Actor
from accounts.errors import InvalidInput, NotAllowed
from accounts.models import Organisation
from accounts.permissions import Permission, require
from listings.errors import AlreadyListed


def require_own(actor: Actor, organisation: Organisation) -> None:
    """Raise NotAllowed unless the actor may change the listings of this organisation."""
    if actor.organisation != organisation:
        raise NotAllowed(_("This belongs to another organisation."))
    require(actor, Permission.MANAGE_LISTINGS)


def require_provider(actor: Actor) -> Organisation:
    """The actor's organisation, which may list. Raises NotAllowed."""
    organisation = require(actor, Permission.MANAGE_LISTINGS)
    if not organisation.provides:
        raise NotAllowed(
            _("Your organisation only buys. Ask an owner to change what it does to be able to list.")
        )
    return organisation


def clean(row: models.Model, exclude: set[str] | None = None) -> None:
    """Validate a row's fields and constraints. Raises InvalidInput, naming each field at fault."""
    try:
        row.full_clean(exclude=exclude)
    except ValidationError as error:
        raise InvalidInput(" ".join(_sentences(row, error))) from error


def insert(row: models.Model) -> None:
    """Validate a new row and save it. Raises InvalidInput, or AlreadyListed for the loser of a race."""
    clean(row)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        if not isinstance(error.__cause__, psycopg.errors.UniqueViolation):
            raise
        raise AlreadyListed(_("There is one of this name already.")) from error


def _sentences(row: models.Model, error: ValidationError) -> list[str]:
    names = {field.name: str(getattr(field, "verbose_name", "")) for field in row._meta.get_fields()}
    return [
        f"{names[field]}: {reason}" if field in names else reason
        for field, reasons in error.message_dict.items()
        for reason in reasons
    ]
