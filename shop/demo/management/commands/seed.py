from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError

from shop.demo.seed import seed


class Command(BaseCommand):
    help = (
        "Fill an empty shop with the demo's prints, people, tax and delivery. A second time changes nothing."
    )

    def handle(self, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("The demo's accounts have a public password: not in production.")
        seed(self.stderr, quiet=options["verbosity"] == 0)
