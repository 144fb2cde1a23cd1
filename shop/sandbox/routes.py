"""Every address of Stripe's API that the sandbox plays: parameters, and the function behind it."""

import re
from dataclasses import dataclass
from typing import Any

from stripe import params

from shop.sandbox import (
    balance,
    charges,
    customer_sessions,
    customers,
    disputes,
    events,
    payment_intents,
    payment_methods,
    refunds,
    setup_intents,
)
from shop.sandbox.calls import Handler


@dataclass(frozen=True)
class Route:
    method: str
    path: str
    schema: Any
    handler: Handler
    for_browsers: bool = False

    def match(self, path: str) -> str | None:
        """The id in the path, an empty string where there is none, None where the path is another."""
        found = re.fullmatch(self.path.replace("{id}", "([^/]+)"), path)
        return None if found is None else (found.groups() or ("",))[0]


ROUTES = [
    Route("POST", "payment_intents", params.PaymentIntentCreateParams, payment_intents.create),
    Route("GET", "payment_intents", params.PaymentIntentListParams, payment_intents.list_all),
    Route("GET", "payment_intents/{id}", params.PaymentIntentRetrieveParams, payment_intents.retrieve, True),
    Route("POST", "payment_intents/{id}", params.PaymentIntentUpdateParams, payment_intents.update),
    Route(
        "POST",
        "payment_intents/{id}/confirm",
        params.PaymentIntentConfirmParams,
        payment_intents.confirm,
        True,
    ),
    Route("POST", "payment_intents/{id}/capture", params.PaymentIntentCaptureParams, payment_intents.capture),
    Route("POST", "payment_intents/{id}/cancel", params.PaymentIntentCancelParams, payment_intents.cancel),
    Route("POST", "setup_intents", params.SetupIntentCreateParams, setup_intents.create),
    Route("GET", "setup_intents", params.SetupIntentListParams, setup_intents.list_all),
    Route("GET", "setup_intents/{id}", params.SetupIntentRetrieveParams, setup_intents.retrieve, True),
    Route("POST", "setup_intents/{id}", params.SetupIntentUpdateParams, setup_intents.update),
    Route("POST", "setup_intents/{id}/confirm", params.SetupIntentConfirmParams, setup_intents.confirm, True),
    Route("POST", "setup_intents/{id}/cancel", params.SetupIntentCancelParams, setup_intents.cancel),
    Route("POST", "customer_sessions", params.CustomerSessionCreateParams, customer_sessions.create),
    Route("POST", "customers", params.CustomerCreateParams, customers.create),
    Route("GET", "customers", params.CustomerListParams, customers.list_all),
    Route("GET", "customers/{id}", params.CustomerRetrieveParams, customers.retrieve),
    Route("POST", "customers/{id}", params.CustomerUpdateParams, customers.update),
    Route("DELETE", "customers/{id}", params.CustomerDeleteParams, customers.delete),
    Route(
        "GET",
        "customers/{id}/payment_methods",
        params.CustomerPaymentMethodListParams,
        payment_methods.list_of_customer,
    ),
    Route("POST", "payment_methods", params.PaymentMethodCreateParams, payment_methods.create),
    Route("GET", "payment_methods", params.PaymentMethodListParams, payment_methods.list_all),
    Route("GET", "payment_methods/{id}", params.PaymentMethodRetrieveParams, payment_methods.retrieve),
    Route("POST", "payment_methods/{id}", params.PaymentMethodUpdateParams, payment_methods.update),
    Route("POST", "payment_methods/{id}/attach", params.PaymentMethodAttachParams, payment_methods.attach),
    Route("POST", "payment_methods/{id}/detach", params.PaymentMethodDetachParams, payment_methods.detach),
    Route("POST", "refunds", params.RefundCreateParams, refunds.create),
    Route("GET", "refunds", params.RefundListParams, refunds.list_all),
    Route("GET", "refunds/{id}", params.RefundRetrieveParams, refunds.retrieve),
    Route("POST", "refunds/{id}", params.RefundUpdateParams, refunds.update),
    Route("GET", "disputes", params.DisputeListParams, disputes.list_all),
    Route("GET", "disputes/{id}", params.DisputeRetrieveParams, disputes.retrieve),
    Route("POST", "disputes/{id}", params.DisputeUpdateParams, disputes.update),
    Route("POST", "disputes/{id}/close", params.DisputeCloseParams, disputes.close),
    Route("GET", "charges", params.ChargeListParams, charges.list_all),
    Route("GET", "charges/{id}", params.ChargeRetrieveParams, charges.retrieve),
    Route("POST", "charges/{id}", params.ChargeUpdateParams, charges.update),
    Route("GET", "events", params.EventListParams, events.list_all),
    Route("GET", "events/{id}", params.EventRetrieveParams, events.retrieve),
    Route("GET", "balance", params.BalanceRetrieveParams, balance.retrieve),
    Route("GET", "balance_transactions", params.BalanceTransactionListParams, balance.transactions),
    Route("GET", "balance_transactions/{id}", params.BalanceTransactionRetrieveParams, balance.transaction),
    Route("GET", "account", params.AccountRetrieveCurrentParams, balance.account),
    Route("GET", "accounts/{id}", params.AccountRetrieveParams, balance.account_by_id),
]


def find(method: str, path: str) -> tuple[Route, str] | None:
    for route in ROUTES:
        if route.method == method and (id := route.match(path)) is not None:
            return route, id
    return None
