from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Jurisdiction, Organisation
from listings import triggers
from listings.models.accelerator import Accelerator


class Hub(models.TextChoices):
    """The eight national hubs of "Eastern Data, Western Computing"."""

    BEIJING = "beijing", _("Beijing-Tianjin-Hebei")
    YANGTZE = "yangtze", _("Yangtze River Delta")
    GREATER_BAY = "greater_bay", _("Guangdong-Hong Kong-Macao Greater Bay Area")
    CHENGDU_CHONGQING = "chengdu_chongqing", _("Chengdu-Chongqing")
    INNER_MONGOLIA = "inner_mongolia", _("Inner Mongolia")
    GUIZHOU = "guizhou", _("Guizhou")
    GANSU = "gansu", _("Gansu")
    NINGXIA = "ningxia", _("Ningxia")


class Facility(models.Model):
    """A place that houses accelerators."""

    class Kind(models.TextChoices):
        INTELLIGENT = "intelligent", _("Intelligent-computing centre")
        SUPERCOMPUTING = "supercomputing", _("Supercomputing centre")
        DATA_CENTRE = "data_centre", _("Data centre")

    provider = models.ForeignKey(Organisation, models.PROTECT, related_name="facilities")
    name_zh = models.CharField(_("name in Chinese"), max_length=120)
    name_en = models.CharField(_("name in English"), max_length=120)
    kind = models.CharField(_("kind"), max_length=20, choices=Kind)
    city = models.CharField(_("city"), max_length=60)
    hub = models.CharField(_("national hub"), max_length=20, choices=Hub, blank=True)
    jurisdiction = models.CharField(_("jurisdiction"), max_length=20, choices=Jurisdiction)
    pue = models.DecimalField(
        "PUE", max_digits=4, decimal_places=2, validators=[MinValueValidator(1), MaxValueValidator(3)]
    )
    green_percent = models.PositiveSmallIntegerField(
        _("green power (%)"), validators=[MaxValueValidator(100)]
    )
    illustrative = models.BooleanField(_("illustrative"), default=False)

    class Meta:
        verbose_name_plural = "facilities"
        ordering = ["name_en"]
        constraints = [
            models.UniqueConstraint(
                "provider",
                "name_en",
                name="facility_named_once",
                violation_error_message=_("Your organisation has a facility of this name already."),
            ),
            models.CheckConstraint(name="facility_pue", condition=Q(pue__gte=1, pue__lte=3)),
            models.CheckConstraint(name="facility_green_percent", condition=Q(green_percent__lte=100)),
        ]

    def __str__(self) -> str:
        return self.name_en


class Pool(models.Model):
    """The units of one accelerator at one facility: interchangeable, so they share one price a slot."""

    facility = models.ForeignKey(Facility, models.PROTECT, related_name="pools")
    accelerator = models.ForeignKey(Accelerator, models.PROTECT, related_name="pools")
    units = models.PositiveIntegerField(_("units"), validators=[MinValueValidator(1)])
    # `units` binds from this slot on: a pool that has shrunk once had more. Null: always.
    units_since = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["facility__name_en", "accelerator__name"]
        triggers = [triggers.POOL_KEEPS_WHAT_IT_COMMITTED]
        constraints = [
            models.UniqueConstraint(
                "facility",
                "accelerator",
                name="pool_once",
                violation_error_message=_(
                    "This facility has a pool of this accelerator already. Change its units instead."
                ),
            ),
            models.CheckConstraint(name="pool_has_units", condition=Q(units__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.facility} · {self.accelerator}"
