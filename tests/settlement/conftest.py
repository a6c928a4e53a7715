from collections.abc import Callable

import pytest

from accounts.models import Organisation
from tests.factories.settlement import fund as bring
from tests.settlement.stripe_world import world

__all__ = ["world"]


@pytest.fixture
def fund() -> Callable[[Organisation, int], None]:
    """Bring money in from the bank: `fund(organisation, fen)`."""
    return bring
