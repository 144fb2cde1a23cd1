import os
import sys

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Runs every test; arguments go to pytest."

    def run_from_argv(self, argv: list[str]) -> None:
        # Hundreds of processes start in a run: where none may keep its bytecode each spends 3 s more on compiling.
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        # A process of its own: pytest must import the project afresh, with the settings of its choice.
        os.execv(sys.executable, [sys.executable, "-m", "pytest", *argv[2:]])
