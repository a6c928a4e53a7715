"""One process of the ledger's benchmark, on our ledger. Run by tests.benchmarks.ledger."""

import os
import random
import sys
import time

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")
django.setup()

from django.core.management import call_command  # noqa: E402
from django.utils import timezone  # noqa: E402

from accounts.models import Organisation  # noqa: E402
from settlement.ledger.models import Account, AccountKind, TransferKind  # noqa: E402
from settlement.ledger.operations import (  # noqa: E402
    Posting,
    TransferDraft,
    accounts_of,
    platform_account,
    post_transfer,
    post_transfers,
)

ACCOUNTS = 1000
RICH = 10**12
BATCH = 100


def prepare() -> None:
    """A thousand organisations, each with more money than it can spend."""
    call_command("migrate", verbosity=0)
    now = timezone.now()
    organisations = Organisation.objects.bulk_create(
        Organisation(
            name_en=str(number), name_zh=str(number), registration_number=str(number), created_at=now
        )
        for number in range(ACCOUNTS)
    )
    ids = accounts_of(organisation_ids=[each.pk for each in organisations])
    bank = platform_account(kind=AccountKind.BANK).shard_for("")
    post_transfers(
        drafts=[
            TransferDraft(
                TransferKind.TOP_UP,
                "prepare",
                str(pk),
                [Posting(bank, -RICH), Posting(ids[pk, AccountKind.AVAILABLE], RICH)],
            )
            for pk in (each.pk for each in organisations)
        ],
        now=now,
    )


def work(scenario: str, worker: str, seconds: float) -> int:
    available = Account.objects.filter(kind=AccountKind.AVAILABLE).order_by("pk")
    accounts = list(available.values_list("pk", flat=True))
    dice = random.Random(worker)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    posted, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        if scenario == "batch":
            post_transfers(
                drafts=[draft(dice.sample(accounts, 2), worker, posted + each) for each in range(BATCH)],
                now=timezone.now(),
            )
            posted += BATCH
            continue
        pair = [accounts[0], dice.choice(accounts[1:])] if scenario == "hot" else dice.sample(accounts, 2)
        one = draft(pair, f"{scenario}-{worker}", posted)
        post_transfer(
            kind=one.kind,
            source=one.source,
            source_id=one.source_id,
            postings=one.postings,
            now=timezone.now(),
        )
        posted += 1
    return posted


def draft(accounts: list[int], worker: str, number: int) -> TransferDraft:
    source, target = accounts
    postings = [Posting(source, -1), Posting(target, 1)]
    return TransferDraft(TransferKind.TOP_UP, "benchmark", f"{worker}-{number}", postings)


if __name__ == "__main__":
    if sys.argv[1] == "prepare":
        prepare()
    else:
        sys.stdout.write(f"{work(sys.argv[2], sys.argv[3], float(sys.argv[4]))}\n")
