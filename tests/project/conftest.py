from collections.abc import Callable

import pytest

from shop.catalog.models import Variant


@pytest.fixture
def prints(make_variant: Callable[..., Variant], delivery: object) -> Variant:
    """Two, of which this is called Ebb."""
    make_variant(slug="flow")
    return make_variant(slug="ebb", title="Ebb")
