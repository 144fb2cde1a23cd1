"""Columns that orders and their lines share."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models.functions import Round
from djmoney.models.fields import MoneyField


def money_field(**options: Any) -> MoneyField:
    return MoneyField(max_digits=12, decimal_places=3, default_currency=settings.DEFAULT_CURRENCY, **options)


def percent_field() -> models.DecimalField:
    return models.DecimalField(max_digits=6, decimal_places=3, default=Decimal(0))


def sums_to(amount: Any) -> Round:
    """For constraints: SQLite adds amounts as binary fractions, so that 43.63 - 8.73 + 9.95 is not quite 44.85."""
    return Round(amount, 3)
