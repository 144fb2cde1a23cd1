"""For whoever keeps the shop running: is the process alive, may it be sent buyers, and a few figures."""

import threading

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django_tasks_db.models import DBTaskResult

from notifications.hub import current_hub
from shop.orders.models import Order

_migrated = False


@never_cache
async def livez(request: HttpRequest) -> HttpResponse:
    """The event loop turns. It asks nobody else, so a slow database does not get the process killed."""
    return HttpResponse("ok\n", content_type="text/plain")


@never_cache
async def readyz(request: HttpRequest) -> JsonResponse:
    """The database answers and its schema is this code's. 503 otherwise, naming what is not there."""
    fault = await sync_to_async(_fault)()
    return JsonResponse({"ready": not fault, "fault": fault}, status=503 if fault else 200)


def _fault() -> str:
    global _migrated
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        if not _migrated:
            executor = MigrationExecutor(connection)
            if executor.migration_plan(executor.loader.graph.leaf_nodes()):
                return "database schema is behind: run migrate"
            _migrated = True
    except Exception as error:
        return f"database: {type(error).__name__}"
    return ""


async def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus' text format. For loopback, or whoever holds METRICS_TOKEN as a bearer token; 404 to all others."""
    if not _may_measure(request):
        return HttpResponse(status=404)
    figures = {
        "breakwater_open_sockets": sum(current_hub().sockets.values()),
        "breakwater_threads": threading.active_count(),
        **await sync_to_async(_rows)(),
    }
    lines = [f"# TYPE {name} gauge\n{name} {value}\n" for name, value in figures.items()]
    return HttpResponse("".join(lines), content_type="text/plain; version=0.0.4; charset=utf-8")


def _may_measure(request: HttpRequest) -> bool:
    if settings.METRICS_TOKEN:
        given = request.headers.get("Authorization", "")
        return constant_time_compare(given, f"Bearer {settings.METRICS_TOKEN}")
    return not settings.PRODUCTION and request.META.get("REMOTE_ADDR") in {"127.0.0.1", "::1"}


def _rows() -> dict[str, int]:
    return {
        "breakwater_tasks_ready": DBTaskResult.objects.ready().count(),
        "breakwater_tasks_failed": DBTaskResult.objects.failed().count(),
        "breakwater_orders_pending": Order.objects.filter(status=Order.Status.PENDING).count(),
    }
