"""Edit what stands on an organisation's invoices; those issued keep what stood on them."""

import datetime
from dataclasses import asdict, dataclass

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit import Actor, record
from accounts.errors import InvalidInput
from accounts.models import Jurisdiction, Organisation
from accounts.permissions import Permission, require
from accounts.registration_numbers import clean_registration_number
from settlement.invoices.errors import BadInvoiceProfile
from settlement.invoices.models import InvoiceProfile

ON_A_SPECIAL_FAPIAO = ("tax_number", "address", "phone", "bank", "bank_account")


@dataclass(frozen=True)
class ProfileDetails:
    title: str
    tax_number: str
    kind: str
    address: str
    phone: str
    bank: str
    bank_account: str
    email: str
    cycle: str


@transaction.atomic
def edit_invoice_profile(*, actor: Actor, details: ProfileDetails, now: datetime.datetime) -> InvoiceProfile:
    """Write the actor's organisation's profile. Raises BadInvoiceProfile, which names the field."""
    organisation = require(actor, Permission.MOVE_MONEY)
    organisation = Organisation.objects.select_for_update(no_key=True).get(pk=organisation.pk)
    values = _clean(organisation, details)
    profile = InvoiceProfile.objects.filter(organisation=organisation).first() or InvoiceProfile(
        organisation=organisation, kind="", cycle=""
    )
    changes = {
        name: {"was": getattr(profile, name), "is": value}
        for name, value in values.items()
        if getattr(profile, name) != value
    }
    if not changes:
        return profile
    verb = "edit" if profile.pk else "create"
    for name, value in values.items():
        setattr(profile, name, value)
    profile.save()
    record(actor=actor, verb=verb, subject=profile, detail=changes, now=now)
    return profile


def _clean(organisation: Organisation, details: ProfileDetails) -> dict[str, str]:
    values: dict[str, str] = {name: str(value).strip() for name, value in asdict(details).items()}
    if organisation.jurisdiction == Jurisdiction.MAINLAND or values["tax_number"]:
        try:
            number = clean_registration_number(organisation.jurisdiction, values["tax_number"])
        except InvalidInput as refusal:
            raise BadInvoiceProfile("tax_number", str(refusal)) from refusal
        values["tax_number"] = number
    if values["kind"] == InvoiceProfile.Kind.SPECIAL:
        if organisation.jurisdiction != Jurisdiction.MAINLAND:
            raise BadInvoiceProfile(
                "kind", _("Only an organisation of mainland China gets special VAT fapiao.")
            )
        for name in ON_A_SPECIAL_FAPIAO:
            if not values[name]:
                raise BadInvoiceProfile(name, _("A special VAT fapiao needs this field."))
    try:
        InvoiceProfile(organisation=organisation, **values).clean_fields(exclude=["organisation"])
    except ValidationError as error:
        name, messages = next(iter(error.message_dict.items()))
        raise BadInvoiceProfile(name, " ".join(messages)) from error
    return values
