"""A pytest plugin, loaded before the settings are read: it starts the private servers the tests run on.

Each test process gets a Redis database of its own (Django makes the test databases), so that neither a
running demo nor another test process is disturbed.
"""

import os

from marketplace import private_services

FIRST_REDIS_DATABASE = 8

private_services.start()
worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
os.environ.setdefault("REDIS_URL", private_services.redis_url(FIRST_REDIS_DATABASE + worker))
