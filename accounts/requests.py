"""What CurrentOrganisationMiddleware makes of a request, for type checkers."""

from django.http import HttpRequest

from accounts.audit import Actor
from accounts.models import Member, Organisation


class PageRequest(HttpRequest):
    memberships: list[Member]
    member: Member | None
    organisation: Organisation | None
    actor: Actor


class MemberRequest(PageRequest):
    """Behind `organisation_required`: there is an organisation."""

    member: Member
    organisation: Organisation
