from collections.abc import Callable

import pytest

from accounts.models import Organisation
from tests.factories.settlement import fund as bring


@pytest.fixture
def fund() -> Callable[[Organisation, int], None]:
    """Bring money in from the bank: `fund(organisation, fen)`."""
    return bring
