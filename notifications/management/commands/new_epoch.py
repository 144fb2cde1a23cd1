from typing import Any

from django.core.management.base import BaseCommand

from notifications.models import Stream, new_epoch


class Command(BaseCommand):
    help = (
        "Run it after the database was restored from a backup: clients that saw events which are lost now are "
        "told so, and fetch afresh, instead of going on from a place that means something else."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        count = Stream.objects.update(epoch=new_epoch())
        self.stdout.write(f"{count} streams begin a new epoch.")
