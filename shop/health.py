"""For whoever keeps the shop running: is the process alive, and may it be sent buyers."""

from asgiref.sync import sync_to_async
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache

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
