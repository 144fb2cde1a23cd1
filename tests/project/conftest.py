from collections.abc import Callable

import pytest

from notifications.services import relay
from shop.catalog.models import Variant


@pytest.fixture
def prints(make_variant: Callable[..., Variant], delivery: object) -> Variant:
    """Two, of which this is called Ebb."""
    make_variant(slug="flow")
    ebb = make_variant(slug="ebb", title="Ebb")
    relay()  # or another thread numbers their events between two answers that are compared
    return ebb
