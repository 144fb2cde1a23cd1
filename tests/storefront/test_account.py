"""An account's own pages, the address book, the inbox, and django-allauth in the shop's look."""

from collections.abc import Callable

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client

from accounts.models import Address, User
from shop.cart.models import Cart
from shop.orders.models import Order
from shop.orders.services import mark_paid

TYPED = {"name": "Nora Byrne", "line1": "4 Harbour Row", "city": "Howth", "country": "IE"}
ADD = "/account/addresses/add/"


@pytest.mark.parametrize(
    "path",
    ["", "orders/", "name/", "notifications/", "waiting/", "addresses/", "addresses/add/", "addresses/1/"],
)
def test_an_account_is_for_who_signed_in(client: Client, db: None, path: str) -> None:
    answer = client.get(f"/account/{path}")

    assert answer.headers["Location"].startswith("/accounts/login/?next=/account/")


def test_the_overview_shows_the_latest_orders(signed_in: Client, own_order: Order) -> None:
    page = signed_in.get("/account/").text

    assert own_order.number in page
    assert "Please confirm" in page


def test_the_overview_tells_of_guest_orders_of_a_verified_address(
    signed_in: Client, order: Order, customer: User
) -> None:
    EmailAddress.objects.create(user=customer, email=customer.email, verified=True, primary=True)

    assert "1 order made without signing in belongs to your address" in signed_in.get("/account/").text


def test_orders_come_in_pages_newest_first(
    signed_in: Client, customer: User, place: Callable[..., Order], make_cart: Callable[..., Cart]
) -> None:
    cart = make_cart(user=customer)
    variant = cart.lines.get().variant
    for _ in range(11):
        if not cart.lines.exists():
            cart.lines.create(variant=variant, quantity=1, seen_price=variant.price)
        variant.stock.on_hand += 1
        variant.stock.save(update_fields=["on_hand"])
        place(cart)
        cart.refresh_from_db()
    numbers = [order.number for order in customer.orders.all()]

    first, second = (signed_in.get(f"/account/orders/?page={page}").text for page in (1, 2))

    assert numbers[0] in first
    assert numbers[10] not in first
    assert numbers[10] in second


def test_the_name_can_be_changed(signed_in: Client, customer: User) -> None:
    signed_in.post("/account/name/", {"first_name": "Nora", "last_name": "Byrne"})

    customer.refresh_from_db()
    assert customer.get_full_name() == "Nora Byrne"


# --- Address book -------------------------------------------------------------------------------


def test_an_address_is_checked_and_kept(signed_in: Client, customer: User) -> None:
    wrong = signed_in.post(ADD, TYPED | {"postal_code": "1"})
    assert wrong.status_code == 422
    assert "This does not look like an Eircode" in wrong.text

    signed_in.post(ADD, TYPED | {"postal_code": "D13F6K7", "make_default": "on"})

    assert customer.addresses.get().is_default


def test_a_new_address_starts_in_the_country_of_the_shop(signed_in: Client, db: None) -> None:
    assert '<option value="IE" selected>Ireland</option>' in signed_in.get(ADD).text


def test_there_is_one_default(signed_in: Client, customer: User) -> None:
    first = Address.objects.create(user=customer, is_default=True, **TYPED)
    second = Address.objects.create(user=customer, **TYPED)

    signed_in.post(f"/account/addresses/{second.pk}/default/")
    assert [*customer.addresses.filter(is_default=True)] == [second]
    signed_in.post(f"/account/addresses/{first.pk}/", TYPED | {"make_default": "on"})

    assert [*customer.addresses.filter(is_default=True)] == [first]


def test_moving_to_another_country_leaves_no_field_behind(signed_in: Client, customer: User) -> None:
    kept = Address.objects.create(user=customer, region="Co. Dublin", **TYPED)

    signed_in.post(f"/account/addresses/{kept.pk}/", TYPED | {"country": "DE", "postal_code": "20457"})

    kept.refresh_from_db()
    assert (kept.country.code, kept.region, kept.postal_code) == ("DE", "", "20457")


