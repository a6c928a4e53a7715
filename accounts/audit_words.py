"""The audit trail in the reader's language. What has no words here is shown as it is written."""

from decimal import Decimal
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

VERBS = {
    "accept": pgettext_lazy("audit trail", "accepted"),
    "add": pgettext_lazy("audit trail", "added"),
    "approve": pgettext_lazy("audit trail", "approved"),
    "ask": pgettext_lazy("audit trail", "asked for"),
    "assign": pgettext_lazy("audit trail", "assigned"),
    "book": pgettext_lazy("audit trail", "booked"),
    "cancel": pgettext_lazy("audit trail", "cancelled"),
    "change_role": pgettext_lazy("audit trail", "changed the role of"),
    "choose": pgettext_lazy("audit trail", "chose"),
    "close": pgettext_lazy("audit trail", "closed"),
    "confirm": pgettext_lazy("audit trail", "confirmed"),
    "create": pgettext_lazy("audit trail", "created"),
    "decide": pgettext_lazy("audit trail", "decided the dispute on"),
    "declare": pgettext_lazy("audit trail", "declared"),
    "declined": pgettext_lazy("audit trail", "declined"),
    "dispute": pgettext_lazy("audit trail", "disputed"),
    "download": pgettext_lazy("audit trail", "downloaded"),
    "edit": pgettext_lazy("audit trail", "edited"),
    "enter": pgettext_lazy("audit trail", "entered"),
    "fail": pgettext_lazy("audit trail", "booked the failure of"),
    "import": pgettext_lazy("audit trail", "imported"),
    "invite": pgettext_lazy("audit trail", "invited"),
    "join": pgettext_lazy("audit trail", "joined"),
    "leave": pgettext_lazy("audit trail", "left"),
    "lift": pgettext_lazy("audit trail", "lifted"),
    "list": pgettext_lazy("audit trail", "listed"),
    "open": pgettext_lazy("audit trail", "opened"),
    "pause": pgettext_lazy("audit trail", "paused"),
    "pay": pgettext_lazy("audit trail", "booked the payment of"),
    "place": pgettext_lazy("audit trail", "placed"),
    "refund": pgettext_lazy("audit trail", "asked for a refund of"),
    "propose": pgettext_lazy("audit trail", "made"),
    "refuse": pgettext_lazy("audit trail", "refused"),
    "reinstate": pgettext_lazy("audit trail", "reinstated"),
    "reject": pgettext_lazy("audit trail", "rejected"),
    "release": pgettext_lazy("audit trail", "released"),
    "remove": pgettext_lazy("audit trail", "removed"),
    "report": pgettext_lazy("audit trail", "reported on"),
    "request": pgettext_lazy("audit trail", "asked for"),
    "resize": pgettext_lazy("audit trail", "changed the number of units of"),
    "resolve": pgettext_lazy("audit trail", "resolved"),
    "resume": pgettext_lazy("audit trail", "resumed"),
    "revoke": pgettext_lazy("audit trail", "revoked"),
    "see": pgettext_lazy("audit trail", "looked at"),
    "submit": pgettext_lazy("audit trail", "submitted"),
    "terminate": pgettext_lazy("audit trail", "ended before its time"),
    "suspend": pgettext_lazy("audit trail", "suspended"),
    "upload": pgettext_lazy("audit trail", "uploaded"),
    "verify": pgettext_lazy("audit trail", "verified"),
    "withdraw": pgettext_lazy("audit trail", "withdrew"),
    "withdrawn": pgettext_lazy("audit trail", "took back"),
}
SUBJECTS = {
    "contracts.contract": _("contract"),
    "contracts.masteragreement": _("master agreement"),
    "contracts.terminationproposal": _("proposal to terminate"),
    "delivery.accessdetails": _("access details"),
    "listings.algorithm": _("algorithm"),
    "listings.algorithmversion": _("version"),
    "listings.capacity": _("capacity"),
    "listings.facility": _("facility"),
    "licences.licence": _("licence"),
    "licences.licencetoken": _("licence token"),
    "listings.licenceplan": _("licence plan"),
    "listings.pool": _("pool"),
    "payments.bankline": _("bank line"),
    "trading.order": _("order"),
    "trading.round": _("round"),
    "vouchers.affiliation": _("affiliation"),
    "vouchers.application": _("application for a voucher"),
    "vouchers.issuer": _("voucher issuer"),
    "vouchers.programme": _("voucher programme"),
    "vouchers.voucher": _("voucher"),
}
DETAILS = {
    "algorithm": _("algorithm"),
    "contract": _("contract"),
    "currency": _("currency"),
    "email": _("e-mail"),
    "fen": _("amount"),
    "fields": _("what changed"),
    "from": _("was"),
    "member": _("member"),
    "most": _("the most it can cost"),
    "note": _("evidence or reason"),
    "state": _("state"),
    "prefix": _("starts with"),
    "price": _("price"),
    "reserve_price": _("reserve price"),
    "to": _("is"),
}
# Details that are no fields of their subject: the model and the field whose choices name their values.
CHOICES = {"ground": ("contracts.termination", "ground"), "state": ("delivery.statereport", "state")}
AMOUNTS = {"fen", "most", "price", "reserve_price"}


def verb_words(verb: str) -> str:
    return str(VERBS.get(verb, verb.replace("_", " ")))


def subject_words(subject_type: str) -> str:
    return str(SUBJECTS.get(subject_type) or apps.get_model(subject_type)._meta.verbose_name)


def detail_words(subject_type: str, detail: dict[str, Any]) -> list[tuple[str, str]]:
    """Names and texts, in the words of the subject's own fields; a change is {"was": …, "is": …}."""
    model = apps.get_model(subject_type)
    currency = detail.get("currency", "CNY")
    return [
        (_name(model, name), _amount(value, currency) if name in AMOUNTS else _text(model, name, value))
        for name, value in detail.items()
    ]


def _field(model: type[models.Model], name: str) -> models.Field | None:
    if name in CHOICES:
        label, field = CHOICES[name]
        return apps.get_model(label)._meta.get_field(field)
    try:
        return model._meta.get_field(name)
    except FieldDoesNotExist:
        return None


def _name(model: type[models.Model], name: str) -> str:
    if name in DETAILS:
        return str(DETAILS[name])
    return str(getattr(_field(model, name), "verbose_name", name.replace("_", " ")))


def _amount(fen: int, currency: str) -> str:
    return f"{currency} {Decimal(fen).scaleb(-2):,.2f}"


def _text(model: type[models.Model], name: str, value: object) -> str:
    match value:
        case {"was": before, "is": after}:
            return f"{_text(model, name, before)} → {_text(model, name, after)}"
        case list() if name == "fields":
            return ", ".join(_name(model, each) for each in value)
        case list():
            return ", ".join(_text(model, name, each) for each in value)
        case None:
            return "–"
        case bool():
            return str(_("yes") if value else _("no"))
        case _:
            field = _field(model, name)
            if isinstance(field, models.DateTimeField) and (moment := parse_datetime(str(value))):
                return f"{timezone.localtime(moment):%Y-%m-%d %H:%M %Z}"
            choices = dict(getattr(getattr(field, "base_field", field), "flatchoices", []))
            return str(choices.get(value, value))
