import pgtrigger
from django.db import models


class SigningKey(models.Model):
    """A public key that has signed, or signs now, in base64url; a retired one verifies what it signed."""

    kid = models.CharField(max_length=16, unique=True)
    public_key = models.CharField(max_length=43, unique=True)
    created_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        triggers = [
            pgtrigger.Protect(name="signing_key_never_deleted", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(name="signing_key_never_changes", exclude=["retired_at"]),
        ]

    def __str__(self) -> str:
        return self.kid
