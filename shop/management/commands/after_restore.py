from typing import Any

from django.core.cache import cache
from django.core.management import call_command
from django.core.management.base import BaseCommand

from shop.catalog.models import Change


class Command(BaseCommand):
    help = (
        "Run it after the database was restored from a backup, before the servers start: what clients and caches "
        "remember of the time that was lost is told from what will happen now."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("new_epoch", stdout=self.stdout)
        # Its places are numbers of transactions, which a new cluster counts anew. Nobody has a token for it any more.
        Change.objects.all().delete()
        cache.clear()
        self.stdout.write("The log of the catalogue's changes and the cache are empty.")
