from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.audit_words import detail_words, subject_words, verb_words
from accounts.models.api_key import ApiKey
from accounts.models.organisation import Organisation
from accounts.models.user import User
from accounts.triggers import append_only, never_truncated


class AuditEvent(models.Model):
    """Who did what, to which row. Append-only."""

    at = models.DateTimeField(db_index=True)
    user = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    api_key = models.ForeignKey(ApiKey, models.PROTECT, null=True, blank=True, related_name="+")
    organisation = models.ForeignKey(
        Organisation, models.PROTECT, null=True, blank=True, related_name="audit_events"
    )
    verb = models.CharField(max_length=60)
    subject_type = models.CharField(max_length=60)
    subject_id = models.BigIntegerField(null=True, blank=True)
    detail = models.JSONField(default=dict, encoder=DjangoJSONEncoder)

    class Meta:
        verbose_name, verbose_name_plural = _("audit event"), _("audit events")
        indexes = [models.Index(fields=["organisation", "-at"])]
        triggers = [
            append_only(),
            never_truncated(),
        ]

    def __str__(self) -> str:
        return f"{self.verb} {self.subject_type} {self.subject_id}"

    @property
    def verb_label(self) -> str:
        return verb_words(self.verb)

    @property
    def subject_label(self) -> str:
        """What kind of row it is, in the reader's language."""
        return subject_words(self.subject_type)

    def detail_lines(self) -> list[tuple[str, str]]:
        """The detail as names and texts."""
        return detail_words(self.subject_type, self.detail)
