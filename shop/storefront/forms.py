"""What buyers type: forms check shape and say in words what is missing; services decide."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.conf import settings
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.address_forms import LABELS, field_order
from accounts.models import Address, PostalAddress, User
from accounts.postal import AddressInvalid, normalise, rules_for
from shop.cart.models import MAX_QUANTITY
from shop.orders.models import OrderLine
from shop.pricing.vat_ids import VatIdInvalid, VatIdNeedsCompany, read_vat_id
from shop.returns.models import Return

AUTOCOMPLETE = {
    "name": "name",
    "company": "organization",
    "line1": "address-line1",
    "line2": "address-line2",
    "city": "address-level2",
    "region": "address-level1",
    "postal_code": "postal-code",
    "country": "country",
    "phone": "tel",
}


def optional(label: str) -> SafeString:
    return format_html('{} <span class="field__optional">(optional)</span>', label)


class AddToCartForm(forms.Form):
    variant = forms.IntegerField(error_messages={"required": "Please choose a size, paper and frame first."})
    quantity = forms.IntegerField(min_value=1, max_value=MAX_QUANTITY, initial=1, required=False)

    def clean_quantity(self) -> int:
        return self.cleaned_data["quantity"] or 1


class QuantityForm(forms.Form):
    """`step` comes from the two buttons that work without JavaScript, `remove` from the third."""

    quantity = forms.IntegerField(min_value=0, max_value=999)
    step = forms.IntegerField(min_value=-1, max_value=1, required=False)
    remove = forms.BooleanField(required=False)

    def wanted(self) -> int:
        if self.cleaned_data["remove"]:
            return 0
        return max(0, self.cleaned_data["quantity"] + (self.cleaned_data["step"] or 0))


class CouponForm(forms.Form):
    code = forms.CharField(
        label="Voucher or gift card code",
        max_length=40,
        error_messages={"required": "Please enter the code first."},
    )


class ContactForm(forms.Form):
    email = forms.EmailField(
        label="E-mail address",
        max_length=254,
        help_text="The confirmation and the tracking number go here.",
        widget=forms.EmailInput(attrs={"autocomplete": "email", "inputmode": "email"}),
        error_messages={
            "required": "Please enter an e-mail address.",
            "invalid": "This does not look like an e-mail address. One looks like ada@example.com.",
        },
    )


class AddressForm(forms.ModelForm):
    """An address in the shape of its country: labels, order, regions and codes follow the country chosen."""

    class Meta:
        model = Address
        fields = PostalAddress.FIELDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].error_messages["required"] = "Please enter the name on the parcel."
        self.fields["country"].error_messages["required"] = "Please choose a country."
        self.fields["line1"].label = LABELS["line1"]
        for name in ("company", "line2", "phone"):
            self.fields[name].label = optional(LABELS[name])
        self.fields["phone"].help_text = "Only for the carrier, if the door stays shut."
        for name, token in AUTOCOMPLETE.items():
            self.fields[name].widget.attrs["autocomplete"] = token
        self.fields["phone"].widget.input_type = "tel"
        self._shape_for(self.country)

    @property
    def country(self) -> str:
        """The country the form is written for: the one sent, the one kept, or the shop's own."""
        sent = self.data.get(self.add_prefix("country")) if self.is_bound else None
        country = (
            sent or self.get_initial_for_field(self.fields["country"], "country") or settings.SHOP_COUNTRY
        )
        codes = dict(self.fields["country"].choices)  # type: ignore[attr-defined]
        return str(country) if str(country) in codes else settings.SHOP_COUNTRY

    def _shape_for(self, country: str) -> None:
        rules = rules_for(country)
        # A new address has an empty country, and an empty one is no reason to make the buyer scroll.
        self.initial["country"] = self.initial.get("country") or country
        for name, label in rules.labels.items():
            field = self.fields[name]
            # What is wrong is said in words by clean(); the model's own demand would say it twice.
            field.required = False
            field.label = label if name in rules.required else optional(label)
            if name in rules.required:
                field.widget.attrs["aria-required"] = "true"
            if name not in rules.used:
                del self.fields[name]
        self.fields["line1"].required = False
        if rules.regions and "region" in self.fields:
            self._offer_regions(rules.regions)
        if "postal_code" in self.fields and rules.example:
            self.fields["postal_code"].help_text = f"Such as {rules.example}"
        self.order_fields(field_order(rules))

    def _offer_regions(self, regions: list[tuple[str, str]]) -> None:
        field = self.fields["region"]
        field.widget = forms.Select(choices=[("", "Choose…"), *regions], attrs=field.widget.attrs)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for name in set(PostalAddress.FIELDS) - set(self.fields):
            setattr(self.instance, name, "")
        if "country" not in cleaned:
            return cleaned
        try:
            written = normalise({name: cleaned.get(name, "") for name in PostalAddress.FIELDS})
        except AddressInvalid as invalid:
            for name, sentence in invalid.errors.items():
                if name in self.fields and name not in self.errors:
                    self.add_error(name, sentence)
            return cleaned
        return cleaned | {name: value for name, value in written.items() if name in cleaned}

    def as_address(self) -> dict[str, str]:
        return {name: str(self.cleaned_data.get(name, "")) for name in PostalAddress.FIELDS}

    def as_typed(self) -> dict[str, str]:
        """Unchecked, for what only has to be about right."""
        typed = {name: str(self[name].value() or "") for name in PostalAddress.FIELDS if name in self.fields}
        return dict.fromkeys(PostalAddress.FIELDS, "") | typed | {"country": self.country}

    @property
    def town_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name in {"city", "region", "postal_code"}]


