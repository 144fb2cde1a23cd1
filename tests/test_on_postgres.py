"""What touches the database, once more on a real PostgreSQL, where rows lock and transactions overlap."""

import pytest

from tests.on_postgres import IS_ON_POSTGRES, Half


@pytest.mark.skipif(IS_ON_POSTGRES, reason="this run is on PostgreSQL itself")
@pytest.mark.timeout(1500)
def test_the_shop_s_own_tests_pass_on_postgresql(half_on_postgres: Half) -> None:
    half_on_postgres.process.wait(1480)
    said = half_on_postgres.output.read_text()
    assert half_on_postgres.process.returncode == 0, said[-8000:]
    assert " passed" in said
