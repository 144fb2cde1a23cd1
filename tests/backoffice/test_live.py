"""The page "Live": for whom it is, and what it is told. (That it draws is in test_browser.py.)"""

from collections.abc import Iterator

import pytest
from django.test import Client

from notifications import metrics
from notifications.vitals import KEPT, Reporter
from tests.backoffice.conftest import staff
from tests.waiting import eventually

pytestmark = pytest.mark.django_db
PAGE, FIGURES = "/admin/live/", "/admin/live/figures/"


@pytest.fixture
def reporter() -> Iterator[Reporter]:
    reporter = Reporter("serve 8001")
    reporter.start()
    yield reporter
    reporter.stop()
    reporter.join(10)


def test_it_is_for_staff_with_its_permission(owner: Client, helper: Client, client: Client) -> None:
    watch = staff("watch@example.com", "view_stream")
    for path in (PAGE, FIGURES):
        answers = [who.get(path).status_code for who in (owner, watch, helper, client)]
        assert answers == [200, 200, 403, 302]
    assert [f'href="{PAGE}"' in who.get("/admin/").text for who in (owner, watch, helper)] == [
        True,
        True,
        False,
    ]


def test_without_a_report_it_says_so(owner: Client) -> None:
    assert "No process has reported within ten seconds." in owner.get(PAGE).text
    assert owner.get(FIGURES).json()["processes"] == []


def test_figures_go_on_from_where_the_page_has_them(owner: Client, reporter: Reporter) -> None:
    before = dict(owner.get(FIGURES).json()["resumes"])
    metrics.resumed(True)
    eventually(
        lambda: (
            dict(owner.get(FIGURES).json()["resumes"])["Nothing was missing"] > before["Nothing was missing"]
        )
    )
    told = owner.get(FIGURES).json()
    (process,) = told["processes"]
    assert process["name"] == "serve 8001"
    assert 1 <= len(process["samples"]) <= KEPT
    newest = dict(zip(told["fields"], process["samples"][-1], strict=True))
    assert newest == process["last"]
    assert (newest["sockets"], newest["outbox"]) == (0, 0)
    (later,) = owner.get(FIGURES, {"after": newest["at"]}).json()["processes"]
    assert all(sample[0] > newest["at"] for sample in later["samples"])
    assert owner.get(FIGURES, {"after": "soon"}).status_code == 200
    assert "serve 8001" in owner.get(PAGE).text
