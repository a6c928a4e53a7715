from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _


class Accelerator(models.Model):
    """A model of accelerator in the catalogue, loaded from `listings/data/accelerators.json`."""

    slug = models.SlugField(unique=True)
    vendor = models.CharField(_("vendor"), max_length=60)
    name = models.CharField(_("model"), max_length=60)
    domestic = models.BooleanField(_("domestic"))
    # Null: the vendor publishes none and reports disagree. `sources` says so.
    memory_gb = models.PositiveIntegerField(_("memory (GB)"), null=True, blank=True)
    fp16_tflops = models.DecimalField(
        _("dense FP16 TFLOPS"), max_digits=7, decimal_places=1, null=True, blank=True
    )
    interconnect = models.CharField(_("interconnect"), max_length=60, blank=True)
    stacks = ArrayField(models.CharField(max_length=30), verbose_name=_("software stacks"))
    sources = models.JSONField(_("sources"))

    class Meta:
        ordering = ["vendor", "name"]

    def __str__(self) -> str:
        return f"{self.vendor} {self.name}"

    @property
    def vouched_for(self) -> bool:
        """Whether its vendor publishes every figure given here."""
        return all(source["by"] == "vendor" for source in self.sources)
