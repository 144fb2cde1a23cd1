"""Issues the invoices of orders that were paid before the shop issued any, dated now. A second run finds none."""

from typing import Any

from django.core.management.base import BaseCommand

from shop.payments.late_invoices import issue_missing


class Command(BaseCommand):
    help = __doc__

    def handle(self, **options: Any) -> None:
        self.stdout.write(f"Invoices issued: {issue_missing()}.")
