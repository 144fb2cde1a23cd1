"""Gift cards: issued here, their code told once; what is on one changes only by its ledger."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone
from django.views.decorators.http import require_POST
from djmoney.money import Money
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.widgets import UnfoldAdminDecimalFieldWidget

from shop.backoffice.ledgers import LedgerAdmin
from shop.backoffice.site import hand
from shop.giftcards.models import GiftCard, GiftCardMovement
from shop.giftcards.services import issue_card, void_card
from shop.money import payable


class IssueForm(forms.ModelForm):
    amount = forms.DecimalField(
        min_value=0, max_digits=9, decimal_places=3, widget=UnfoldAdminDecimalFieldWidget
    )

    class Meta:
        model = GiftCard
        fields = ("note", "expires_at")

    def clean_amount(self) -> Money:
        amount = Money(self.cleaned_data["amount"], settings.DEFAULT_CURRENCY)
        payable(amount)
        if not amount.amount:
            raise forms.ValidationError("A gift card is for more than nothing.")
        return amount


@admin.register(GiftCard)
class GiftCardAdmin(ModelAdmin):
    list_display = ("card", "balance", "state", "note", "expires_at", "issued_at")
    search_fields = ("ending__iexact", "note__icontains")
    search_help_text = "The last four letters, or the note"
    change_form_outer_after_template = "backoffice/gift_card.html"
    actions = None

    @display(description="Card", ordering="id")
    def card(self, card: GiftCard) -> str:
        return f"···· {card.ending}"

    @display(
        description="State", label={"valid": "success", "spent": "", "expired": "warning", "void": "danger"}
    )
    def state(self, card: GiftCard) -> str:
        if card.voided_at:
            return "void"
        if card.expires_at and card.expires_at <= timezone.now():
            return "expired"
        return "valid" if card.balance.amount else "spent"

    def has_delete_permission(self, request: HttpRequest, obj: GiftCard | None = None) -> bool:
        return False

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change, **kwargs, **({} if obj else {"form": IssueForm}))

    def get_fields(self, request: HttpRequest, obj: GiftCard | None = None) -> Any:
        return (
            ("card", "balance", "note", "expires_at", "voided_at")
            if obj
            else ("amount", "note", "expires_at")
        )

    def get_readonly_fields(self, request: HttpRequest, obj: GiftCard | None = None) -> Any:
        return ("card", "balance", "voided_at") if obj else ()

    def save_model(self, request: HttpRequest, obj: GiftCard, form: Any, change: bool) -> None:
        if change:
            # Only what staff may change: somebody may be spending from it in this moment.
            obj.save(update_fields=[*form.changed_data])
            return
        amount, by = form.cleaned_data["amount"], hand(request)
        card, code = issue_card(amount, by=by, note=obj.note, expires_at=obj.expires_at)
        obj.pk, obj.ending, request.issued_code = card.pk, card.ending, code  # type: ignore[attr-defined]

    def response_add(self, request: HttpRequest, obj: GiftCard, *args: Any, **kwargs: Any) -> HttpResponse:
        """The code, on this one page. It is kept nowhere: neither in a message nor in a session."""
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Gift card issued",
            "card": GiftCard.objects.get(pk=obj.pk),
            "code": request.issued_code,  # type: ignore[attr-defined]
        }
        response = TemplateResponse(request, "backoffice/gift_card_issued.html", context)
        response.headers["Cache-Control"] = "no-store"
        return response

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        if card := kwargs.get("obj"):
            context["movements"] = card.movements.select_related("actor")
        return super().render_change_form(request, context, *args, **kwargs)

    def get_urls(self) -> list[Any]:
        void = self.admin_site.admin_view(require_POST(self.void_view))
        return [path("<int:pk>/void/", void, name="giftcards_giftcard_void"), *super().get_urls()]

    def void_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        card = get_object_or_404(GiftCard, pk=pk)
        if not self.has_change_permission(request, card):
            raise PermissionDenied
        if void_card(card, hand(request)):
            messages.success(request, f"The {card} is void.")
        return redirect("admin:giftcards_giftcard_change", pk)


@admin.register(GiftCardMovement)
class GiftCardMovementAdmin(LedgerAdmin):
    list_display = ("card", "kind", "amount", "reference", "made_at")
    list_select_related = ("card",)
    search_fields = ("reference__exact", "card__ending__iexact")
    fields = ("card", "kind", "amount", "reference", "actor", "made_at")
    readonly_fields = fields
