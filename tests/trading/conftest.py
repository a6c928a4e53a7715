import datetime

import pytest


@pytest.fixture
def clock(now: datetime.datetime, monkeypatch: pytest.MonkeyPatch) -> datetime.datetime:
    """Pages read the clock at their door: here it shows the tests' `now`."""
    monkeypatch.setattr("django.utils.timezone.now", lambda: now)
    return now
