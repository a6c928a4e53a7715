"""Two persons for what moves much money out (ASVS 5.0, 2.3.5): one proposes, another approves."""

from django.db.models import CheckConstraint, F, Q, TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Approval(TextChoices):
    PROPOSED = "proposed", _("To be approved")
    APPROVED = "approved", _("Approved")
    REFUSED = "refused", pgettext_lazy("approval", "Refused")
    REPLACED = "replaced", _("Replaced")  # Of what is in force until the next is approved.


def two_persons(name: str) -> CheckConstraint:
    """What is in force, or was, was approved by somebody else than who proposed it."""
    return CheckConstraint(
        name=name,
        condition=Q(status="proposed", decided_by__isnull=True, decided_at__isnull=True)
        | Q(status="refused", decided_by__isnull=False, decided_at__isnull=False)
        | Q(
            ~Q(decided_by=F("proposed_by")),
            status__in=["approved", "replaced"],
            decided_by__isnull=False,
            decided_at__isnull=False,
        ),
    )
