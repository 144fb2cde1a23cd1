"""What docs/django-or-tornado.md says that each gives by itself, asked of both anew."""

import pytest

from lab.defaults.__main__ import as_table, ask
from lab.defaults.probes import PROBES
from tests.processes import ROOT

ESCAPES = "a script in a visitor's text is shown as text"
ORIGINS = "a socket that another site's page opens is refused"
FAULTS = "an error page tells a visitor nothing of the inside"


@pytest.mark.timeout(120)
def test_what_each_holds_by_itself_is_as_the_docs_say() -> None:
    told = {site: ask(site) for site in ("django", "tornado")}
    assert {title for title in PROBES if not told["django"][title]} == {FAULTS}
    assert {title for title in PROBES if told["tornado"][title]} == {ESCAPES, ORIGINS, FAULTS}
    assert as_table(told) in (ROOT / "docs/django-or-tornado.md").read_text()