class VatIdForm(forms.Form):
    vat_id = forms.CharField(
        label="VAT id",
        max_length=20,
        required=False,
        help_text="With the country in front, such as FR40303265045. The company stands in the address.",
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}
        ),
    )

    def as_written(self, country: str) -> str:
        """As it is written on an invoice; nothing while it cannot be one."""
        try:
            return read_vat_id(self["vat_id"].value() or "", country)
        except VatIdInvalid:
            return ""

    def check(self, address: Mapping[str, str]) -> None:
        """A VAT id belongs to a company, and looks like one of its country."""
        typed = self.is_valid() and self.cleaned_data["vat_id"]
        if typed and not self.as_written(address["country"]):
            self.add_error("vat_id", VatIdInvalid.message)
        elif typed and not address["company"]:
            self.add_error("vat_id", VatIdNeedsCompany.message)


class BookAddressForm(AddressForm):
    """An address of the address book."""

    make_default = forms.BooleanField(label="Use this one unless I say otherwise", required=False)


class DeliveryForm(forms.Form):
    """`key` and the sums are what the page had: the one order of this cart, and what the buyer saw."""

    key = forms.CharField(max_length=64)
    shown_total = forms.DecimalField(max_digits=12, decimal_places=3)
    shown_due = forms.DecimalField(max_digits=12, decimal_places=3, required=False)
    shipping = forms.CharField(
        max_length=80, error_messages={"required": "Please choose how the parcel should travel."}
    )


class NameForm(forms.ModelForm):
    class Meta:
        model = User
        fields = ("first_name", "last_name")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["first_name"].widget.attrs["autocomplete"] = "given-name"
        self.fields["last_name"].widget.attrs["autocomplete"] = "family-name"


class CancelForm(forms.Form):
    why = forms.CharField(
        label=optional("May we ask why?"),
        max_length=200,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class ReturnForm(forms.Form):
    """How many of each line go back (`quantities()`, by the line's id), why, and what for."""

    reason = forms.ChoiceField(
        label="Why do you send it back?",
        choices=Return.Reason.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Please say why."},
    )
    wish = forms.ChoiceField(
        label="What would you like?",
        choices=Return.Wish.choices,
        initial=Return.Wish.REFUND,
        widget=forms.RadioSelect,
    )
    note = forms.CharField(
        label=optional("Anything we should know?"),
        help_text="If you would like another print instead, tell us which.",
        max_length=500,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, lines: list[OrderLine], most: Mapping[int, int], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""
        for line in lines:
            self.fields[f"line_{line.pk}"] = forms.TypedChoiceField(
                label=f"{line.title}, {line.options}".removesuffix(", "),
                choices=[(count, str(count) if count else "None") for count in range(most[line.pk] + 1)],
                coerce=int,
                initial=most[line.pk] if len(lines) == 1 else 0,
            )
        self.order_fields([name for name in self.fields if name.startswith("line_")])

    @property
    def line_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name.startswith("line_")]

    def quantities(self) -> dict[int, int]:
        names = (name for name in self.fields if name.startswith("line_"))
        return {int(name.removeprefix("line_")): self.cleaned_data.get(name) or 0 for name in names}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors and not any(self.quantities().values()):
            raise forms.ValidationError("Please say how many of which print go back.")
        return cleaned


def first_error(form: forms.BaseForm) -> str:
    return str(next(iter(form.errors.values()))[0])
