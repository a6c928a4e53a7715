"""The way out is always in sight, however long the list of sections is."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from accounts.models import Role, User
from tests.factories.accounts import MemberFactory, UserFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("browser")]


def operator() -> User:
    return UserFactory(is_staff=True)


def operator_and_owner() -> User:
    return MemberFactory(role=Role.OWNER, user__is_staff=True).user


@pytest.mark.parametrize(
    ("somebody", "height"), [(operator, 860), (operator_and_owner, 860), (operator, 600)]
)
def test_an_operator_signs_out_without_scrolling(
    page: Page, sign_in: Callable[[User], None], somebody: Callable[[], User], height: int
) -> None:
    sign_in(somebody())
    page.set_viewport_size({"width": 1366, "height": height})
    page.goto("/operator/rounds/")
    button = page.get_by_role("button", name="Sign out")
    place = button.bounding_box()
    assert place is not None
    assert place["y"] + place["height"] <= height
    last = page.locator(".sidebar .sections a").last
    last.scroll_into_view_if_needed()
    seen = last.bounding_box()
    assert seen is not None
    assert seen["y"] + seen["height"] <= place["y"]
