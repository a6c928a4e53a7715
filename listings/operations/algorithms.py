"""A publisher's algorithms: described as drafts, then listed and withdrawn."""

import datetime
from typing import NotRequired, TypedDict, Unpack

from django.db import transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from accounts.audit import Actor, record
from accounts.errors import InvalidInput
from accounts.permissions import require_verified
from listings.errors import WrongStatus
from listings.models import Algorithm, LicencePlan
from listings.operations.guard import clean, insert, require_own, require_provider

LONGEST_CARD = 100_000


class AlgorithmFields(TypedDict):
    name_zh: str
    name_en: str
    task: str
    modality: str
    card: str
    filing_number: str
    data_class: NotRequired[str]


@transaction.atomic
def add_algorithm(*, actor: Actor, now: datetime.datetime, **fields: Unpack[AlgorithmFields]) -> Algorithm:
    """Describe an algorithm of the actor's organisation: a draft, until it is listed."""
    publisher = require_provider(actor)
    _require_short(fields["card"])
    algorithm = Algorithm(publisher=publisher, slug=_free_slug(fields["name_en"]), created_at=now, **fields)
    insert(algorithm)
    record(actor=actor, verb="add", subject=algorithm, now=now)
    return algorithm


@transaction.atomic
def edit_algorithm(
    *, actor: Actor, algorithm: Algorithm, now: datetime.datetime, **fields: Unpack[AlgorithmFields]
) -> Algorithm:
    """Correct an algorithm's description. Its address stays."""
    algorithm = claim(actor, algorithm)
    _require_short(fields["card"])
    changed = [name for name, value in fields.items() if value != getattr(algorithm, name)]
    for name in changed:
        setattr(algorithm, name, fields[name])  # type: ignore[literal-required]
    clean(algorithm)
    algorithm.save(update_fields=changed)
    record(actor=actor, verb="edit", subject=algorithm, detail={"fields": changed}, now=now)
    return algorithm


@transaction.atomic
def list_algorithm(*, actor: Actor, algorithm: Algorithm, now: datetime.datetime) -> Algorithm:
    """Put an algorithm on sale: it needs a version and a licence plan."""
    algorithm = claim(actor, algorithm)
    require_verified(algorithm.publisher)
    if algorithm.status == Algorithm.Status.LISTED:
        raise WrongStatus(_("This algorithm is listed already."))
    if not algorithm.versions.exists():
        raise WrongStatus(_("Add a version before you list the algorithm."))
    if not algorithm.plans.filter(status=LicencePlan.Status.LISTED).exists():
        raise WrongStatus(_("Add a licence plan before you list the algorithm."))
    return _set_status(actor, algorithm, Algorithm.Status.LISTED, "list", now)


@transaction.atomic
def withdraw_algorithm(*, actor: Actor, algorithm: Algorithm, now: datetime.datetime) -> Algorithm:
    """Take an algorithm off sale. Licences that were sold keep their terms; it can be listed again."""
    algorithm = claim(actor, algorithm)
    if algorithm.status != Algorithm.Status.LISTED:
        raise WrongStatus(_("Only a listed algorithm can be withdrawn."))
    return _set_status(actor, algorithm, Algorithm.Status.WITHDRAWN, "withdraw", now)


def claim(actor: Actor, algorithm: Algorithm) -> Algorithm:
    """The actor's own algorithm as it now stands, locked."""
    require_own(actor, algorithm.publisher)
    return Algorithm.objects.select_for_update(no_key=True).get(pk=algorithm.pk)


def _set_status(
    actor: Actor, algorithm: Algorithm, status: Algorithm.Status, verb: str, now: datetime.datetime
) -> Algorithm:
    algorithm.status = status
    algorithm.save(update_fields=["status"])
    record(actor=actor, verb=verb, subject=algorithm, now=now)
    return algorithm


def _require_short(card: str) -> None:
    if len(card) > LONGEST_CARD:
        raise InvalidInput(
            _("The model card is longer than %(most)s characters. Keep what a buyer decides by.")
            % {"most": LONGEST_CARD}
        )


def _free_slug(name: str) -> str:
    """An address made of the name, numbered where another algorithm has it."""
    base = slugify(name)[:40].strip("-") or "algorithm"
    taken = set(Algorithm.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    candidates = (f"{base}-{number}" if number > 1 else base for number in range(1, len(taken) + 2))
    return next(slug for slug in candidates if slug not in taken)
