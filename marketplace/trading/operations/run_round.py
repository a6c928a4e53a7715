"""Take rounds through their states; every step can be killed and run again."""

from datetime import datetime

from marketplace.trading.models import Round
from marketplace.trading.operations.claim import claim
from marketplace.trading.operations.clear_round import clear_round
from marketplace.trading.operations.close_gate import close_gate
from marketplace.trading.operations.expire_orders import expire_orders
from marketplace.trading.operations.fail_round import fail_round
from marketplace.trading.operations.open_round import open_round
from marketplace.trading.operations.settle_round import settle_round

MOST_CLAIMS = 5


def run_due_round(*, now: datetime) -> Round | None:
    """Finish what is unfinished, then close the open round if its gate is due, clear it and settle it.

    Returns the round it closed, if any. May run at any time, any number of times and in several processes:
    whatever was left half-way by a process that died is taken up where it stands.
    """
    expire_orders(now=now)
    resume_rounds(now=now)
    opened = open_round(now=now)
    return run_round(round_id=opened.pk, now=now) if opened.gate_at <= now else None


def resume_rounds(*, now: datetime) -> list[Round]:
    """Take every closed or cleared round on which nobody works to its end, the earliest first."""
    unfinished = list(Round.objects.unfinished().order_by("pk").values_list("pk", flat=True))
    return [advance_round(round_id=pk, now=now) for pk in unfinished]


def run_round(*, round_id: int, now: datetime) -> Round | None:
    """Close this round's gate now, clear it and settle it. None where the gate could not be closed."""
    closed = close_gate(round_id=round_id, now=now)
    return None if closed is None else advance_round(round_id=closed.pk, now=now)


def advance_round(*, round_id: int, now: datetime) -> Round:
    """Clear a closed round, settle a cleared one, unless another process is at it. Returns it as it is then.

    A round that has been claimed MOST_CLAIMS times and is still unfinished fails, so that one book that
    kills its clearer does not stop the exchange.
    """
    with claim(round_id) as fence:
        current = _light(round_id)
        if fence is None:
            return current
        if fence > MOST_CLAIMS and current.is_unfinished:
            error = f"It was not finished in {MOST_CLAIMS} attempts."
            fail_round(
                round_id=round_id, fence=fence, status=Round.Status(current.status), error=error, now=now
            )
        if _light(round_id).status == Round.Status.CLOSED:
            clear_round(round_id=round_id, fence=fence, now=now)
        if _light(round_id).status == Round.Status.CLEARED:
            settle_round(round_id=round_id, fence=fence, now=now)
        return _light(round_id)


def _light(round_id: int) -> Round:
    """The round without its documents."""
    light: Round = Round.objects.defer("book", "result").get(pk=round_id)
    return light
