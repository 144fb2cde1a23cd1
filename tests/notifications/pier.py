"""Tornado's side of these tests: `manage.py serve_tornado` for their streams, in a process of its own.

`python -m tests.notifications.pier` says where it listens.
"""

import argparse
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import django

if __name__ == "__main__":
    django.setup()

from django.conf import settings
from django.core.management import call_command

from notifications import hub
from tests.notifications.harbour import register
from tests.notifications.writing import ROOT, environment


class Pier(NamedTuple):
    process: subprocess.Popen[str]
    port: int


@contextmanager
def pier(
    *options: str, command: tuple[str, ...] = ("-m", "tests.notifications.pier"), **env: str
) -> Iterator[Pier]:
    pipe = subprocess.PIPE
    arguments = [sys.executable, *command, *options]
    process = subprocess.Popen(
        arguments, env=environment(**env), cwd=ROOT, stdin=pipe, stdout=pipe, text=True
    )
    try:
        assert process.stdout is not None
        yield Pier(process, int(process.stdout.readline().rstrip(".\n").rpartition(" ")[2]))
    finally:
        process.kill()
        process.communicate()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--poll", type=float, default=1)
    arguments.add_argument("--greetings", type=int, default=hub.GREETINGS)
    arguments.add_argument("--port", type=int, default=0)
    arguments.add_argument("--reuse-port", action="store_true")
    options = arguments.parse_args()
    register()
    settings.NOTIFICATIONS_POLL_SECONDS, hub.GREETINGS = options.poll, options.greetings
    # It ends with the pipe that the test holds, however the test ends.
    threading.Thread(target=lambda: (os.read(0, 1), os._exit(0)), daemon=True).start()
    call_command("serve_tornado", port=options.port, reuse_port=options.reuse_port)
