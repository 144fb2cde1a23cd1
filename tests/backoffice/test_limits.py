"""A limit of an offer or a coupon that is changed while, or after, orders used it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client, RequestFactory
from django.urls import reverse

from accounts.models import User
from shop.backoffice.promotions import CouponAdmin
from shop.promotions.models import Coupon, CustomerUse, Offer, Redemption
from shop.promotions.services import terms_of, uses_of
from tests.offers import make_coupon, make_offer

pytestmark = pytest.mark.django_db


@pytest.fixture
def use() -> Callable[..., Redemption]:
    """That an order used an offer, as one without a limit is used: nobody counts."""

    def make(
        offer: Offer, customer: str = "email:ada@example.com", coupon: Coupon | None = None
    ) -> Redemption:
        reference = f"order-{Redemption.objects.count()}"
        return Redemption.objects.create(offer=offer, coupon=coupon, customer=customer, reference=reference)

    return make


def page(row: Offer | Coupon) -> str:
    return reverse(f"admin:promotions_{row._meta.model_name}_change", args=[row.pk])


def form_of(client: Client, row: Offer | Coupon, **changes: Any) -> dict[str, Any]:
    """What a browser would send after these changes."""
    form = client.get(page(row)).context["adminform"].form
    shown = {name: form[name].value() for name in form.fields} | changes
    if starts_at := shown.pop("starts_at", None):
        shown |= {"starts_at_0": starts_at.date(), "starts_at_1": starts_at.time()}
    return {name: value for name, value in shown.items() if value or (value == 0 and value is not False)}


def test_a_limit_below_the_orders_there_were_is_refused_in_words(owner: Client, use: Callable) -> None:
    coupon = make_coupon("HARBOUR10", percent=10)
    for _ in range(2):
        use(coupon.offer, coupon=coupon)
    for row in (coupon.offer, coupon):
        answer = owner.post(page(row), form_of(owner, row, limit=1))
        assert "2 orders have used it already: no less than that, or no limit." in answer.text
        assert owner.post(page(row), form_of(owner, row, limit=3)).status_code == 302
        row.refresh_from_db()
        assert (row.limit, row.used) == (3, 2)


def test_a_count_from_before_the_limit_was_lifted_does_not_stand_in_the_way(owner: Client) -> None:
    offer = make_offer(percent=10, used=5)
    assert owner.post(page(offer), form_of(owner, offer, limit=3)).status_code == 302
    offer.refresh_from_db()
    assert (offer.limit, offer.used) == (3, 0)


def test_an_order_that_comes_between_the_look_and_the_write_is_a_line_in_the_form(
    owner: Client, use: Callable
) -> None:
    coupon = make_coupon("HARBOUR10", percent=10)

    class Busy(CouponAdmin):
        """Two orders use the code after the form was found right; what the first look undid stands at the second."""

        looks = 0

        def _changeform_view(self, *args: Any) -> Any:
            self.looks += 1
            if self.looks == 2:
                self.order()
            return super()._changeform_view(*args)

        def save_model(self, *args: Any) -> None:
            self.order()
            super().save_model(*args)

        def order(self) -> None:
            use(coupon.offer, coupon=coupon)
            use(coupon.offer, "email:bea@example.com", coupon)

    request = RequestFactory().post("/", form_of(owner, coupon, limit=1))
    request.user = User.objects.get(email="owner@example.com")
    request._dont_enforce_csrf_checks = True
    answer = Busy(Coupon, admin.site).changeform_view(request, str(coupon.pk))
    assert "2 orders have used it already" in answer.render().text
    assert Coupon.objects.get().limit is None


def test_what_staff_save_leaves_the_count_of_the_orders_meanwhile(owner: Client) -> None:
    coupon = make_coupon("HARBOUR10", limit=9, percent=10)

    class Busy(CouponAdmin):
        def save_model(self, *args: Any) -> None:
            Coupon.objects.update(used=4)
            super().save_model(*args)

    request = RequestFactory().post("/", form_of(owner, coupon, code="HARBOUR11"))
    request.user = User.objects.get(email="owner@example.com")
    request._dont_enforce_csrf_checks = True
    request.session, request._messages = {}, type("Messages", (), {"add": lambda *_: None})()
    Busy(Coupon, admin.site).changeform_view(request, str(coupon.pk))
    assert list(Coupon.objects.values_list("code", "used")) == [("HARBOUR11", 4)]


def test_a_limit_for_each_customer_that_is_set_later_counts_what_each_had(
    owner: Client, use: Callable
) -> None:
    offer = make_offer(percent=10)
    for customer in ("email:ada@example.com", "email:ada@example.com", "email:bea@example.com"):
        use(offer, customer)
    CustomerUse.objects.create(offer=offer, customer="email:cai@example.com", used=7)  # of an earlier limit
    assert owner.post(page(offer), form_of(owner, offer, limit_per_customer=1)).status_code == 302
    offer.refresh_from_db()
    left = [
        terms_of(offer, None, uses_of([offer], f"email:{name}@example.com").get(offer.pk, 0)).left_for_buyer
        for name in ("ada", "bea", "cai", "dov")
    ]
    assert left == [-1, 0, 1, 1]
