"""A deployment refuses to start without its own secrets; with them, Django's deployment checks are clean."""

import os
import subprocess
import sys

from marketplace import private_services

PRODUCTION = {
    "DATABASE_URL": private_services.database_url(),
    "REDIS_URL": "redis://localhost:6379/0",
    "ALLOWED_HOSTS": "suanpan.example",
}
SECRET_KEY = "k3y!" * 20 + "-of-many-different-signs"


def run_check(**environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        env={"PATH": os.environ["PATH"], **environment},
        cwd=private_services.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )


def test_deployment_checks_are_clean() -> None:
    checked = run_check(**PRODUCTION, SECRET_KEY=SECRET_KEY, SIGNING_KEYS="A" * 43 + "=")
    assert checked.returncode == 0, checked.stderr


def test_a_deployment_without_a_secret_key_does_not_start() -> None:
    checked = run_check(**PRODUCTION)
    assert checked.returncode != 0
    assert "Set SECRET_KEY" in checked.stderr


def test_a_deployment_without_a_signing_key_does_not_start() -> None:
    checked = run_check(**PRODUCTION, SECRET_KEY=SECRET_KEY)
    assert checked.returncode != 0
    assert "Set SIGNING_KEYS" in checked.stderr
