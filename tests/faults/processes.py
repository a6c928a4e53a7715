"""What a process of its own needs to work on the tests' database."""

import os
from urllib.parse import quote, urlencode

from django.conf import settings
from django.db import connection


def environment() -> dict[str, str]:
    """The environment of a process that shares the test's database and Redis."""
    database = connection.settings_dict
    user = quote(database["USER"]) + (f":{quote(database['PASSWORD'])}" if database["PASSWORD"] else "")
    place = database["HOST"] + (f":{database['PORT']}" if database["PORT"] else "")
    options = urlencode(
        {name: value for name, value in database["OPTIONS"].items() if isinstance(value, str)}
    )
    return os.environ | {
        "DATABASE_URL": f"postgresql://{user}@{place}/{database['NAME']}?{options}",
        "REDIS_URL": settings.REDIS_URL,
        "SECRET_KEY": "of these tests alone",
        "DJANGO_SETTINGS_MODULE": "marketplace.settings",
    }
