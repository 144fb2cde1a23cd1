"""What the change of an order's prints asks of staff: first a look at what it comes to, then the same once more."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminTextInputWidget

from shop.backoffice.order_forms import QuantitiesForm, StepForm
from shop.catalog.models import Variant
from shop.errors import ShopError
from shop.payments.edit_plans import Plan, plan_edit

# `SW-1`, `SW-1 × 2`, `SW-1 x 2`
WANTED = re.compile(r"(?P<sku>\S+?)(?:\s*[×*]\s*(?P<count>\d{1,4})|\s+[xX]\s*(?P<typed>\d{1,4}))?")


class EditForm(QuantitiesForm):
    """How many of each line are to be sent, and what comes to them. `plan` is what that comes to, once it is known."""

    added = forms.CharField(
        label="Add",
        max_length=300,
        required=False,
        help_text="By SKU, at today's price: SW-1 × 2, SW-7",
        widget=UnfoldAdminTextInputWidget,
    )
    why = forms.CharField(
        label="Reason", max_length=200, help_text="The buyer reads it.", widget=UnfoldAdminTextInputWidget
    )
    agreed = forms.CharField(required=False, widget=forms.HiddenInput)
    plan: Plan | None = None

    @property
    def has_been_seen(self) -> bool:
        """Whether this very change at these prices was on the page before."""
        return self.plan is not None and self.data.get("agreed") == self.plan.key

    def clean_added(self) -> dict[int, int]:
        """By the variant's id."""
        counts: dict[str, int] = {}
        for part in filter(None, (one.strip() for one in self.cleaned_data["added"].split(","))):
            if not (found := WANTED.fullmatch(part)):
                raise forms.ValidationError(f"“{part}” is not an SKU and how many.")
            count = int(found["count"] or found["typed"] or 1)
            counts[found["sku"]] = counts.get(found["sku"], 0) + count
        known = dict(Variant.objects.filter(sku__in=counts).values_list("sku", "pk"))
        if unknown := sorted(counts.keys() - known.keys()):
            raise forms.ValidationError(f"There is no {', '.join(unknown)}.")
        return {known[sku]: count for sku, count in counts.items()}

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if self.errors:
            return data
        try:
            self.plan = plan_edit(self.order, data["quantities"] or {}, data["added"])
        except ShopError as error:
            self.add_error(None, error.message)
        return data | {"plan": self.plan}

    def looked_at(self) -> None:
        """What was shown comes back with the next answer."""
        if self.plan:
            self.data = self.data.copy()  # type: ignore[attr-defined]
            self.data["agreed"] = self.plan.key  # type: ignore[index]


class TakeBackForm(StepForm):
    why = forms.CharField(label="Reason", max_length=200, widget=UnfoldAdminTextInputWidget)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if self.sums.edit is None:
            self.add_error(None, "Nothing waits to be paid any more.")
        return data | {"edit": self.sums.edit}
