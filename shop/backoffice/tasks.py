"""Background work: what waits, what ran, what failed and why."""

from django.contrib import admin
from django_tasks_db.admin import DBTaskResultAdmin as PlainTaskAdmin
from django_tasks_db.models import DBTaskResult
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display
from unfold.paginator import InfinitePaginator

from shop.backoffice.ledgers import LedgerAdmin

admin.site.unregister(DBTaskResult)


@admin.register(DBTaskResult)
class TaskAdmin(PlainTaskAdmin, LedgerAdmin):
    list_display = ("task_name", "state", "queue_name", "enqueued_at", "started_at", "finished_at")
    list_filter = (("status", ChoicesDropdownFilter),)
    list_filter_submit = True
    paginator = InfinitePaginator
    COLOURS = {"SUCCESSFUL": "success", "FAILED": "danger", "RUNNING": "info", "READY": "warning"}

    @display(description="Task")
    def task_name(self, result: DBTaskResult) -> str:
        return result.task_path.rpartition(".")[2]

    @display(description="Status", label=COLOURS, ordering="status")
    def state(self, result: DBTaskResult) -> tuple[str, str]:
        return result.status, result.get_status_display()
