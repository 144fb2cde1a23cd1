"""Where parcels go and what is taxed there, as staff write it."""

from datetime import timedelta

import pytest
from django.db.models import ProtectedError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from shop.pricing.models import TaxRate, TaxZone
from shop.shipping.models import ShippingMethod, ShippingZone
from tests.backoffice.conftest import as_posted

pytestmark = pytest.mark.django_db


def test_a_shipping_method_keeps_all_its_zones_and_their_rates(
    owner: Client, delivery: ShippingMethod
) -> None:
    zones = [ShippingZone.objects.create(name=name) for name in ("Ireland", "Europe")]
    path = reverse("admin:shipping_shippingmethod_change", args=[delivery.pk])
    data = as_posted(owner.get(path)) | {
        "everywhere": "",
        "zones": [str(zone.pk) for zone in zones],
        "price_0": "5.50",
        "price_1": "EUR",
        "rates-TOTAL_FORMS": "1",
        "rates-0-zone": str(zones[1].pk),
        "rates-0-max_weight_g": "2000",
        "rates-0-goods_from": "0",
        "rates-0-price_0": "9.90",
        "rates-0-price_1": "EUR",
    }
    answer = owner.post(path, data)
    assert answer.status_code == 302, answer.text
    delivery.refresh_from_db()
    assert (set(delivery.zones.all()), str(delivery.price)) == (set(zones), "€5.50")
    assert str(delivery.rates.get()) == "Europe, up to 2000 g: €9.90"


def test_a_zone_is_made_of_places(owner: Client) -> None:
    path = reverse("admin:shipping_shippingzone_add")
    data = as_posted(owner.get(path)) | {
        "name": "Ireland",
        "places-TOTAL_FORMS": "2",
        "places-0-country": "IE",
        "places-1-country": "GB",
        "places-1-postal_prefix": "BT",
    }
    answer = owner.post(path, data)
    assert answer.status_code == 302, answer.text
    zone = ShippingZone.objects.get()
    assert [str(place) for place in zone.places.all()] == ["GB BT", "IE"]
    assert "GB BT, IE" in owner.get(reverse("admin:shipping_shippingzone_changelist")).text


def test_a_method_names_zones_or_says_that_it_goes_everywhere(
    owner: Client, delivery: ShippingMethod
) -> None:
    zone = ShippingZone.objects.create(name="Ireland")
    path = reverse("admin:shipping_shippingmethod_change", args=[delivery.pk])
    data = as_posted(owner.get(path))
    nowhere = owner.post(path, {key: value for key, value in data.items() if key != "everywhere"})
    assert "It goes nowhere: name zones, or say “everywhere”." in nowhere.text
    both = owner.post(path, data | {"zones": [str(zone.pk)]})
    assert "It goes everywhere: name no zones" in both.text
    delivery.refresh_from_db()
    assert (delivery.everywhere, delivery.zones.count()) == (True, 0)


def test_a_deleted_zone_leaves_its_method_nowhere_and_the_list_says_so(owner: Client) -> None:
    zone = ShippingZone.objects.create(name="Ireland")
    ShippingMethod.objects.create(code="tube", name="Tube by post", price=5).zones.add(zone)
    owner.post(reverse("admin:shipping_shippingzone_delete", args=[zone.pk]), {"post": "yes"})
    assert not ShippingZone.objects.exists()
    assert "nowhere" in owner.get(reverse("admin:shipping_shippingmethod_changelist")).text


def test_a_tax_zone_outlives_its_rates(owner: Client, delivery: ShippingMethod) -> None:
    zone = TaxZone.objects.get()
    page = owner.post(reverse("admin:pricing_taxzone_delete", args=[zone.pk]), {"post": "yes"})
    assert (page.status_code, TaxRate.objects.count()) == (200, 1)
    with pytest.raises(ProtectedError):
        zone.delete()


@pytest.mark.parametrize("taken", ["deleted", "ended", "not begun", "of another class"])
def test_a_member_of_the_vat_area_keeps_a_standard_rate(
    owner: Client, delivery: ShippingMethod, taken: str
) -> None:
    zone, today = TaxZone.objects.get(), timezone.localdate()
    path = reverse("admin:pricing_taxzone_change", args=[zone.pk])
    data = as_posted(owner.get(path))
    assert owner.post(path, data).status_code == 302
    changes = {
        "deleted": {"rates-0-DELETE": "on"},
        "ended": {"rates-0-valid_until": today - timedelta(days=1)},
        "not begun": {"rates-0-valid_from": today + timedelta(days=1)},
        "of another class": {"rates-0-tax_class": "reduced"},
    }
    answer = owner.post(path, data | changes[taken])
    assert "In the EU&#x27;s VAT area there is a standard rate that holds today." in answer.text
    assert zone.rates.get().tax_class == "standard"
