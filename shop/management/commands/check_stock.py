"""Compares every variant's stock with its movements and with what orders hold; ends with 1 where they differ, or where
an order that has ended holds some.
"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from shop.inventory.audit import stock_faults
from shop.inventory.models import Stock
from shop.orders.holds import idle_holds


class Command(BaseCommand):
    help = __doc__

    def handle(self, **options: Any) -> None:
        if faults := [*stock_faults(), *idle_holds()]:
            raise CommandError("\n".join(faults))
        self.stdout.write(f"{Stock.objects.count()} variants, each as its movements and orders say.")
