from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.triggers import append_only
from listings.models import AlgorithmVersion
from settlement.licences.models.licence import Licence
from settlement.licences.models.token import LicenceToken


class Download(models.Model):
    """One use of a download link: who had asked for it, from where it was used, from which byte on."""

    licence = models.ForeignKey(Licence, models.PROTECT, related_name="downloads")
    version = models.ForeignKey(AlgorithmVersion, models.PROTECT, related_name="+")
    user = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    token = models.ForeignKey(LicenceToken, models.PROTECT, null=True, blank=True, related_name="+")
    at = models.DateTimeField(_("at"))
    ip_address = models.GenericIPAddressField(_("address"), null=True)
    first_byte = models.PositiveBigIntegerField(_("first byte"))

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                name="download_asked_for_by_one",
                condition=Q(user__isnull=False, token__isnull=True)
                | Q(user__isnull=True, token__isnull=False),
            )
        ]
        triggers = [append_only()]

    def __str__(self) -> str:
        return f"{self.licence_id} {self.version_id}"
