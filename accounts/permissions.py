"""Who may do what: a table from roles, and one from an API key's scopes, to permissions."""

from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.audit import Actor
from accounts.errors import DomainError, NotAllowed
from accounts.models import Member, Organisation, Role, Scope, User
from accounts.names import local_name


class Permission(models.TextChoices):
    MANAGE_ORGANISATION = "manage_organisation", gettext_lazy("Manage the organisation, its members and keys")
    MANAGE_LISTINGS = "manage_listings", gettext_lazy("Change listings")
    TRADE = "trade", gettext_lazy("Place and cancel orders")
    SEE_MONEY = "see_money", gettext_lazy("See balances and transfers")
    MOVE_MONEY = "move_money", gettext_lazy("Move money")
    SEE_DELIVERY = "see_delivery", gettext_lazy("See deliveries and access details")
    REPORT_DELIVERY = "report_delivery", gettext_lazy("Report deliveries and meters")
    DISPUTE = "dispute", gettext_lazy("Open and answer disputes")
    USE_LICENCES = "use_licences", gettext_lazy("Use licences: keys, seats, tokens and downloads")
    RUN_PROGRAMMES = "run_programmes", gettext_lazy("Run voucher programmes")
    TERMINATE = "terminate", gettext_lazy("End contracts before their time")
    VIEW = "view", gettext_lazy("See listings, orders and contracts")


ROLE_MAY: dict[Role, frozenset[Permission]] = {
    Role.OWNER: frozenset(Permission),
    Role.TRADER: frozenset(
        {
            Permission.MANAGE_LISTINGS,
            Permission.TRADE,
            Permission.SEE_MONEY,
            Permission.SEE_DELIVERY,
            Permission.REPORT_DELIVERY,
            Permission.DISPUTE,
            Permission.TERMINATE,
            Permission.USE_LICENCES,
            Permission.VIEW,
        }
    ),
    Role.FINANCE: frozenset(
        {
            Permission.SEE_MONEY,
            Permission.MOVE_MONEY,
            Permission.DISPUTE,
            Permission.RUN_PROGRAMMES,
            Permission.VIEW,
        }
    ),
    Role.ENGINEER: frozenset(
        {Permission.SEE_DELIVERY, Permission.REPORT_DELIVERY, Permission.USE_LICENCES, Permission.VIEW}
    ),
    Role.VIEWER: frozenset({Permission.VIEW}),
}

# No scope manages the organisation: only a person invites people and creates keys.
SCOPE_MAY: dict[Scope, frozenset[Permission]] = {
    Scope.READ: frozenset({Permission.VIEW, Permission.SEE_MONEY, Permission.SEE_DELIVERY}),
    Scope.LISTINGS: frozenset({Permission.MANAGE_LISTINGS}),
    Scope.ORDERS: frozenset({Permission.TRADE, Permission.TERMINATE}),
    Scope.MONEY: frozenset({Permission.MOVE_MONEY}),
    Scope.DELIVERY: frozenset({Permission.REPORT_DELIVERY, Permission.DISPUTE}),
}


class NotVerified(DomainError):
    """The organisation has not been verified, so it may not trade."""

    code = "not_verified"
    status = 403


class SecondFactorMissing(NotAllowed):
    """The user's role needs a second factor, and none is set up."""

    code = "second_factor_missing"


def permissions_of(actor: Actor) -> frozenset[Permission]:
    """What the actor may do for its organisation, read afresh: a role taken away counts at once."""
    if actor.organisation is None:
        return frozenset()
    if actor.api_key is not None:
        if actor.api_key.organisation_id != actor.organisation.pk:
            return frozenset()
        return frozenset().union(*(SCOPE_MAY[Scope(scope)] for scope in actor.api_key.scopes))
    if actor.user is None:
        return frozenset()
    role = (
        Member.objects.filter(organisation=actor.organisation, user=actor.user, user__is_active=True)
        .values_list("role", flat=True)
        .first()
    )
    return ROLE_MAY[Role(role)] if role else frozenset()


def require(actor: Actor, permission: Permission) -> Organisation:
    """The organisation that the actor acts for.

    Raises NotAllowed unless the actor's role in it, or its key's scopes, include the permission.
    """
    if actor.organisation is not None and permission in permissions_of(actor):
        return actor.organisation
    if actor.api_key is not None:
        sentence = _("This API key's scopes do not include: %(permission)s. Create a key that has it.")
    else:
        sentence = _("Your role does not include: %(permission)s. Ask an owner of your organisation.")
    raise NotAllowed(sentence % {"permission": permission.label})


def require_operator(actor: Actor) -> User:
    """Raise NotAllowed unless the actor is a person who operates the exchange; return that person."""
    if actor.user is None or not actor.user.is_operator:
        raise NotAllowed(_("Only an operator of the exchange may do this."))
    return actor.user


def require_verified(organisation: Organisation) -> None:
    """Raise NotVerified unless an operator has verified the organisation."""
    if organisation.is_verified:
        return
    if organisation.verification == Organisation.Verification.REJECTED:
        sentence = _(
            "%(organisation)s was not verified: %(reason)s Correct its details, then submit them again."
        )
        reason = organisation.verification_note
        raise NotVerified(sentence % {"organisation": local_name(organisation), "reason": reason})
    sentence = _("%(organisation)s is waiting to be verified; it can trade once an operator has done so.")
    raise NotVerified(sentence % {"organisation": local_name(organisation)})


def lacks_second_factor(user: User, member: Member | None = None) -> bool:
    """Whether this person, as an operator or in this membership, must set up a second factor first."""
    must_have_one = user.is_operator or (member is not None and member.role == Role.OWNER)
    return settings.REQUIRE_MFA and must_have_one and not is_mfa_enabled(user)
