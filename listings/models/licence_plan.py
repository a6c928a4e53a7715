from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from listings.models.algorithm import Algorithm


class LicencePlan(models.Model):
    """The terms under which an algorithm is licensed. `supply` counts its seats; null: unlimited."""

    class Kind(models.TextChoices):
        PERPETUAL = "perpetual", _("Perpetual")
        TERM = "term", _("Term")
        PER_CALL = "per_call", _("Per call")

    class Binding(models.TextChoices):
        FLOATING = "floating", _("Floating")
        NODE_LOCKED = "node_locked", _("Node-locked")

    class Territory(models.TextChoices):
        MAINLAND = "mainland", _("Mainland China")
        GREATER_BAY = "greater_bay", _("Greater Bay Area")
        WORLD = "world", _("Worldwide")

    class Status(models.TextChoices):
        LISTED = "listed", _("Listed")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    algorithm = models.ForeignKey(Algorithm, models.PROTECT, related_name="plans")
    name = models.CharField(_("name"), max_length=80)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    term_days = models.PositiveIntegerField(_("term (days)"), null=True, blank=True)
    calls = models.PositiveBigIntegerField(_("calls included"), null=True, blank=True)
    binding = models.CharField(_("seat binding"), max_length=12, choices=Binding, default=Binding.FLOATING)
    territory = models.CharField(_("territory"), max_length=20, choices=Territory)
    commercial = models.BooleanField(_("commercial use"))
    derivatives = models.BooleanField(_("derivatives"))
    price = models.PositiveBigIntegerField(_("price (fen per seat)"), validators=[MinValueValidator(1)])
    supply = models.PositiveIntegerField(
        _("seats on offer"), null=True, blank=True, validators=[MinValueValidator(1)]
    )
    sold = models.PositiveIntegerField(default=0)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.LISTED)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["price"]
        constraints = [
            models.CheckConstraint(name="plan_has_a_price", condition=Q(price__gt=0)),
            models.UniqueConstraint(
                "algorithm",
                "name",
                name="plan_named_once",
                violation_error_message=_("This algorithm has a plan of this name already."),
            ),
            models.CheckConstraint(
                name="plan_never_oversold", condition=Q(supply__isnull=True) | Q(sold__lte=F("supply"))
            ),
            models.CheckConstraint(
                name="plan_term_has_days",
                condition=~Q(kind="term") | Q(term_days__gt=0, term_days__isnull=False),
                violation_error_message=_("Say how many days a term licence lasts."),
            ),
            models.CheckConstraint(
                name="plan_per_call_has_calls",
                condition=~Q(kind="per_call") | Q(calls__gt=0, calls__isnull=False),
                violation_error_message=_("Say how many calls a per-call licence includes."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.algorithm}: {self.name}"
