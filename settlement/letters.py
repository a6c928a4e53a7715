"""Letters to an organisation's members, each in their language, through the outbox."""

import datetime
from collections.abc import Mapping, Sequence

from django.utils import translation

from accounts.models import Member, Role
from accounts.operations import queue_email, queue_emails
from accounts.queries import language_of


def write_to(
    *,
    organisation_id: int,
    roles: Sequence[Role],
    subject: str,
    text: str,
    values: Mapping[str, object],
    now: datetime.datetime,
) -> None:
    """Queue a letter to each active member in these roles; `subject` and `text` are msgids."""
    members = Member.objects.filter(organisation=organisation_id, role__in=roles, user__is_active=True)
    for address in members.order_by("pk").values_list("user__email", flat=True):
        with translation.override(language_of(address)):
            queue_email(
                to=address,
                subject=translation.gettext(subject) % values,
                text=translation.gettext(text) % values,
                now=now,
            )


def write_to_many(
    *,
    values_of: Mapping[int, Mapping[str, object]],
    roles: Sequence[Role],
    subject: str,
    text: str,
    now: datetime.datetime,
) -> int:
    """As `write_to`, to many at once: what each organisation is told, by its id. The number of letters."""
    members = Member.objects.filter(organisation__in=values_of, role__in=roles, user__is_active=True)
    letters = []
    rows = members.order_by("pk").values_list("organisation", "user__email", "user__language")
    for organisation, address, language in rows:
        with translation.override(language or translation.get_language()):
            values = values_of[organisation]
            letters.append(
                (address, translation.gettext(subject) % values, translation.gettext(text) % values)
            )
    return queue_emails(letters=letters, now=now)
