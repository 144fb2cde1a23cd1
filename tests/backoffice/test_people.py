import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from accounts.models import User
from tests.backoffice.conftest import signed_in, staff

pytestmark = pytest.mark.django_db
MANAGES_USERS = ("view_user", "add_user", "change_user", "delete_user", "view_group", "change_group")


def page(user: User) -> str:
    return reverse("admin:accounts_user_change", args=[user.pk])


def test_an_owner_makes_a_colleague_who_signs_in_by_email(owner: Client, client: Client) -> None:
    data = {
        "email": "ada@example.com",
        "usable_password": "true",
        "password1": "long-enough-9",
        "password2": "long-enough-9",
    }
    assert owner.post(reverse("admin:accounts_user_add"), data).status_code == 302
    ada = User.objects.get(email="ada@example.com")
    group = Group.objects.create(name="fulfilment")
    data = {
        "email": ada.email,
        "is_active": "on",
        "is_staff": "on",
        "groups": [group.pk],
        "date_joined_0": "2026-01-01",
    }
    assert owner.post(page(ada), data).status_code == 302
    ada.refresh_from_db()
    assert (ada.is_staff, ada.is_superuser, list(ada.groups.all())) == (True, False, [group])
    assert client.login(username="ada@example.com", password="long-enough-9")


def test_changing_users_never_grows_into_more(customer: User) -> None:
    clerk = staff("clerk@example.com", *MANAGES_USERS)
    group = Group.objects.get(name="clerk@example.com")
    data = {
        "email": "nora@example.org",
        "is_active": "on",
        "is_staff": "on",
        "is_superuser": "on",
        "groups": [group.pk],
    }
    assert clerk.post(page(customer), data).status_code == 302
    customer.refresh_from_db()
    assert customer.email == "nora@example.org"
    assert (customer.is_staff, customer.is_superuser) == (False, False)
    assert not customer.groups.exists()
    boss = User.objects.create_superuser("boss@example.com", "a-long-passphrase")
    myself = User.objects.get(email="clerk@example.com")
    for target in (boss, myself):
        assert clerk.post(page(target), data | {"email": "x@example.com"}).status_code == 403
        assert clerk.post(reverse("admin:auth_user_password_change", args=[target.pk]), {}).status_code == 403
        assert (
            clerk.post(reverse("admin:accounts_user_delete", args=[target.pk]), {"post": "yes"}).status_code
            == 403
        )
    path = reverse("admin:auth_group_change", args=[group.pk])
    assert clerk.post(path, {"name": "lords"}).status_code == 403


def test_staff_see_in_the_menu_what_they_may_open(packer: Client, helper: Client, owner: Client) -> None:
    def links(client: Client) -> set[str]:
        groups = client.get("/admin/").context["sidebar_navigation"]
        return {str(item["title"]) for group in groups for item in group["items"] if item["has_permission"]}

    assert links(packer) == {"Today", "What is happening", "Orders", "Stock", "Products"}
    assert links(helper) == {"Today", "What is happening", "Orders", "Payments"}
    assert len(links(owner)) == 32
    for path in ("/admin/payments/refund/", "/admin/accounts/user/", "/admin/promotions/coupon/"):
        assert packer.get(path).status_code == 403
        assert owner.get(path).status_code == 200


def test_a_buyer_stays_outside(customer: User) -> None:
    client = signed_in(customer)
    for path in ("/admin/", "/admin/orders/order/", "/admin/inventory/stock/", "/admin/accounts/user/"):
        assert client.get(path, follow=True).status_code == 403
