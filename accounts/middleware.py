from collections.abc import Callable
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.audit import Actor
from accounts.queries import current_member


class CurrentOrganisationMiddleware:
    """Gives each request the membership that its user acts in, and shows times in that organisation's zone.

    Sets `request.member`, `request.organisation` (both None for a stranger) and `request.actor`.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        member = None
        user = request.user if request.user.is_authenticated else None
        if user is not None:
            member = current_member(user, chosen=request.session.get("organisation"))
        request.member = member
        request.organisation = member.organisation if member else None
        request.actor = Actor(user=user, organisation=request.organisation)
        zone = ZoneInfo(request.organisation.timezone) if request.organisation else None
        with timezone.override(zone):
            return self.get_response(request)
