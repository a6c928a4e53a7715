from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.triggers import append_only
from settlement.licences.models.licence import Licence
from settlement.licences.models.token import LicenceToken


class MeteredCalls(models.Model):
    """Calls that software reported under one request id, which counts once."""

    licence = models.ForeignKey(Licence, models.PROTECT, related_name="metered", db_index=False)
    request_id = models.CharField(_("request id"), max_length=64)
    calls = models.PositiveBigIntegerField(_("calls"))
    token = models.ForeignKey(LicenceToken, models.PROTECT, related_name="+")
    metered_at = models.DateTimeField(_("metered"))

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["licence", "request_id"], name="calls_metered_once"),
            models.CheckConstraint(name="metered_something", condition=Q(calls__gt=0)),
        ]
        indexes = [models.Index(fields=["licence", "metered_at"], name="metered_by_licence")]
        triggers = [append_only()]

    def __str__(self) -> str:
        return f"{self.licence_id} {self.request_id}"
