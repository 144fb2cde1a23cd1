import asyncio
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator

import pytest

from notifications.hub import Hub, current_hub
from tests.notifications.client import Client
from tests.notifications.doors import ASKED, AutobahnHarbour, Pier, running
from tests.notifications.harbour import Harbour
from tests.notifications.other_servers import OtherPier
from tests.notifications.visitor import Visitor
from tests.notifications.writing import ROOT, environment, run_python


@pytest.fixture(scope="session", params=ASKED)
def harbour(request: pytest.FixtureRequest, django_db_setup: None) -> Harbour | Pier:
    """Each door in turn: one suite, unchanged."""
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="session")
def channels(django_db_setup: None) -> Iterator[Harbour]:
    with running("channels") as server:
        yield server


@pytest.fixture(scope="session")
def tornado(django_db_setup: None) -> Iterator[Pier]:
    with running("tornado") as server:
        yield server


@pytest.fixture(scope="session")
def uvicorn(django_db_setup: None) -> Iterator[OtherPier]:
    with running("uvicorn") as server:
        yield server


@pytest.fixture(scope="session")
def granian(django_db_setup: None) -> Iterator[OtherPier]:
    with running("granian") as server:
        yield server


@pytest.fixture(scope="session")
def autobahn(channels: Harbour) -> AutobahnHarbour:
    return AutobahnHarbour(channels)


@pytest.fixture
def hub(harbour: Harbour, transactional_db: None) -> Hub:
    async def hub_here() -> Hub:
        return current_hub()

    return asyncio.run_coroutine_threadsafe(hub_here(), harbour.loop).result(5)


@pytest.fixture
def connect(harbour: Harbour, transactional_db: None) -> Iterator[Callable[..., Client]]:
    """Opens sockets to the harbour, or to another port."""
    clients: list[Client] = []
    with asyncio.Runner() as runner:

        def opener(port: int | None = None, **options) -> Client:
            url = f"http://127.0.0.1:{port or harbour.port}/ws/notifications/"
            clients.append(Client(runner, url, **options))
            return clients[-1]

        yield opener
        for client in clients:
            client.close()


@pytest.fixture
def visitor_at(transactional_db: None) -> Iterator[Callable[[int], Visitor]]:
    visitors: list[Visitor] = []
    with asyncio.Runner() as runner:

        def visit(port: int) -> Visitor:
            visitors.append(Visitor(runner, port))
            return visitors[-1]

        yield visit
        for visitor in visitors:
            visitor.close()


@pytest.fixture
def visitor(visitor_at: Callable[[int], Visitor], channels: Harbour) -> Visitor:
    return visitor_at(channels.port)


@pytest.fixture
def room() -> str:
    return f"room:{uuid.uuid4().hex[:8]}"


@pytest.fixture
def other_harbours(harbour: Harbour | Pier, transactional_db: None) -> Iterator[Callable[..., int]]:
    """Starts doors of the same kind in processes of their own; gives their ports."""
    started: list[subprocess.Popen[str]] = []

    def process(*, poll: float, **env: str) -> tuple[subprocess.Popen[str], int]:
        module = "tests.notifications.harbour" if isinstance(harbour, Harbour) else "tests.notifications.pier"
        command = [sys.executable, "-m", module, "--poll", str(poll)]
        pipe = subprocess.PIPE
        child = subprocess.Popen(
            command, env=environment(**env), cwd=ROOT, stdin=pipe, stdout=pipe, text=True
        )
        started.append(child)
        assert child.stdout is not None
        return child, int(child.stdout.readline().rstrip(".\n").rpartition(" ")[2])

    def start(*, poll: float, **env: str) -> int:
        return process(poll=poll, **env)[1]

    start.process = process
    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture(scope="session")
def postgres(postgres_url, django_db_setup, django_db_blocker) -> dict[str, str]:
    """The environment of processes that work on a migrated PostgreSQL of these tests."""
    env = {"DATABASE_URL": postgres_url, "DATABASE_POOL_MAX": "24"}
    with django_db_blocker.unblock():
        run_python("from django.core.management import call_command as c; c('migrate', verbosity=0)", **env)
    return env
