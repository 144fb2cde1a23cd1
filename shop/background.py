"""What the shop does on its own: tasks that requests left in the database, and jobs that time brings.

The embedded shop runs this in a thread of its one process; production runs `manage.py background` beside the
web processes. Several may run: every job is safe to run twice.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import timedelta

from django.core.management import call_command
from django.db import close_old_connections
from django.tasks import TaskResultStatus
from django.utils import timezone
from django_tasks_db.management.commands.db_worker import Worker
from django_tasks_db.models import DBTaskResult

from notifications.services import prune, relay
from shop.payments.services import expire_orders, reconcile
from shop.shipping.services import forget_old_quotes

logger = logging.getLogger(__name__)
ABANDONED_AFTER = timedelta(minutes=5)


def revive_tasks() -> int:
    """Tasks whose worker died in the middle run again: every task of ours is safe to repeat."""
    abandoned = DBTaskResult.objects.running().filter(started_at__lt=timezone.now() - ABANDONED_AFTER)
    return abandoned.update(status=TaskResultStatus.READY)


def tidy() -> None:
    prune()
    forget_old_quotes()
    call_command("clearsessions")
    call_command("prune_db_task_results", verbosity=0)


# Seconds between two runs of each job.
JOBS: dict[Callable[[], object], float] = {
    relay: 2,
    expire_orders: 10,
    reconcile: 30,
    revive_tasks: 60,
    tidy: 3600,
}


def run_jobs(stopping: threading.Event) -> None:
    """Runs each job when it is due, until told to stop. A job that fails is logged and tried at its next turn."""
    due = {job: time.monotonic() + every for job, every in JOBS.items()}
    while not stopping.wait(max(0.0, min(due.values()) - time.monotonic())):
        job = min(due, key=due.__getitem__)
        close_old_connections()
        try:
            job()
        except Exception:
            logger.exception("the job %s failed", job.__name__)
        finally:
            close_old_connections()
        due[job] = time.monotonic() + JOBS[job]


def new_worker(name: str, interval: float = 0.5) -> Worker:
    return Worker(
        queue_names=["*"],
        interval=interval,
        batch=False,
        backend_name="default",
        startup_delay=False,
        max_tasks=None,
        worker_id=name,
        excluded_queue_names=[],
    )


class Background:
    """The worker and the jobs, each in a thread of this process."""

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self.worker = new_worker(f"in-process-{id(self):x}")
        self.threads = [
            threading.Thread(target=self._work, name="tasks", daemon=True),
            threading.Thread(target=run_jobs, args=[self.stopping], name="jobs", daemon=True),
        ]

    def _work(self) -> None:
        while self.worker.running:
            try:
                self.worker.run()
            except Exception:
                # Such as a database that is away: its rows wait.
                logger.exception("the task worker stopped; starting it again")
                self.stopping.wait(2)

    def start(self) -> Background:
        for thread in self.threads:
            thread.start()
        return self

    def stop(self, within: float = 5.0) -> None:
        """Ends after the task and the job in hand, or after `within` seconds."""
        self.worker.running = False
        self.stopping.set()
        for thread in self.threads:
            thread.join(within)


def start_in_thread() -> Background:
    return Background().start()
