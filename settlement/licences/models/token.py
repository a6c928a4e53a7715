import pgtrigger
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.triggers import never_deleted
from settlement.licences.models.licence import Licence


class LicenceToken(models.Model):
    """What software shows to use one licence and nothing else. The secret is shown once, stored hashed."""

    licence = models.ForeignKey(Licence, models.PROTECT, related_name="tokens")
    name = models.CharField(_("name"), max_length=100)
    prefix = models.CharField(max_length=12, unique=True)
    secret_hash = models.CharField(max_length=64)
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(_("created"))
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)
    last_used_at = models.DateTimeField(_("last use"), null=True, blank=True)

    class Meta:
        verbose_name, verbose_name_plural = _("licence token"), _("licence tokens")
        ordering = ["-pk"]
        triggers = [
            never_deleted(),
            pgtrigger.ReadOnly(name="token_never_changes", exclude=["revoked_at", "last_used_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.name} (spl_{self.prefix}…)"
