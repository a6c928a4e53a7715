import hashlib

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models.organisation import Organisation
from accounts.models.user import User


def hash_secret(secret: str) -> str:
    """SHA-256 in hex: enough for a secret of 256 random bits, which no dictionary holds."""
    return hashlib.sha256(secret.encode()).hexdigest()


class Scope(models.TextChoices):
    READ = "read", _("Read everything of the organisation")
    LISTINGS = "listings", _("Change listings")
    ORDERS = "orders", _("Place and cancel orders")
    MONEY = "money", _("Move money")
    DELIVERY = "delivery", _("Report deliveries and meters, and dispute")
    WEBHOOKS = "webhooks", _("Manage webhooks")


class ApiKey(models.Model):
    """A program's right to act for an organisation. The secret is shown once and stored hashed."""

    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="api_keys")
    name = models.CharField(_("name"), max_length=100)
    prefix = models.CharField(max_length=12, unique=True)
    secret_hash = models.CharField(max_length=64)
    scopes = ArrayField(models.CharField(max_length=20, choices=Scope), verbose_name=_("scopes"))
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name, verbose_name_plural = _("API key"), _("API keys")

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class IdempotentRequest(models.Model):
    """The first answer to a request that came with an Idempotency-Key; `status` 0 while it runs."""

    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    digest = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(default=0)
    body = models.JSONField(null=True)
    received_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name, verbose_name_plural = _("idempotent request"), _("idempotent requests")
        constraints = [models.UniqueConstraint("organisation", "key", name="idempotency_key_once")]

    def __str__(self) -> str:
        return self.key
