import os
import signal
import socket
import sys
import time
from argparse import ArgumentParser
from datetime import datetime
from types import FrameType
from typing import Any, NoReturn

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from marketplace import private_services
from marketplace.demo.agent import report_closed_hours
from marketplace.demo.demand import arrival_rate
from marketplace.demo.market import EXCHANGE, OPERATOR, PASSWORD, Market, ensure_market, place_demand
from marketplace.demo.processes import ProcessEnded, Processes, program
from marketplace.trading.models import Order, Round
from marketplace.trading.operations.open_round import open_round
from marketplace.trading.summary import describe_round
from marketplace.trading.tasks import run_round_now
from settlement.contracts.models import Contract

HOST = "127.0.0.1"
LETTERS = private_services.DATA_DIR / "letters"
# Demo users have no second factor; letters go to files (django-environ takes one slash off the path).
CHILDREN = {"DEMO": "true", "REQUIRE_MFA": "false", "EMAIL_URL": f"filemail:///{LETTERS}"}
BIDS = 2_400
BIDS_A_MINUTE = 40
START_SECONDS = 60
ROUND_SECONDS = 120


class Command(BaseCommand):
    help = "Start the exchange on this machine with an illustrative market, and clear rounds on real demand."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--rounds", type=int, default=0, help="clear this many rounds, then stop")
        parser.add_argument("--bids", type=int, default=BIDS, help="how many bids rest before a round")
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *args: Any, rounds: int, bids: int, port: int, **options: Any) -> None:
        os.environ.update(CHILDREN)
        for ending in (signal.SIGTERM, signal.SIGINT):
            signal.signal(ending, _interrupt)
        processes = Processes(sys.stdout)
        try:
            market = self._prepare(bids, timezone.now())
            self._start(processes, port)
            self._greet(port)
            for _ in range(rounds):
                self._clear_round(processes)
            if not rounds:
                self._trade_on(market, processes)
        except KeyboardInterrupt:
            self.stdout.write("\nStopping.")
        except ProcessEnded as ended:
            raise CommandError(str(ended)) from ended
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # A second Ctrl-C must not leave processes behind.
            processes.stop()

    def _prepare(self, bids: int, now: datetime) -> Market:
        self.stdout.write("Preparing the database …")
        call_command("migrate", verbosity=0)
        self.stdout.write("Preparing the market: facilities, pools, capacity, buyers, funds …")
        market = ensure_market(now=now)
        missing = bids - Order.objects.filter(status=Order.Status.RESTING).count()
        if missing > 0:
            placed = place_demand(market, count=missing, seed=int(now.timestamp()), now=now)
            self.stdout.write(
                f"Placed {placed:,} bids, drawn from public cluster traces; limits are synthetic."
            )
        return market

    def _start(self, processes: Processes, port: int) -> None:
        if _answers(port):
            raise CommandError(f"Port {port} is taken: stop what uses it, or choose another with --port.")
        processes.start(
            "web",
            [
                program("gunicorn"),
                "marketplace.wsgi",
                "--bind",
                f"{HOST}:{port}",
                "--workers",
                "2",
                "--threads",
                "4",
            ],
        )
        processes.start("worker", [sys.executable, private_services.BASE_DIR / "manage.py", "work"])
        processes.start("beat", [program("celery"), "-A", "marketplace", "beat", "--loglevel", "info"])
        deadline = time.monotonic() + START_SECONDS
        while not _answers(port):
            processes.check()
            if time.monotonic() > deadline:
                raise CommandError(
                    f"The web process did not answer on port {port} in {START_SECONDS} seconds."
                )
            time.sleep(0.2)

    def _greet(self, port: int) -> None:
        self.stdout.write(
            f"\nSuanpan is at http://{HOST}:{port}/  (Ctrl-C stops it)\n"
            f"  buyer     buyer@demo.example      {PASSWORD}\n"
            f"  provider  provider@demo.example   {PASSWORD}\n"
            f"  issuer    issuer@demo.example     {PASSWORD}\n"
            f"  operator  {OPERATOR}   {PASSWORD}\n"
            f"Letters to users are files in {LETTERS}.\n"
        )

    def _clear_round(self, processes: Processes) -> None:
        """Have the worker close the gate, clear and settle; print what it did and prove the ledger."""
        opened = open_round(now=timezone.now())
        run_round_now.delay(opened.pk)
        deadline = time.monotonic() + ROUND_SECONDS
        while (done := Round.objects.get(pk=opened.pk)).status not in (
            Round.Status.SETTLED,
            Round.Status.FAILED,
        ):
            processes.check()
            if time.monotonic() > deadline:
                raise CommandError(f"Round {done.pk} is still {done.status} after {ROUND_SECONDS} seconds.")
            time.sleep(0.2)
        if done.status == Round.Status.FAILED:
            raise CommandError(f"Round {done.pk} failed: {done.error}")
        self.stdout.write(describe_round(done))
        made = Contract.objects.filter(trade__round=done).count()
        self.stdout.write(f"  {'contracts':26}{made:,}")
        self.stdout.write(f"  {'ledger':26}", ending="")
        call_command("check_ledger", stdout=self.stdout)

    def _trade_on(self, market: Market, processes: Processes) -> None:
        """Keep orders coming until the user interrupts or a process ends."""
        while True:
            for _ in range(60):
                processes.check()
                time.sleep(1)
            now = timezone.now()
            ensure_market(now=now)
            report_closed_hours(now=now)
            count = round(BIDS_A_MINUTE * arrival_rate(now.astimezone(EXCHANGE).hour))
            place_demand(market, count=count, seed=int(now.timestamp()), now=now)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def _interrupt(signum: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
