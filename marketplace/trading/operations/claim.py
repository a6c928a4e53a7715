"""Who may work on a round: one process at a time, and never one whose claim has passed to another."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.db.models import F
from django.utils.translation import gettext as _

from marketplace.trading.errors import Fenced
from marketplace.trading.models import Round

LOCKS = 0x5350  # the first half of an advisory lock's key; the second is the round's id


@contextmanager
def claim(round_id: int) -> Iterator[int | None]:
    """Claim a round for this process: yields its fencing number, or None while another works on it.

    The advisory lock belongs to the database session, so a process that dies lets go of it at once. A process
    that is only cut off or paused may come back after another has claimed the round: `check_fence`, inside
    each transaction that writes, then refuses it.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [LOCKS, round_id])
        (locked,) = cursor.fetchone() or (False,)
    if not locked:
        yield None
        return
    try:
        Round.objects.filter(pk=round_id).update(fence=F("fence") + 1)
        yield Round.objects.values_list("fence", flat=True).get(pk=round_id)
    finally:
        if connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [LOCKS, round_id])


def check_fence(*, round_id: int, fence: int, status: Round.Status) -> Round:
    """Lock the round for the rest of the transaction, if this claim still holds and it is in this status.

    Raises Fenced.
    """
    locked = Round.objects.select_for_update().filter(pk=round_id, fence=fence, status=status).first()
    if locked is None:
        raise Fenced(_("Round %(round)s has been claimed by another process.") % {"round": round_id})
    return locked
