"""Tell software whether its licence may be used, in a signed answer that it can trust for a while offline."""

import datetime
from dataclasses import dataclass

from django.conf import settings

from settlement.contracts.document import stamp
from settlement.licences.keys import VALIDATION, statement
from settlement.licences.models import LicenceToken, Standing
from settlement.licences.models.licence import USABLE


@dataclass(frozen=True)
class Validation:
    """`statement` says the same under the platform's signature, with the caller's nonce in it."""

    number: str
    standing: Standing
    activated: bool
    valid: bool
    calls_left: int | None
    validated_at: datetime.datetime
    good_until: datetime.datetime
    statement: str


def validate(*, token: LicenceToken, fingerprint: str, nonce: str, now: datetime.datetime) -> Validation:
    """Valid: the licence may be used and this machine has a seat. Without a fingerprint no seat is asked for.

    The answer is good until the cache time is over, or before that the machine's lease or the licence is.
    """
    licence = token.licence
    standing = licence.standing(now=now)
    seat = licence.activations.active().filter(fingerprint=fingerprint).first() if fingerprint else None
    valid = standing in USABLE and (seat is not None or not fingerprint)
    ends = [now + datetime.timedelta(minutes=settings.LICENCE_CACHE_MINUTES), licence.grace_until]
    ends.append(seat.leased_until if seat else None)
    good_until = max(now, min(end for end in ends if end is not None))
    facts = {
        "licence": licence.number,
        "nonce": nonce,
        "fingerprint": fingerprint,
        "standing": standing.value,
        "activated": seat is not None,
        "valid": valid,
        "calls_left": licence.calls_left,
        "validated_at": stamp(now),
        "good_until": stamp(good_until),
    }
    return Validation(
        number=licence.number,
        standing=standing,
        activated=seat is not None,
        valid=valid,
        calls_left=licence.calls_left,
        validated_at=now,
        good_until=good_until,
        statement=statement(VALIDATION, facts),
    )
