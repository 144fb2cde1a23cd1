from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError, CommandParser, call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from shop.demo import launch
from shop.demo.drop import SLUG, announce_drop
from shop.demo.orders import order_in_background
from shop.demo.seed import ACCOUNTS, PASSWORD, seed
from shop.serve import CannotListen, serve


class Command(BaseCommand):
    help = "Run the shop with everything in it: no other service, nothing to set up. Ctrl-C stops it."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        launch.add_arguments(parser)

    def handle(self, *, port: int, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("Start it as `python manage.py demo`: it sets the environment up first.")
        if _is_behind():
            call_command("migrate", verbosity=0, skip_checks=True)
        seed(self.stderr, quiet=options["verbosity"] == 0)
        announce_drop()
        try:
            serve(launch.HOST, port, metrics_port=settings.METRICS_PORT, ready=self.announce)
        except CannotListen as error:
            raise CommandError(str(error)) from None
        self.stdout.write("\nBreakwater is closed.")

    def announce(self) -> None:
        url = settings.PUBLIC_URL
        lines = [
            f"\nBreakwater is open at {url}/\n",
            f"  {url}/demo/       what to try, test cards",
            f"  {url}/demo/mail/  the mail it sends",
            f"  {url}/drops/{SLUG}/  a drop and its waiting room; it opens in a minute",
            f"  {url}/admin/      the back office",
            f"  {url}/sandbox/    payments and carriers, with knobs",
            f"  {url}/lab/        how this process is doing, and a crowd for it\n",
            f"  Sign in with the password {PASSWORD} as",
            *[f"  {email:<31} {what}" for email, what in ACCOUNTS.items()],
            f"\n  Data: {settings.DATA_DIR}. Ctrl-C stops it.",
        ]
        self.stdout.write("\n".join(lines))
        self.stdout.flush()
        order_in_background()


def _is_behind() -> bool:
    """Looking takes a tenth of what `migrate` takes to find that there is nothing to do."""
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
