from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import translation

from accounts.audit import Actor
from accounts.queries import current_member, memberships_of


class CurrentOrganisationMiddleware:
    """Gives each request the membership that its user acts in.

    Sets `request.memberships`, and of these `request.member` with its `request.organisation` (None for a
    stranger), and `request.actor`.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = request.user if request.user.is_authenticated else None
        request.memberships = memberships_of(user) if user else []
        request.member = current_member(request.memberships, chosen=request.session.get("organisation"))
        request.organisation = request.member.organisation if request.member else None
        request.actor = Actor(user=user, organisation=request.organisation)
        return self.get_response(request)


def chosen_language(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """A user reads pages in the language that they chose; LocaleMiddleware has asked the browser before."""

    def handle(request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated and request.user.language:
            translation.activate(request.user.language)
            request.LANGUAGE_CODE = translation.get_language()
        return get_response(request)

    return handle
