"""Post on a server of its own, kill the server at once, start it again, and look. Run by its test."""

import os
import re
import signal
import subprocess
from contextlib import suppress

import django
import psutil

from marketplace import private_services
from marketplace.private_services import servers

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")
os.environ["DATABASE_URL"] = private_services.database_url()
os.environ |= {"SECRET_KEY": "test", "SIGNING_KEYS": "A" * 43 + "="}
django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from settlement.ledger.models import AccountKind, Transfer, TransferKind  # noqa: E402
from settlement.ledger.operations import Posting, platform_account, post_transfer  # noqa: E402


def start() -> "subprocess.Popen[bytes]":
    return servers.START["postgres"]()


def sql(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def survives(server: "subprocess.Popen[bytes]", key: str) -> "tuple[subprocess.Popen[bytes], bool]":
    """Post, and kill every process of the server before it can do anything by itself."""
    bank, fees = (platform_account(kind=kind).shard_for("") for kind in (AccountKind.BANK, AccountKind.FEES))
    postmaster = psutil.Process(server.pid)
    processes = [postmaster, *postmaster.children(recursive=True)]
    post_transfer(
        kind=TransferKind.TOP_UP,
        source="test",
        source_id=key,
        postings=[Posting(bank, -5), Posting(fees, 5)],
        now=timezone.now(),
    )
    while processes:
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        server.wait()
        psutil.wait_procs(processes)
        processes = left_behind()
    connection.close()
    server = start()
    return server, Transfer.objects.filter(source_id=key).exists()


def left_behind() -> list[psutil.Process]:
    """What the server started meanwhile: every process of a server works in its data directory."""
    home = str(private_services.DATA_DIR / "postgres")
    return [each for each in psutil.process_iter(["cwd"]) if each.info["cwd"] == home]


def without_the_message() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_functiondef(%s::regproc)", ["ledger_post_durably"])
        definition = cursor.fetchone()[0]
    unguarded = re.sub(r"written := pg_logical_emit_message[^;]*;", "", definition)
    assert unguarded != definition
    sql(unguarded)


def main() -> None:
    servers.prepare_socket_dir()
    server = start()
    call_command("migrate", "ledger", verbosity=0)
    # Otherwise the log's writer would soon write down by itself what nobody waits for.
    sql("ALTER SYSTEM SET wal_writer_delay = '10s'")
    sql("SELECT pg_reload_conf()")
    server, found = survives(server, "guarded")
    print("guarded:", found)
    without_the_message()
    server, found = survives(server, "unguarded")
    print("unguarded:", found)
    connection.close()
    server.send_signal(signal.SIGINT)
    server.wait()


if __name__ == "__main__":
    main()
