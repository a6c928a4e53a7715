"""A role, or a key's scopes, say what an actor may do; a role that is taken away counts at once."""

import pytest

from accounts.audit import Actor
from accounts.errors import NotAllowed
from accounts.models import ApiKey, Member, Organisation, Role, Scope, User
from accounts.permissions import (
    ROLE_MAY,
    SCOPE_MAY,
    NotVerified,
    Permission,
    permissions_of,
    require,
    require_operator,
    require_verified,
)
from tests.factories.accounts import OrganisationFactory


def test_every_role_and_scope_is_in_the_table() -> None:
    assert set(ROLE_MAY) == set(Role)
    assert set(SCOPE_MAY) == set(Scope)


def test_only_owners_manage_the_organisation_and_no_key_does() -> None:
    managers = {
        role for role, permissions in ROLE_MAY.items() if Permission.MANAGE_ORGANISATION in permissions
    }
    assert managers == {Role.OWNER}
    assert not any(Permission.MANAGE_ORGANISATION in permissions for permissions in SCOPE_MAY.values())


def test_a_trader_trades_for_its_organisation_and_a_viewer_does_not(trader: Member, viewer: Member) -> None:
    actor = Actor(user=trader.user, organisation=trader.organisation)
    assert require(actor, Permission.TRADE) == trader.organisation
    with pytest.raises(NotAllowed, match="Ask an owner"):
        require(Actor(user=viewer.user, organisation=viewer.organisation), Permission.TRADE)


def test_a_stranger_may_do_nothing(buyer: Organisation, stranger: Member) -> None:
    assert permissions_of(Actor(user=stranger.user, organisation=buyer)) == frozenset()


def test_nobody_may_do_nothing(buyer: Organisation) -> None:
    assert permissions_of(Actor(organisation=buyer)) == frozenset()
    assert permissions_of(Actor()) == frozenset()
    with pytest.raises(NotAllowed, match="Ask an owner"):
        require(Actor(), Permission.VIEW)


def test_a_removed_member_loses_everything_at_once(trader: Member) -> None:
    actor = Actor(user=trader.user, organisation=trader.organisation)
    trader.delete()
    assert permissions_of(actor) == frozenset()


def test_a_deactivated_user_loses_everything_at_once(trader: Member) -> None:
    User.objects.filter(pk=trader.user_id).update(is_active=False)
    assert permissions_of(Actor(user=trader.user, organisation=trader.organisation)) == frozenset()


def test_a_key_may_do_what_its_scopes_say_in_its_own_organisation_only(
    buyer: Organisation, stranger: Member
) -> None:
    key = ApiKey(organisation=buyer, scopes=[Scope.READ, Scope.ORDERS])
    require(Actor(api_key=key, organisation=buyer), Permission.TRADE)
    require(Actor(api_key=key, organisation=buyer), Permission.SEE_MONEY)
    with pytest.raises(NotAllowed, match="scopes do not include"):
        require(Actor(api_key=key, organisation=buyer), Permission.MOVE_MONEY)
    assert permissions_of(Actor(api_key=key, organisation=stranger.organisation)) == frozenset()


def test_only_staff_operates(operator: User, owner: Member) -> None:
    assert require_operator(Actor(user=operator)) == operator
    with pytest.raises(NotAllowed):
        require_operator(Actor(user=owner.user, organisation=owner.organisation))


@pytest.mark.django_db
def test_an_organisation_that_is_not_verified_is_told_why() -> None:
    require_verified(OrganisationFactory.build(verified_by=None))
    pending = OrganisationFactory.build(verified_by=None, verification=Organisation.Verification.PENDING)
    with pytest.raises(NotVerified, match="waiting"):
        require_verified(pending)
    rejected = OrganisationFactory.build(
        verified_by=None,
        verification=Organisation.Verification.REJECTED,
        verification_note="The licence has expired.",
    )
    with pytest.raises(NotVerified, match=r"The licence has expired\."):
        require_verified(rejected)
