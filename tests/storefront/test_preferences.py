"""What we tell you: the page of choices, the digest as mail, and the link that ends it."""

import email.policy
import smtplib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import transaction
from django.test import Client
from django_tasks_db.models import DBTaskResult

from accounts.models import User
from notifications.inbox import mark_read, unread_count
from notifications.models import DigestItem, Event
from notifications.preferences import choose, wants
from notifications.services import tell
from notifications.unsubscribe import AGE, unsubscribe_token
from shop.background import new_worker
from shop.cart.models import Cart
from shop.digests import digests, send_digest
from shop.orders.models import Order
from shop.orders.services import deliver_order, mark_paid, pack_order, ship_order

PAGE = "/account/notifications/preferences/"
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def confirmed(customer: User) -> User:
    EmailAddress.objects.create(user=customer, email=customer.email, verified=True, primary=True)
    return customer


def work_off_tasks() -> None:
    new_worker(["*"], interval=0, batch=True).run()
    failed = DBTaskResult.objects.failed()
    assert not failed, failed[0].traceback


# --- The page -----------------------------------------------------------------------------------


def test_the_page_is_for_who_signed_in_and_reached_from_the_messages(
    signed_in: Client, client: Client
) -> None:
    assert PAGE in signed_in.get("/account/notifications/").text
    signed_in.logout()
    assert client.get(PAGE).headers["Location"].startswith("/accounts/login/?next=/account/")


def test_choices_are_shown_and_kept(signed_in: Client, customer: User) -> None:
    before = signed_in.get(PAGE).text
    assert 'name="live" value="order" checked' in before
    assert 'name="email" value="order">' in before
    assert 'name="email" value="order.shipped" checked' in before

    answer = signed_in.post(PAGE, {"kind": ["order", "order.shipped"], "email": ["order"]})

    assert answer.headers["Location"] == PAGE
    assert [wants(customer.pk, "order.packed", channel) for channel in ("live", "email")] == [False, True]
    assert [wants(customer.pk, "order.shipped", channel) for channel in ("live", "email")] == [False, False]
    after = signed_in.get(PAGE).text
    assert 'name="live" value="order">' in after
    assert 'name="email" value="order" checked' in after


def test_a_row_the_page_did_not_have_stays_as_it_was(signed_in: Client, customer: User) -> None:
    signed_in.post(PAGE, {"kind": ["order"]})

    assert not wants(customer.pk, "order.packed", "live")
    assert wants(customer.pk, "order.shipped", "email")


@pytest.mark.parametrize(
    "sent", [{}, {"kind": ["order", "gossip"]}, {"kind": ["order"], "email": ["gossip"]}]
)
def test_what_is_not_offered_cannot_be_chosen(signed_in: Client, customer: User, sent: dict) -> None:
    answer = signed_in.post(PAGE, sent)

    assert answer.status_code == 422
    assert "not on the list" in answer.text
    assert wants(customer.pk, "order", "live")


def test_an_unconfirmed_address_is_told_to_be_confirmed(signed_in: Client, customer: User) -> None:
    assert f"Confirm {customer.email}" in signed_in.get(PAGE).text
    EmailAddress.objects.create(user=customer, email=customer.email, verified=True, primary=True)
    assert f"Confirm {customer.email}" not in signed_in.get(PAGE).text


# --- What follows from a choice -----------------------------------------------------------------


def test_the_log_of_an_order_does_not_ask_what_its_buyer_wants(own_order: Order, customer: User) -> None:
    read_before = unread_count(customer)
    choose(customer, "order", live=False, email=False)

    mark_paid(own_order)

    assert unread_count(customer) == read_before
    assert own_order.events.filter(kind="paid").exists()
    assert Event.objects.on(own_order.stream).filter(kind="order.paid").exists()


def ship(order: Order, number: str) -> list[str]:
    """Ships it; the subjects of the mails that this leads to."""
    mark_paid(order)
    pack_order(order)
    ship_order(order, "Tideway", number)
    work_off_tasks()
    return [letter.subject.partition(" is ")[2] for letter in mail.outbox]


@pytest.mark.django_db(transaction=True)
def test_only_the_mail_of_the_parcel_can_be_declined(
    place: Callable[..., Order], make_cart: Callable[..., Cart], customer: User
) -> None:
    assert ship(place(make_cart(), user=customer), "TW-1") == ["paid", "on its way"]
    assert "/account/notifications/preferences/" in mail.outbox[1].body
    mail.outbox.clear()
    choose(customer, "order.shipped", live=True, email=False)
    assert ship(place(make_cart(), user=customer), "TW-2") == ["paid"]
    mail.outbox.clear()
    assert ship(place(make_cart()), "TW-3") == ["paid", "on its way"]
    assert "/account/notifications/preferences/" not in mail.outbox[1].body


