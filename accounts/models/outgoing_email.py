from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class OutgoingEmailQuerySet(models.QuerySet["OutgoingEmail"]):
    def due(self, now: datetime) -> "OutgoingEmailQuerySet":
        return self.filter(sent_at__isnull=True, due_at__lte=now, attempts__lt=OutgoingEmail.MOST_ATTEMPTS)


class OutgoingEmail(models.Model):
    """A letter written down with the change that causes it, and sent afterwards."""

    MOST_ATTEMPTS = 8

    to = models.EmailField()
    subject = models.CharField(max_length=300)
    text = models.TextField(help_text="Emptied once it is sent: it may hold a secret.")
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    last_error = models.TextField(blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar = OutgoingEmailQuerySet.as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("outgoing e-mail"), _("outgoing e-mails")
        indexes = [
            models.Index(fields=["due_at"], condition=Q(sent_at__isnull=True), name="outgoing_email_due")
        ]

    def __str__(self) -> str:
        return f"{self.subject} -> {self.to}"
