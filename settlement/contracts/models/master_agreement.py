from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, User
from accounts.triggers import append_only


class MasterAgreement(models.Model):
    """A version of what both parties of every contract have accepted; `agreement.py` has the text."""

    version = models.PositiveIntegerField(_("version"), unique=True)
    sha256 = models.CharField("SHA-256", max_length=64, unique=True)
    published_at = models.DateTimeField(_("published"))

    class Meta:
        verbose_name = _("master agreement")
        ordering = ["version"]
        triggers = [append_only()]

    def __str__(self) -> str:
        return f"v{self.version}"


class Acceptance(models.Model):
    """An organisation accepted a version: who did so for it, when, and from where."""

    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="acceptances")
    agreement = models.ForeignKey(MasterAgreement, models.PROTECT, related_name="acceptances")
    user = models.ForeignKey(User, models.PROTECT, related_name="+")
    accepted_at = models.DateTimeField(_("accepted"))
    ip = models.GenericIPAddressField("IP", null=True, blank=True)

    class Meta:
        verbose_name = _("acceptance")
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["organisation", "agreement"], name="accepted_once")]
        triggers = [append_only()]

    def __str__(self) -> str:
        return f"{self.organisation} {self.agreement}"
