"""The audit trail: who did what, to which row."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import models

from accounts.models import ApiKey, AuditEvent, Organisation, User


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
