"""The audit trail: who did what, to which row."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.apps import apps
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import ApiKey, AuditEvent, Organisation, User

# The words of the trail. A verb that is not here is shown as it is written.
VERBS = {
    "accept": _("accepted"),
    "book": _("booked"),
    "cancel": _("cancelled"),
    "change_role": _("changed the role of"),
    "create": _("created"),
    "edit": _("edited"),
    "invite": _("invited"),
    "join": _("joined"),
    "leave": _("left"),
    "list": _("listed"),
    "pause": _("paused"),
    "place": _("placed"),
    "reject": _("rejected"),
    "remove": _("removed"),
    "resume": _("resumed"),
    "revoke": _("revoked"),
    "submit": _("submitted"),
    "upload": _("uploaded"),
    "verify": _("verified"),
    "withdraw": _("withdrew"),
}


@dataclass(frozen=True)
class Actor:
    """Who acts: a person or an API key, and for which organisation (none: for the exchange itself)."""

    user: User | None = None
    api_key: ApiKey | None = None
    organisation: Organisation | None = None


def record(
    *,
    actor: Actor,
    verb: str,
    subject: models.Model,
    detail: Mapping[str, Any] | None = None,
    now: datetime,
    organisation: Organisation | None = None,
) -> AuditEvent:
    """Write down that `actor` did `verb` ("verify", "place") to the saved row `subject`.

    The event shows in the trail of `organisation`, by default the actor's: name it where an operator acts on
    somebody else's row. `detail` must be JSON; dates and decimals are written as text.
    """
    return AuditEvent.objects.create(
        at=now,
        user=actor.user,
        api_key=actor.api_key,
        organisation=organisation or actor.organisation,
        verb=verb,
        subject_type=subject._meta.label_lower,
        subject_id=subject.pk,
        detail=dict(detail or {}),
    )


def verb_label(verb: str) -> str:
    return str(VERBS.get(verb, verb.replace("_", " ")))


def subject_label(subject_type: str) -> str:
    """What kind of row it is, in the reader's language."""
    return str(apps.get_model(subject_type)._meta.verbose_name)
