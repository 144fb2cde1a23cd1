"""What a user wants to be told, and what tell() makes of it."""

from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.core import signing
from django.db import transaction

from notifications import preferences
from notifications.inbox import inbox, inbox_stream, unread_count
from notifications.models import DigestItem, Event, Preference
from notifications.preferences import choices, choose, keep_from_digests, register_kind, wants
from notifications.services import NotInTransaction, tell
from notifications.unsubscribe import AGE, unsubscribe, unsubscribe_token, user_by_token


@pytest.fixture(autouse=True)
def kinds(monkeypatch):
    """Kinds of these tests alone."""
    monkeypatch.setattr(preferences, "_registered", {})
    monkeypatch.setattr(preferences, "_kept_from_digests", set())
    register_kind("letter", "Letters", "What people write.")
    register_kind("letter.urgent", "Urgent letters", "What cannot wait.", email=True)
    register_kind("weather", "Weather", "What comes.", live=False)


@pytest.fixture
def user(db):
    return get_user_model().objects.create_user(email="reader@example.com", password="x")


def channels(user, kind):
    return wants(user.pk, kind, "live"), wants(user.pk, kind, "email")


def told(user):
    """How often live, and how often for the digest."""
    return Event.objects.on(inbox_stream(user)).to_read().count(), DigestItem.objects.filter(
        user=user
    ).count()


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("letter", (True, False)),
        ("letter.from.home", (True, False)),
        ("letter.urgent", (True, True)),
        ("letter.urgent.very", (True, True)),
        ("letters", (True, False)),
        ("weather.storm", (False, False)),
        ("unregistered", (True, False)),
    ],
)
def test_the_longest_registered_prefix_decides_until_a_user_does(user, kind, expected):
    assert channels(user, kind) == expected
    assert not Preference.objects.exists()


def test_a_choice_is_a_row_only_where_it_differs(user):
    choose(user, "letter", live=False, email=True)
    assert channels(user, "letter.from.home") == (False, True)
    assert channels(user, "letter.urgent") == (True, True)
    assert [(one.kind, one.live, one.email) for one in choices(user)] == [
        ("letter", False, True),
        ("letter.urgent", True, True),
        ("weather", False, False),
    ]
    choose(user, "letter", live=True, email=False)
    assert channels(user, "letter") == (True, False)
    assert not Preference.objects.exists()


def test_a_choice_is_its_user_s_alone(user):
    other = get_user_model().objects.create_user(email="other@example.com", password="x")
    choose(user, "letter", live=False, email=False)
    assert channels(other, "letter") == (True, False)


def test_a_kind_nobody_registered_cannot_be_chosen(user):
    with pytest.raises(LookupError):
        choose(user, "letter.from.home", live=True, email=True)


@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize("email", [True, False])
def test_told_is_what_was_chosen_and_nothing_else(user, live, email):
    choose(user, "letter", live=live, email=email)
    with transaction.atomic():
        tell(user.pk, "letter", text="Come home.")
    assert told(user) == (live, email)
    if email:
        item = DigestItem.objects.get()
        assert (item.kind, item.payload, item.digest) == ("letter", {"text": "Come home."}, None)
        assert item.offset == (1 if live else None)


def test_screens_stay_in_step_with_what_a_user_is_not_told(user):
    choose(user, "letter", live=False, email=False)
    with transaction.atomic():
        tell(user.pk, "letter", text="Come home.")
    assert Event.objects.on(inbox_stream(user)).get().payload == {"text": "Come home.", "quiet": True}
    assert (unread_count(user), list(inbox(user))) == (0, [])


def test_what_has_a_mail_of_its_own_is_in_no_digest(user):
    keep_from_digests("letter.urgent")
    with transaction.atomic():
        tell(user.pk, "letter.urgent")
        tell(user.pk, "letter.urgent.very")
    assert told(user) == (2, 1)


@pytest.mark.django_db(transaction=True)
def test_telling_belongs_to_the_transaction_of_the_change(user):
    choose(user, "letter", live=True, email=True)
    choose(user, "weather", live=False, email=False)
    for kind in ("letter", "weather"):
        with pytest.raises(NotInTransaction):
            tell(user.pk, kind)
    with transaction.atomic():
        tell(user.pk, "letter")
        transaction.set_rollback(True)
    assert told(user) == (0, 0)


def test_no_longer_wanted_is_not_mailed_any_more(user):
    choose(user, "letter", live=True, email=True)
    with transaction.atomic():
        tell(user.pk, "letter.from.home")
        tell(user.pk, "letter.urgent")
    choose(user, "letter", live=True, email=False)
    assert [item.kind for item in DigestItem.objects.all()] == ["letter.urgent"]


def test_unsubscribing_ends_digests_and_leaves_the_rest(user):
    keep_from_digests("letter.urgent")
    choose(user, "letter", live=True, email=True)
    choose(user, "weather", live=False, email=True)
    unsubscribe(user)
    assert channels(user, "letter") == (True, False)
    assert channels(user, "weather") == (False, False)
    assert channels(user, "letter.urgent") == (True, True)


def test_the_link_is_good_for_its_user_and_for_its_time(user):
    token = unsubscribe_token(user.pk)
    assert user_by_token(token) == user
    with time_machine.travel(AGE - timedelta(minutes=1)):
        assert user_by_token(token) == user
    with time_machine.travel(AGE + timedelta(minutes=1)), pytest.raises(signing.SignatureExpired):
        user_by_token(token)
    user.delete()
    assert user_by_token(token) is None


def test_a_link_cannot_be_made_by_others(user):
    token = unsubscribe_token(user.pk)
    another_purpose = signing.dumps(user.pk, salt="password")
    for forged in (token[:-1] + ("A" if token[-1] != "A" else "B"), another_purpose, "", "a:b:c"):
        with pytest.raises(signing.BadSignature):
            user_by_token(forged)
