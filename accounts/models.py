"""Who trades: users, organisations, their members, API keys, and the audit trail."""

import hashlib
from datetime import datetime
from typing import ClassVar

import pgtrigger
from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower, Now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.audit_words import detail_words, subject_words, verb_words


class UserManager(BaseUserManager["User"]):
    use_in_migrations = True

    def create_user(self, email: str, password: str | None = None, **fields: object) -> "User":
        user = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: object) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email__iexact=username)


class User(AbstractUser):
    """A person, known by e-mail. `is_staff` marks an operator of the exchange."""

    username = None  # type: ignore[assignment]
    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    email = models.EmailField(_("e-mail"), unique=True)
    name = models.CharField(_("name"), max_length=100, blank=True)
    language = models.CharField(_("language"), max_length=10, blank=True)

    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name, verbose_name_plural = _("user"), _("users")
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_once_in_any_case")]

    def __str__(self) -> str:
        return self.name or self.email

    @property
    def is_operator(self) -> bool:
        return self.is_active and self.is_staff


class Jurisdiction(models.TextChoices):
    MAINLAND = "mainland", _("Mainland China")
    HONG_KONG = "hong_kong", _("Hong Kong")
    MACAO = "macao", _("Macao")
    OTHER = "other", _("Other")


class OrganisationQuerySet(models.QuerySet["Organisation"]):
    def verified(self) -> "OrganisationQuerySet":
        return self.filter(verification=Organisation.Verification.VERIFIED)

    def of(self, user: User) -> "OrganisationQuerySet":
        return self.filter(members__user=user)


REGISTERED_ALREADY = _(
    "An organisation with this registration number is already here. Ask one of its owners to invite you."
)


class Organisation(models.Model):
    """A legal entity that trades."""

    class Activity(models.TextChoices):
        PROVIDE = "provide", _("Provides")
        BUY = "buy", _("Buys")
        BOTH = "both", _("Provides and buys")

    class Tier(models.TextChoices):
        START_UP = "start_up", _("Start-up")
        SPECIALISED = "specialised", _("Specialised")
        LEADING = "leading", _("Leading")

    class Verification(models.TextChoices):
        PENDING = "pending", pgettext_lazy("organisation", "Pending")
        VERIFIED = "verified", _("Verified")
        REJECTED = "rejected", _("Rejected")

    name_zh = models.CharField(_("legal name in Chinese"), max_length=200)
    name_en = models.CharField(_("legal name in English"), max_length=200)
    jurisdiction = models.CharField(_("jurisdiction"), max_length=20, choices=Jurisdiction)
    registration_number = models.CharField(_("registration number"), max_length=40)
    activity = models.CharField(_("activity"), max_length=10, choices=Activity)
    tier = models.CharField(_("tier"), max_length=20, choices=Tier)
    timezone = models.CharField(_("time zone"), max_length=40, default="Asia/Shanghai")
    verification = models.CharField(
        _("verification"), max_length=10, choices=Verification, default=Verification.PENDING
    )
    verification_note = models.TextField(_("evidence or reason"), blank=True)
    verified_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    verified_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    submitted_at = models.DateTimeField(
        db_default=Now(), help_text="When what is to be verified last changed."
    )

    objects: ClassVar = OrganisationQuerySet.as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("organisation"), _("organisations")
        constraints = [
            models.UniqueConstraint(
                "jurisdiction",
                "registration_number",
                name="organisation_registered_once",
                violation_error_message=REGISTERED_ALREADY,
            ),
            models.CheckConstraint(
                name="organisation_decision_is_documented",
                condition=Q(verification="pending")
                | (Q(verified_at__isnull=False, verified_by__isnull=False) & ~Q(verification_note="")),
            ),
        ]

    def __str__(self) -> str:
        return self.name_en

    @property
    def is_verified(self) -> bool:
        return self.verification == self.Verification.VERIFIED

    @property
    def provides(self) -> bool:
        return self.activity in (self.Activity.PROVIDE, self.Activity.BOTH)

    @property
    def buys(self) -> bool:
        return self.activity in (self.Activity.BUY, self.Activity.BOTH)


class Role(models.TextChoices):
    OWNER = "owner", _("Owner")
    TRADER = "trader", _("Trader")
    FINANCE = "finance", _("Finance")
    ENGINEER = "engineer", _("Engineer")
    VIEWER = "viewer", _("Viewer")


class Member(models.Model):
    """A user's place in an organisation."""

    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="members")
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    role = models.CharField(_("role"), max_length=10, choices=Role)
    joined_at = models.DateTimeField()

    class Meta:
        verbose_name, verbose_name_plural = _("member"), _("members")
        constraints = [models.UniqueConstraint("organisation", "user", name="member_once")]

    def __str__(self) -> str:
        return f"{self.user} ({self.role})"


def hash_secret(secret: str) -> str:
    """SHA-256 in hex: enough for a secret of 256 random bits, which no dictionary holds."""
    return hashlib.sha256(secret.encode()).hexdigest()


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def open(self) -> "InvitationQuerySet":
        """Neither accepted nor revoked; it may have expired."""
        return self.filter(accepted_at__isnull=True, revoked_at__isnull=True)


class Invitation(models.Model):
    """A role offered by e-mail; the link's secret is stored hashed."""

    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="invitations")
    email = models.EmailField(_("e-mail"))
    role = models.CharField(_("role"), max_length=10, choices=Role)
    secret_hash = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar = InvitationQuerySet.as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("invitation"), _("invitations")
        constraints = [
            models.UniqueConstraint(
                "organisation",
                Lower("email"),
                condition=Q(accepted_at__isnull=True, revoked_at__isnull=True),
                name="invitation_open_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.email} -> {self.organisation}"


class Scope(models.TextChoices):
    READ = "read", _("Read everything of the organisation")
    LISTINGS = "listings", _("Change listings")
    ORDERS = "orders", _("Place and cancel orders")
    MONEY = "money", _("Move money")
    DELIVERY = "delivery", _("Report deliveries and meters, and dispute")


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
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
            pgtrigger.Trigger(
                name="never_truncated",
                operation=pgtrigger.Truncate,
                when=pgtrigger.Before,
                level=pgtrigger.Statement,
                func="RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;",
            ),
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
