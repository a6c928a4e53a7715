import os
from pathlib import Path

from celery import shared_task


@shared_task
def beat() -> None:
    """A heartbeat that came through the queue: `manage.py work` watches the file's time."""
    Path(os.environ["HEARTBEAT_FILE"]).touch()
