from django_tasks_db.models import DBTaskResult


def work_off_tasks() -> None:
    """Runs what was enqueued so far as a worker does, but here: a worker closes the connection, which a test needs."""
    for row in DBTaskResult.objects.ready().order_by("enqueued_at"):
        row.task.call(*row.args_kwargs["args"], **row.args_kwargs["kwargs"])
        row.set_successful(None)