def test_an_address_is_removed_after_a_second_look(signed_in: Client, customer: User) -> None:
    kept = Address.objects.create(user=customer, **TYPED)
    url = f"/account/addresses/{kept.pk}/delete/"

    assert "Remove this address?" in signed_in.get(url).text
    assert customer.addresses.exists()
    signed_in.post(url)

    assert not customer.addresses.exists()


@pytest.mark.parametrize("what", ["", "delete/", "default/"])
def test_the_book_of_somebody_else_stays_closed(signed_in: Client, what: str) -> None:
    foreign = Address.objects.create(user=User.objects.create_user("eve@example.com"), **TYPED)

    assert signed_in.post(f"/account/addresses/{foreign.pk}/{what}", TYPED).status_code == 404
    assert Address.objects.filter(pk=foreign.pk, is_default=False).exists()


# --- Inbox --------------------------------------------------------------------------------------


def test_the_inbox_tells_of_orders_until_they_are_read(signed_in: Client, own_order: Order) -> None:
    mark_paid(own_order)
    page = signed_in.get("/account/notifications/")
    assert [(item["news"].title, item["unread"]) for item in page.context["items"]] == [
        ("Paid", True),
        ("Order placed", True),
    ]

    signed_in.post("/account/notifications/read/", {"offset": page.context["items"][0]["offset"]})

    page = signed_in.get("/account/notifications/")
    assert not page.context["unread"]
    assert "Mark all as read" not in page.text


def test_a_senseless_read_mark_changes_nothing(signed_in: Client, own_order: Order) -> None:
    signed_in.post("/account/notifications/read/", {"offset": "all of them"})

    assert signed_in.get("/account/notifications/").context["unread"]


# --- Signing in and all that ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["login/", "signup/", "password/reset/", "password/reset/done/", "inactive/"]
)
def test_the_entrance_has_the_look_of_the_shop(client: Client, db: None, path: str) -> None:
    page = client.get(f"/accounts/{path}").text

    assert "entrance__body" in page
    assert "storefront/css/checkout.css" in page
    assert "placeholder" not in page.partition("<main")[2]


@pytest.mark.parametrize("path", ["email/", "password/change/", "logout/"])
def test_keeping_an_account_has_the_look_of_the_shop(signed_in: Client, path: str) -> None:
    assert 'aria-label="Your account"' in signed_in.get(f"/accounts/{path}").text


def test_a_wrong_password_is_told_in_our_words(client: Client, customer: User) -> None:
    page = client.post("/accounts/login/", {"login": customer.email, "password": "not it"}).text

    assert "We know no account with this address and this password." in page


def test_signing_up_sends_a_link_in_text_and_html(client: Client, db: None) -> None:
    client.post(
        "/accounts/signup/",
        {"email": "ada@example.com", "password1": "a-long-passphrase", "password2": "a-long-passphrase"},
    )

    letter = mail.outbox[0]
    assert letter.subject == "Please confirm your e-mail address"
    link = next(word for word in letter.body.split() if word.startswith("http"))
    html = letter.alternatives[0].content
    assert link in html
    assert "Is this your address?" in html
    assert "Breakwater" in letter.body

    path = link.removeprefix("http://testserver")
    assert "Yes, it is mine" in client.get(path).text
    client.post(path)
    assert EmailAddress.objects.get(email="ada@example.com").verified


def test_a_forgotten_password_is_set_anew(client: Client, customer: User) -> None:
    client.post("/accounts/password/reset/", {"email": customer.email})
    letter = mail.outbox[0]
    link = next(word for word in letter.body.split() if word.startswith("http"))
    assert link in letter.alternatives[0].content

    form = client.get(link.removeprefix("http://testserver"), follow=True)
    new = {"password1": "another-passphrase", "password2": "another-passphrase"}
    client.post(form.request["PATH_INFO"], new)

    assert client.login(email=customer.email, password="another-passphrase")


def test_nobody_learns_who_has_an_account(client: Client, customer: User) -> None:
    known = client.post("/accounts/password/reset/", {"email": customer.email}, follow=True)
    unknown = client.post("/accounts/password/reset/", {"email": "eve@example.com"}, follow=True)

    assert known.redirect_chain == unknown.redirect_chain
    assert mail.outbox[1].to == ["eve@example.com"]
    assert "no account with this address" in mail.outbox[1].body
