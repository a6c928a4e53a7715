from collections.abc import Sequence

from django.conf import settings
from django.db import models
from django.utils.translation import get_language

from accounts.models import AuditEvent, Member, Organisation, User


def language_of(email: str) -> str:
    """The language of a letter to this address: the one that its user chose, else the one in force."""
    user = User.objects.filter(email__iexact=email).exclude(language="").first()
    return user.language if user else get_language() or settings.LANGUAGE_CODE


def memberships_of(user: User) -> list[Member]:
    """The user's memberships, the first joined first, with their organisations."""
    return list(Member.objects.filter(user=user).select_related("organisation").order_by("joined_at", "pk"))


def current_member(memberships: Sequence[Member], *, chosen: int | None) -> Member | None:
    """The membership in the `chosen` organisation, or else the first."""
    for member in memberships:
        if member.organisation_id == chosen:
            return member
    return memberships[0] if memberships else None


def verification_history(organisation: Organisation) -> models.QuerySet[AuditEvent]:
    """Every submission of the organisation's details, and every decision on them, newest first."""
    return (
        AuditEvent.objects.filter(
            organisation=organisation,
            subject_type=Organisation._meta.label_lower,
            verb__in=["create", "submit", "verify", "reject"],
        )
        .select_related("user")
        .order_by("-at", "-pk")
    )
