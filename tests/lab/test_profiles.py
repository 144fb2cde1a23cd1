"""Whose a sample is, and what the picture says of it."""

import xml.etree.ElementTree as ET

import pytest

from lab.profiled import Profile, draw, owner_of, shares

REACTOR = "AsyncioSelectorReactor.run (twisted/internet/asyncioreactor.py:257)"
SERVER = f"thread (7): MainThread;serve (shop/serve.py:74);{REACTOR}"
VIEW = f"{SERVER};get (shop/api/payments.py:150);__iter__ (django/db/models/query.py:386)"


@pytest.mark.parametrize(
    ("stack", "owner"),
    [
        (SERVER, "loop, threads"),
        (f"{SERVER};doRead (twisted/internet/tcp.py:250)", "Daphne, Twisted"),
        (f"{SERVER};dispatch (rest_framework/views.py:512)", "REST framework"),
        (f"{SERVER};get_response (django/core/handlers/base.py:170)", "Django"),
        (VIEW, "ORM"),
        # The standard library works for whoever called it.
        (f"{VIEW};dumps (json/__init__.py:231);encode (json/encoder.py:200)", "ORM"),
        (f"{SERVER};_answer (lab/servers/tornado_shop/catalogue.py:80)", "by hand"),
        (f"{SERVER};run (threading.py:1000)", "loop, threads"),
        ("thread (8): ;main (somewhere.py:1)", "others"),
    ],
)
def test_a_sample_belongs_to_the_innermost_that_has_an_owner(stack: str, owner: str) -> None:
    assert owner_of(stack) == owner


def test_samples_are_shared_out() -> None:
    total, parts = shares([f"{VIEW} 3\n", f"{SERVER} 1\n", "\n"])
    assert (total, parts) == (4, {"ORM": 0.75, "loop, threads": 0.25})


def test_a_bar_is_as_long_as_its_work_takes() -> None:
    rows = [
        Profile("list", "daphne-stock", 4.0, 100, {"ORM": 0.5, "Django": 0.5}),
        Profile("list", "daphne-serve", 1.0, 100, {"Django": 1.0}),
    ]
    picture = ET.fromstring(draw(rows, {"list": "The list"}, "Where", "of what", "ms"))
    name = "{http://www.w3.org/2000/svg}"
    bars = {
        bar.find(f"{name}title").text: float(bar.get("width"))
        for bar in picture.iter(f"{name}rect")
        if len(bar)
    }  # type: ignore[union-attr, arg-type]
    assert bars.keys() == {"ORM: 2 ms", "Django: 2 ms", "Django: 1 ms"}
    assert bars["Django: 2 ms"] == pytest.approx(2 * bars["Django: 1 ms"], abs=0.2)
    texts = [text.text for text in picture.iter(f"{name}text")]
    assert "The list" in texts
    assert {"before", "now", "4 ms", "1 ms"} <= set(texts)
