"""What touches the database, once more on a real PostgreSQL, where rows lock and transactions overlap."""

import pytest

from tests.parts import IS_ON_POSTGRES, Part


@pytest.mark.skipif(IS_ON_POSTGRES, reason="this run is the part on PostgreSQL itself")
@pytest.mark.timeout(1500)
def test_the_shop_s_own_tests_pass_on_postgresql(part_on_postgres: Part) -> None:
    part_on_postgres.process.wait(1480)
    said = part_on_postgres.output.read_text()
    assert part_on_postgres.process.returncode == 0, said[-8000:]
    assert " passed" in said
