"""A pytest plugin, loaded before the settings are read: it starts the private servers the tests run on.

Each test process gets a Redis database of its own (Django makes the test databases), so that neither a
running demo nor another test process is disturbed.
"""

import os

from marketplace import private_services

CONTROLLER_DATABASE = 8  # pytest-xdist's workers inherit its address, and take one of their own after it

private_services.start()
inherited = private_services.redis_url(CONTROLLER_DATABASE)
if os.environ.setdefault("REDIS_URL", inherited) == inherited and "PYTEST_XDIST_WORKER" in os.environ:
    worker = int(os.environ["PYTEST_XDIST_WORKER"].removeprefix("gw"))
    os.environ["REDIS_URL"] = private_services.redis_url(CONTROLLER_DATABASE + 1 + worker)
