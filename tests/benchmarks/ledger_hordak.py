"""One process of the ledger's benchmark, on django-hordak, by its own `Account.transfer_to`."""

import os
import random
import sys
import time
from urllib.parse import parse_qs, urlsplit

import django
from django.conf import settings

url = urlsplit(os.environ["DATABASE_URL"])
settings.configure(
    SECRET_KEY="benchmark",
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": url.path.removeprefix("/"),
            "USER": url.username,
            "HOST": parse_qs(url.query)["host"][0],
        }
    },
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "mptt", "hordak"],
    CURRENCIES=("CNY",),
    DEFAULT_CURRENCY="CNY",
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=True,
)
django.setup()

from django.core.management import call_command  # noqa: E402
from hordak.models import Account  # noqa: E402
from moneyed import Money  # noqa: E402

ACCOUNTS = 1000


def prepare() -> None:
    call_command("migrate", verbosity=0)
    for number in range(ACCOUNTS):
        Account.objects.create(
            name=str(number), code=str(number), type=Account.TYPES.income, currencies=["CNY"]
        )


def work(scenario: str, worker: str, seconds: float) -> int:
    accounts = list(Account.objects.order_by("pk"))
    dice = random.Random(worker)
    amount = Money("0.01", "CNY")
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    posted, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        source, target = dice.sample(accounts, 2)
        if scenario == "hot":
            source, target = accounts[0], dice.choice(accounts[1:])
        source.transfer_to(target, amount)
        posted += 1
    return posted


if __name__ == "__main__":
    if sys.argv[1] == "prepare":
        prepare()
    else:
        sys.stdout.write(f"{work(sys.argv[2], sys.argv[3], float(sys.argv[4]))}\n")
