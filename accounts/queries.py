from accounts.models import Member, User


def current_member(user: User, *, chosen: int | None) -> Member | None:
    """The user's membership in the `chosen` organisation, or else the one joined first."""
    memberships = list(
        Member.objects.filter(user=user).select_related("organisation").order_by("joined_at", "pk")
    )
    by_organisation = {member.organisation_id: member for member in memberships}
    return by_organisation.get(chosen) or next(iter(memberships), None)