# --- The digest ---------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_who_was_away_gets_one_mail_of_what_they_have_not_read(
    own_order: Order, confirmed: User, client: Client
) -> None:
    choose(confirmed, "order", live=True, email=True)
    with time_machine.travel(NOON, tick=False) as clock:
        for step in (mark_paid, pack_order):
            step(own_order)
        ship_order(own_order, "Tideway", "TW-7")
        deliver_order(own_order)
        work_off_tasks()
        mail.outbox.clear()
        clock.shift(timedelta(minutes=15))
        assert [digests(), digests()] == [1, 0]
        work_off_tasks()
        [letter] = mail.outbox
        stop = letter.extra_headers["List-Unsubscribe"].strip("<>")
        client.post(stop.removeprefix("http://localhost:8000"), {"List-Unsubscribe": "One-Click"})
        clock.shift(timedelta(days=1))
        assert digests() == 0

    assert letter.to == [confirmed.email]
    assert letter.subject == "2 messages wait for you"
    html = letter.alternatives[0].content
    for text in (letter.body, html):
        assert [word in text for word in ("Delivered", "Packed", "Paid", "On its way")] == [
            True,
            True,
            False,
            False,
        ]
        assert own_order.get_absolute_url() in text
        assert PAGE in text
        assert stop in text
    for policy in (email.policy.default, email.policy.SMTP):
        lines = letter.message(policy=policy).as_bytes().decode().splitlines()
        assert f"List-Unsubscribe: <{stop}>" in lines
        assert "List-Unsubscribe-Post: List-Unsubscribe=One-Click" in lines
    assert not wants(confirmed.pk, "order", "email")
    assert wants(confirmed.pk, "order", "live")


def waiting(user: User, *kinds: str) -> None:
    """A digest that was gathered and waits for the worker, as its number 1."""
    for kind in kinds:
        with transaction.atomic():
            tell(user.pk, kind, number="BW-7", order="abc")
    DigestItem.objects.filter(user=user).update(digest=1)


@pytest.fixture
def asked_for(confirmed: User) -> User:
    choose(confirmed, "order", live=True, email=True)
    return confirmed


def test_one_message_is_its_own_subject(asked_for: User) -> None:
    waiting(asked_for, "order.delivered")
    send_digest.call(asked_for.pk, 1)
    assert [letter.subject for letter in mail.outbox] == ["Delivered · Order BW-7"]


def test_a_long_absence_makes_no_long_mail(asked_for: User) -> None:
    waiting(asked_for, *["order.packed"] * 23)
    send_digest.call(asked_for.pk, 1)
    [letter] = mail.outbox
    assert letter.subject == "23 messages wait for you"
    assert letter.body.count("Packed") == 20
    assert "And 3 more." in letter.body


def test_after_a_crash_the_second_copy_is_known_by_its_id(asked_for: User) -> None:
    waiting(asked_for, "order.packed")
    [item] = DigestItem.objects.all()
    send_digest.call(asked_for.pk, 1)
    send_digest.call(asked_for.pk, 1)
    assert len(mail.outbox) == 1
    item.save(force_insert=True)  # as if the process had died before it could forget
    send_digest.call(asked_for.pk, 1)
    assert len({letter.message()["Message-ID"] for letter in mail.outbox}) == 1
    assert len(mail.outbox) == 2


class AwayBackend(EmailBackend):
    def send_messages(self, messages: object) -> int:
        raise smtplib.SMTPServerDisconnected("away")


def test_a_mail_server_that_is_away_is_asked_again_unless_all_is_read(asked_for: User, settings) -> None:
    waiting(asked_for, "order.packed")
    known = settings.MAILERS
    settings.MAILERS = {"default": {"BACKEND": f"{__name__}.AwayBackend"}}
    send_digest.call(asked_for.pk, 1)
    again = DBTaskResult.objects.get()
    assert again.args_kwargs["args"] == [asked_for.pk, 1, 2]
    assert again.run_after is not None
    settings.MAILERS = known
    mark_read(asked_for, 1)
    send_digest.call(asked_for.pk, 1, 2)
    assert mail.outbox == []


@pytest.mark.parametrize("spoil", ["unconfirmed", "another address", "disabled"])
def test_news_goes_only_to_an_address_that_was_confirmed(asked_for: User, spoil: str) -> None:
    waiting(asked_for, "order.packed")
    if spoil == "unconfirmed":
        EmailAddress.objects.update(verified=False)
    elif spoil == "another address":
        EmailAddress.objects.update(email="old@example.com")
    else:
        User.objects.update(is_active=False)
    send_digest.call(asked_for.pk, 1)
    assert mail.outbox == []
    assert not DigestItem.objects.exists()


# --- The link -----------------------------------------------------------------------------------


def link(user: User) -> str:
    return f"/unsubscribe/{unsubscribe_token(user.pk)}/"


def test_the_link_asks_and_then_acts_without_signing_in(asked_for: User) -> None:
    stranger = Client(enforce_csrf_checks=True)
    page = stranger.get(link(asked_for))
    assert "Stop these e-mails" in page.text
    assert asked_for.email not in page.text
    assert wants(asked_for.pk, "order", "email")

    for _ in range(2):
        assert "Done, we keep quiet" in stranger.post(link(asked_for)).text
    assert not wants(asked_for.pk, "order", "email")
    assert wants(asked_for.pk, "order.shipped", "email")


def test_the_link_acts_for_its_own_user_whoever_is_signed_in(asked_for: User, client: Client) -> None:
    eve = User.objects.create_user("eve@example.com")
    choose(eve, "order", live=True, email=True)
    client.force_login(eve)
    client.post(link(asked_for))
    assert [wants(user.pk, "order", "email") for user in (asked_for, eve)] == [False, True]


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_link_that_is_forged_or_too_old_does_nothing(asked_for: User, client: Client, method: str) -> None:
    good = link(asked_for)
    forged = good.replace(good[13:16], "AAA")
    assert getattr(client, method)(forged).status_code == 404
    with time_machine.travel(datetime.now(UTC) + AGE + timedelta(minutes=1)):
        answer = getattr(client, method)(good)
    assert answer.status_code == 410
    assert "This link is too old" in answer.text
    assert wants(asked_for.pk, "order", "email")
