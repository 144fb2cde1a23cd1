import pytest
import stripe


def test_a_customer_is_created_changed_and_deleted(client):
    customer = client.v1.customers.create(
        {"email": "ann@example.com", "name": "Ann", "address": {"city": "Bergen", "country": "NO"}}
    )
    assert (customer.address.city, customer.address.line1, customer.balance) == ("Bergen", None, 0)
    customer = client.v1.customers.update(customer.id, {"name": "Ann B.", "phone": "+47 1", "address": ""})
    assert (customer.name, customer.email, customer.address) == ("Ann B.", "ann@example.com", None)
    assert client.v1.customers.list({"email": "ann@example.com"}).data[0].id == customer.id

    assert client.v1.customers.delete(customer.id).deleted
    assert client.v1.customers.retrieve(customer.id).deleted
    assert customer.id not in [c.id for c in client.v1.customers.list({"limit": 100}).data]
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.create({"amount": 900, "currency": "eur", "customer": customer.id})
    assert refused.value.code == "resource_missing"


def test_a_card_is_attached_made_default_and_detached(client):
    customer = client.v1.customers.create({"payment_method": "pm_card_visa"})
    other = client.v1.payment_methods.attach("pm_card_mastercard", {"customer": customer.id})
    cards = client.v1.payment_methods.list({"customer": customer.id, "type": "card"}).data
    assert [card.card.brand for card in cards] == ["mastercard", "visa"]
    settings = {"invoice_settings": {"default_payment_method": other.id}}
    customer = client.v1.customers.update(
        customer.id, {**settings, "expand": ["invoice_settings.default_payment_method"]}
    )
    assert customer.invoice_settings.default_payment_method.card.brand == "mastercard"

    assert client.v1.payment_methods.detach(other.id).customer is None
    with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
        client.v1.payment_methods.attach(other.id, {"customer": customer.id})


def test_a_card_belongs_to_one_customer(client):
    ann, bob = client.v1.customers.create(), client.v1.customers.create()
    method = client.v1.payment_methods.attach("pm_card_visa", {"customer": ann.id})
    with pytest.raises(stripe.InvalidRequestError, match="already been attached"):
        client.v1.payment_methods.attach(method.id, {"customer": bob.id})


def test_a_bad_email_is_refused(client):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.customers.create({"email": "not an email"})
    assert refused.value.code == "email_invalid"


def test_a_session_lets_a_sheet_show_a_customer_s_cards(client):
    customer = client.v1.customers.create({"email": "ann@example.com"})
    sheet = {"enabled": True, "features": {"payment_method_save": "enabled"}}
    wanted = {"customer": customer.id, "components": {"mobile_payment_element": sheet}}
    session = client.v1.customer_sessions.create(wanted)
    assert (session.object, session.customer) == ("customer_session", customer.id)
    assert session.client_secret.startswith("cuss_secret_")
    assert session.expires_at - session.created == 1800
    assert session.components.mobile_payment_element.enabled
    assert session.components.mobile_payment_element.features.payment_method_save == "enabled"
    assert not session.components.payment_element.enabled


def test_a_session_needs_a_customer_and_something_to_show(client):
    customer = client.v1.customers.create({})
    nothing = {"payment_element": {"enabled": False}}
    for wanted, param in (
        ({"components": {"payment_element": {"enabled": True}}}, "customer"),
        ({"customer": customer.id, "components": nothing}, "components"),
        ({"customer": "cus_none", "components": {"payment_element": {"enabled": True}}}, "customer"),
    ):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            client.v1.customer_sessions.create(wanted)
        assert refused.value.param == param
