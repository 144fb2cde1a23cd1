"""Drops for staff: who waits, who is inside, and the two hands on the line: its rate, and holding it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, F, Q, QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path
from django.utils import timezone
from django.utils.formats import date_format
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin
from unfold.decorators import display

from notifications.log import positions
from shop.drops.models import Drop, Place
from shop.drops.services import announce, steer

State = Place.State


class SteerForm(forms.ModelForm):
    class Meta:
        model = Drop
        fields = ("rate",)


@admin.register(Drop)
class DropAdmin(ModelAdmin):
    list_display = ("title", "state", "opens", "rate", "waiting", "inside", "let_in", "bought")
    search_fields = ("title__icontains",)
    ordering = ("-opens_at", "-id")
    actions = None
    autocomplete_fields = ("products",)
    prepopulated_fields = {"slug": ("title",)}
    fieldsets = (
        (None, {"fields": ("title", "slug", "description", "products")}),
        ("When", {"fields": (("opens_at", "closes_at"),)}),
        ("Letting in", {"fields": (("rate", "admission_minutes", "inside_limit"), "paused")}),
    )
    change_form_outer_before_template = "backoffice/drop_live.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Drop]:
        return (
            super()
            .get_queryset(request)
            .annotate(
                in_line=Count("places", filter=Q(places__state=State.WAITING)),
                inside=Count("places", filter=Q(places__state=State.INSIDE, places__expires_at__gt=Now())),
                bought=Count("places", filter=Q(places__state=State.BOUGHT)),
            )
        )

    @display(
        description="State",
        label={"open": "success", "held": "warning", "sold out": "danger", "to come": "info"},
    )
    def state(self, drop: Drop) -> str:
        if drop.is_over:
            return "over"
        if drop.paused:
            return "held"
        if not drop.opened_at:
            return "to come"
        return "sold out" if drop.sold_out else "open"

    @display(description="Opens", ordering="opens_at")
    def opens(self, drop: Drop) -> str:
        return date_format(timezone.localtime(drop.opens_at), "j M Y, H:i")

    @display(description="Waiting")
    def waiting(self, drop: Drop) -> int:
        return drop.in_line  # type: ignore[attr-defined]

    @display(description="Inside")
    def inside(self, drop: Drop) -> int:
        return drop.inside  # type: ignore[attr-defined]

    @display(description="Let in", ordering=F("admitted"))
    def let_in(self, drop: Drop) -> int:
        return drop.admitted

    @display(description="Bought")
    def bought(self, drop: Drop) -> int:
        return drop.bought  # type: ignore[attr-defined]

    def get_fieldsets(self, request: HttpRequest, obj: Drop | None = None) -> Any:
        """Rate and pause of a drop that exists are set above the form, where they act at once."""
        if obj is None:
            return self.fieldsets
        return (*self.fieldsets[:2], ("Letting in", {"fields": (("admission_minutes", "inside_limit"),)}))

    def get_readonly_fields(self, request: HttpRequest, obj: Drop | None = None) -> tuple[str, ...]:
        """The slug is in the visitors' tokens and in the stream's name; what has opened stays open."""
        if obj is None:
            return ()
        return ("slug", "opens_at") if obj.opened_at else ("slug",)

    def get_prepopulated_fields(self, request: HttpRequest, obj: Drop | None = None) -> dict[str, Any]:
        return {} if obj else self.prepopulated_fields

    def save_model(self, request: HttpRequest, obj: Drop, form: Any, change: bool) -> None:
        """Only what was changed: the line moves on while somebody fills in the form."""
        if not change:
            obj.save()
            return
        obj.save(update_fields=[name for name in form.changed_data if name != "products"])
        obj.refresh_from_db()
        announce(obj)

    def get_urls(self) -> list[Any]:
        steering = self.admin_site.admin_view(require_POST(self.steer_view))
        return [path("<int:pk>/steer/", steering, name="drops_drop_steer"), *super().get_urls()]

    def steer_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        drop = get_object_or_404(Drop, pk=pk)
        if not self.has_change_permission(request, drop):
            raise PermissionDenied
        if "paused" in request.POST:
            steer(drop, paused=request.POST["paused"] == "yes")
            messages.success(request, "The line is held." if drop.paused else "The line moves again.")
        else:
            form = SteerForm(request.POST, instance=drop)
            if form.is_valid():
                steer(drop, rate=form.cleaned_data["rate"])
                messages.success(request, f"{drop.rate} a minute are let in from now on.")
            else:
                messages.error(request, " ".join(map(str, form.errors["rate"])))
        return redirect("admin:drops_drop_change", pk)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        drop = kwargs.get("obj")
        if drop:
            context |= {"live": positions(drop.stream), "drop": self.get_queryset(request).get(pk=drop.pk)}
        return super().render_change_form(request, context, *args, **kwargs)
