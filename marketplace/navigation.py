"""What every page needs around its content: the sections a person may visit, and for which organisation."""

from collections.abc import Callable
from dataclasses import dataclass

from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Member


@dataclass(frozen=True)
class Visitor:
    """Who looks at the page: `member` is their place in the organisation they act for, if any."""

    signed_in: bool
    operator: bool
    member: Member | None


@dataclass(frozen=True)
class Section:
    label: str | Promise
    path: str
    icon: str
    shown_to: Callable[[Visitor], bool]


def anyone(_visitor: Visitor) -> bool:
    return True


def members(visitor: Visitor) -> bool:
    return visitor.member is not None


def buyers(visitor: Visitor) -> bool:
    return visitor.member is not None and visitor.member.organisation.buys


def providers(visitor: Visitor) -> bool:
    return visitor.member is not None and visitor.member.organisation.provides


def signed_in(visitor: Visitor) -> bool:
    return visitor.signed_in


def operators(visitor: Visitor) -> bool:
    return visitor.operator


SECTIONS = [
    Section(_("Market"), "/market/", "chart-candle", anyone),
    Section(_("Algorithms"), "/algorithms/", "brain", anyone),
    Section(_("Orders"), "/orders/", "list-details", buyers),
    Section(_("Listings"), "/listings/", "server-2", providers),
    Section(_("Contracts"), "/contracts/", "file-certificate", members),
    Section(_("Balance"), "/balance/", "wallet", members),
    Section(_("Organisation"), "/organisation/", "building", signed_in),
]
OPERATOR_SECTIONS = [
    Section(_("Rounds"), "/operator/rounds/", "gavel", operators),
    Section(_("Verification"), "/operator/verification/", "shield-check", operators),
    Section(_("Bank lines"), "/operator/bank/", "building-bank", operators),
]


def memberships(request: HttpRequest) -> list[Member]:
    """The visitor's places, oldest first; read once a request."""
    if not request.user.is_authenticated:
        return []
    if not hasattr(request, "_memberships"):
        places = Member.objects.filter(user_id=request.user.pk).select_related("organisation")
        request._memberships = list(places.order_by("joined_at", "pk"))  # type: ignore[attr-defined]
    return request._memberships  # type: ignore[attr-defined, no-any-return]


def current_member(request: HttpRequest) -> Member | None:
    """The place the visitor acts from: the one chosen in the session, else the oldest."""
    places = memberships(request)
    chosen = request.session.get("organisation") if places else None
    return next((place for place in places if place.organisation_id == chosen), places[0] if places else None)


def navigation(request: HttpRequest) -> dict[str, object]:
    """Template context: `sections`, `operator_sections`, `memberships`, `current_member`."""
    member = current_member(request)
    visitor = Visitor(
        signed_in=request.user.is_authenticated,
        operator=request.user.is_authenticated and request.user.is_operator,
        member=member,
    )
    return {
        "sections": [section for section in SECTIONS if section.shown_to(visitor)],
        "operator_sections": [section for section in OPERATOR_SECTIONS if section.shown_to(visitor)],
        "memberships": memberships(request),
        "current_member": member,
    }
