"""What touches the database, once more on a real PostgreSQL, where rows lock and transactions overlap; and browsers."""

import pytest

from tests.parts import COMMANDS, IS_ON_POSTGRES, Part

WITHIN = 1480


@pytest.mark.skipif(IS_ON_POSTGRES, reason="this run is a part itself")
@pytest.mark.timeout(WITHIN + 20)
@pytest.mark.parametrize("name", COMMANDS)
def test_the_other_parts_of_the_suite_pass(name: str, parts: dict[str, Part]) -> None:
    process, output = parts[name]
    process.wait(WITHIN)
    said = output.read_text()
    assert process.returncode == 0, said[-8000:]
    assert " passed" in said
