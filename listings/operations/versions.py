"""Releases of an algorithm: each immutable once added."""

import datetime
from collections.abc import Sequence

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit import Actor, record
from accounts.errors import InvalidInput
from listings.models import Accelerator, Algorithm, AlgorithmVersion
from listings.operations.algorithms import claim
from listings.operations.guard import insert
from listings.uploads import Upload, check_reference, check_upload, sha256_of


@transaction.atomic
def add_version(
    *,
    actor: Actor,
    algorithm: Algorithm,
    number: str,
    stacks: Sequence[str],
    accelerators: Sequence[Accelerator],
    now: datetime.datetime,
    file: "Upload | None" = None,
    reference: str = "",
    sha256: str = "",
    size_bytes: int | None = None,
) -> AlgorithmVersion:
    """Release a version: an uploaded file, whose SHA-256 and size are computed here, or an HTTPS reference
    with the SHA-256 and size that its publisher states.
    """
    algorithm = claim(actor, algorithm)
    version = AlgorithmVersion(algorithm=algorithm, number=number, stacks=list(stacks), released_at=now)
    if (file is None) == (not reference):
        raise InvalidInput(_("Give either a file or a reference."))
    if file is not None:
        suffix = check_upload(file)
        version.sha256, version.size_bytes = sha256_of(file), file.size or 0
        # Kept under its hash: the name that the uploader chose never reaches the disk.
        file.name = f"{version.sha256}{suffix}"
        version.file = file
    else:
        check_reference(reference)
        if not size_bytes:
            raise InvalidInput(_("Give the size of the referenced file in bytes."))
        version.reference, version.sha256, version.size_bytes = reference, sha256.lower(), size_bytes
    insert(version)
    version.accelerators.set(accelerators)
    record(
        actor=actor,
        verb="release",
        subject=version,
        detail={"algorithm": algorithm.pk, "number": number, "sha256": version.sha256},
        now=now,
    )
    return version
