import pytest

from tests.sandbox.servers import Receiver, Till


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture(scope="session")
def till(tmp_path_factory):
    """One server for all tests that do not turn knobs, wait for webhooks, or kill it."""
    till = Till(tmp_path_factory.mktemp("sandbox") / "sandbox.sqlite3").start()
    yield till
    till.stop()


@pytest.fixture
def own_till(tmp_path, receiver):
    """A server of the test's own that sends webhooks to the receiver."""
    till = Till(tmp_path / "sandbox.sqlite3", receiver.url).start()
    yield till
    till.stop()


@pytest.fixture
def client(till):
    return till.client()


@pytest.fixture
def pay(client):
    """Creates and confirms a payment intent in one call."""

    def pay(method="pm_card_visa", **params):
        params = {"amount": 2000, "currency": "eur", "payment_method": method, "confirm": True} | params
        params.setdefault("automatic_payment_methods", {"enabled": True, "allow_redirects": "never"})
        return client.v1.payment_intents.create(params)

    return pay
