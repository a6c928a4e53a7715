from datetime import datetime

from marketplace.trading.horizon import next_gate
from marketplace.trading.models import Round


def open_round(*, now: datetime) -> Round:
    """The open round, opened if there is none: its gate is the next of the set times."""
    opened, _ = Round.objects.get_or_create(
        status=Round.Status.OPEN, defaults={"gate_at": next_gate(now), "opened_at": now}
    )
    return opened
