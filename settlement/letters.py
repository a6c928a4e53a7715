"""Letters to an organisation's members, each in their language, through the outbox."""

import datetime
from collections.abc import Iterator, Mapping, Sequence

from django.utils import translation

from accounts.models import Member, Role
from accounts.operations import queue_email, queue_emails


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
    for to, title, body in _letters({organisation_id: values}, roles, subject, text):
        queue_email(to=to, subject=title, text=body, now=now)


def write_to_many(
    *,
    values_of: Mapping[int, Mapping[str, object]],
    roles: Sequence[Role],
    subject: str,
    text: str,
    now: datetime.datetime,
) -> int:
    """As `write_to`, to many at once: what each organisation is told, by its id. The number of letters."""
    return queue_emails(letters=list(_letters(values_of, roles, subject, text)), now=now)


def _letters(
    values_of: Mapping[int, Mapping[str, object]], roles: Sequence[Role], subject: str, text: str
) -> Iterator[tuple[str, str, str]]:
    """Address, subject and text for each active member in these roles."""
    members = Member.objects.filter(organisation__in=values_of, role__in=roles, user__is_active=True)
    rows = members.order_by("pk").values_list("organisation", "user__email", "user__language")
    for organisation, address, language in rows:
        values = values_of[organisation]
        with translation.override(language or translation.get_language()):
            letter = address, translation.gettext(subject) % values, translation.gettext(text) % values
        yield letter
