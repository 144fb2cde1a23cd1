"""What the shop does on its own: tasks that requests left in the database, and jobs that time brings.

The embedded shop runs this in threads of its one process (BACKGROUND=off leaves it to others); production runs
`manage.py background` beside the web processes. Several may run: every job is safe to run twice.
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
from django.utils.crypto import get_random_string
from django_tasks_db.management.commands.db_worker import Worker
from django_tasks_db.models import DBTaskResult

from notifications.log_context import about
from notifications.services import forget_idle, prune, relay
from shop.alerts.services import forget_old, tell_due
from shop.cart.models import CART_KEPT, Cart
from shop.catalog.changes import forget_superseded
from shop.desk.services import clear_desks
from shop.digests import digests
from shop.drops.services import move_lines
from shop.idempotency.services import forget_answers
from shop.orders.services import tell_arrived
from shop.payments.books import compare_books
from shop.payments.cancellations import expire_orders
from shop.payments.captures import capture_shipped, watch_holds
from shop.payments.customers import forget_customers
from shop.payments.edits import expire_edits
from shop.payments.reconciliation import reconcile
from shop.payments.unheard import hear_unheard
from shop.pricing.sales import apply_sales
from shop.returns.exchanges import reopen_exchanges
from shop.shipping.services import forget_old_quotes

logger = logging.getLogger(__name__)
ABANDONED_AFTER = timedelta(minutes=5)
TRIES = 5


def revive_tasks() -> None:
    """Tasks whose worker died in the middle run again: every task of ours is safe to repeat."""
    for task in DBTaskResult.objects.running().filter(started_at__lt=timezone.now() - ABANDONED_AFTER):
        # One that keeps killing its workers is left for people to look at.
        status = TaskResultStatus.READY if len(task.worker_ids) < TRIES else TaskResultStatus.FAILED
        DBTaskResult.objects.running().filter(pk=task.pk, started_at=task.started_at).update(status=status)


def tidy() -> None:
    prune()
    forget_old_quotes()
    Cart.objects.abandoned().delete()
    forget_idle("cart", CART_KEPT)
    forget_old()
    forget_answers()
    forget_superseded()
    call_command("clearsessions")
    call_command("prune_db_task_results", verbosity=0)


class TaskWorker(Worker):
    def run_task(self, result: DBTaskResult) -> None:
        with about(task=str(result.id)):
            super().run_task(result)


# Seconds between two runs of each job.
JOBS: dict[Callable[[], object], float] = {
    move_lines: 1,
    relay: 2,
    tell_due: 5,
    clear_desks: 5,
    tell_arrived: 5,
    reopen_exchanges: 15,
    apply_sales: 5,
    expire_orders: 10,
    expire_edits: 60,
    reconcile: 30,
    hear_unheard: 15,
    compare_books: 60,
    capture_shipped: 5,
    watch_holds: 300,
    forget_customers: 60,
    revive_tasks: 60,
    digests: 60,
    tidy: 3600,
}
# Tasks that ask the payment provider have a worker of their own: while it hangs, mail still leaves.
QUEUES = {"payments": ["payments"], "other tasks": ["default", "pictures"]}


class Background:
    """A thread for each job and each worker, so that none waits for another."""

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self.workers = [new_worker(queues) for queues in QUEUES.values()]
        works = [(name, self._work, worker) for name, worker in zip(QUEUES, self.workers, strict=True)]
        jobs = [(job.__name__, self._repeat, job) for job in JOBS]
        self.threads = [
            threading.Thread(target=target, args=[what], name=name, daemon=True)
            for name, target, what in [*works, *jobs]
        ]

    def start(self) -> Background:
        for thread in self.threads:
            thread.start()
        return self

    def stop(self, within: float = 5.0) -> None:
        """Ends after what is in hand, or after `within` seconds: rows wait for the next process."""
        until = time.monotonic() + within
        self.stopping.set()
        for worker in self.workers:
            worker.running = False
        for thread in self.threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _repeat(self, job: Callable[[], object]) -> None:
        while not self.stopping.wait(JOBS[job]):
            close_old_connections()
            with about():
                try:
                    job()
                except Exception:
                    # Such as a database that is away; the next turn tries again.
                    logger.exception("the job %s failed", job.__name__)
                finally:
                    close_old_connections()

    def _work(self, worker: Worker) -> None:
        while worker.running:
            try:
                worker.run()
            except Exception:
                logger.exception("a task worker stopped; starting it again")
                self.stopping.wait(2)


def new_worker(queues: list[str], interval: float = 0.5, *, batch: bool = False) -> Worker:
    """With `batch` it ends once nothing is left to do."""
    return TaskWorker(
        queue_names=queues,
        interval=interval,
        batch=batch,
        backend_name="default",
        startup_delay=False,
        max_tasks=None,
        worker_id=get_random_string(16),
        excluded_queue_names=[],
    )


def start_in_thread() -> Background:
    return Background().start()
