from pathlib import Path

import pytest

from lab.lines import as_table, count, parts_as_table, total
from tests.processes import ROOT

CODE = '''"""A docstring
of two lines."""

# A comment.
import os  # one


def two(a,
        b):
    """And one of its own."""
    return """three
    lines"""
'''


def test_only_code_counts(tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text(CODE)
    assert count(tmp_path / "code.py") == 5


def test_a_file_that_is_gone_is_no_saving() -> None:
    with pytest.raises(LookupError):
        total(("lab/no_such_file.py",))


def test_the_docs_say_so() -> None:
    assert as_table() in (ROOT / "docs/django-or-tornado.md").read_text()
    assert parts_as_table() in (ROOT / "docs/how-far.md").read_text()
