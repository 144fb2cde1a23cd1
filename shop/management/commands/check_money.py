"""Compares the ledger of payments with the provider's books, each line and in all; ends with 1 where they differ."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from shop.payments.books import audit
from shop.payments.models import Payment


class Command(BaseCommand):
    help = __doc__

    def handle(self, **options: Any) -> None:
        found = audit()
        if found.differences or found.ours != found.theirs:
            total = f"In all: {found.ours} by our ledger, {found.theirs} at the provider."
            raise CommandError("\n".join([*(one.words for one in found.differences), total]))
        self.stdout.write(f"{Payment.objects.count()} payments, {found.ours}, as the provider's books say.")
