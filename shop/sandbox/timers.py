"""What happens by itself a little later: delayed payments settle, refunds reach the bank, banks dispute."""

import time

from shop.sandbox import confirmation, disputes, refunds
from shop.sandbox.calls import Call

ACTIONS = {
    "settle_payment": confirmation.settle,
    "settle_refund": refunds.settle,
    "open_dispute": disputes.open_one,
    "settle_dispute": disputes.settle,
}


def do_next(call: Call) -> bool:
    """Does what is due in the transaction that takes it off the list, so it happens once."""
    rows = call.store.execute(
        "DELETE FROM timers WHERE seq = (SELECT seq FROM timers WHERE due <= ? ORDER BY due LIMIT 1) RETURNING *",
        time.time(),
    )
    for row in rows:
        ACTIONS[row["action"]](call, row["subject"])
    return bool(rows)
