"""The model finds what it was made from; the simulation loses nobody, and agrees with a sum where there is one."""

import re
from typing import Any

import numpy as np
import pytest
from django.contrib.auth import SESSION_KEY
from django.test import Client

from accounts.models import User
from lab.faults.remote import ROOT
from lab.loads.processes import SOCKETS
from lab.report import MAIN
from lab.runner import Row
from lab.scale import chapters, storm
from lab.scale.chapters import CHAPTERS
from lab.scale.document import DOCUMENT, filled
from lab.scale.fitting import Measured, TooFewPoints, fit
from lab.scale.rows import NothingMeasured, fitted
from lab.scale.site import Demand, OneChannelIsNotEnough, most_events, needs
from lab.scale.storm import Servers, come_back
from notifications.identity import reader_by_session
from notifications.log import open_stream
from notifications.protocol import Drain, Position

EVENT, DELIVERY = 60e-6, 13e-6  # seconds of CPU
PROCESS, BEFORE, SOCKET = 95.0, 130.0, 0.02  # MiB
STORM = 1 / 1500
STAYING, ALONE = 10e-6, 0.02  # cores
EVENT_MS = 5.0  # from one to the next


def row(load: str, point: int, number: int = 0, **figures: float) -> Row:
    return Row(load, MAIN, point, number, figures)


def per_core(processes: int, sockets: int) -> float:
    anyway = processes * ALONE * EVENT_MS / 1000
    return sockets / (processes * EVENT + sockets * DELIVERY + anyway)


def a_run(noise: float = 0.0) -> list[Row]:
    """Rows as the lab writes them, of servers whose costs are the ones above."""
    random = np.random.default_rng(1)

    def measured(value: float) -> float:
        return value * (1 + noise * random.standard_normal())

    rows = []
    for number in range(3):
        for count in (1, 2, 4):
            rate, memory = measured(per_core(count, SOCKETS)), measured(count * PROCESS + BEFORE)
            figures = {"deliveries_per_core": rate, "memory_mib": memory, "event_ms": EVENT_MS}
            rows.append(row("processes", count, number, **figures))
        for sockets in (100, 1000, 5000, 10_000):
            rate = measured(per_core(1, sockets))
            rows.append(row("fan-out", sockets, number, deliveries_per_core=rate, event_ms=EVENT_MS))
        figures = {"kib_per_socket": measured(SOCKET * 1024), "back_per_core": measured(1 / STORM)}
        rows.append(row("signed-in", 10_000, number, **figures))
        rows.append(row("staying", 5000, number, us_per_socket=STAYING * 1e6, busy_alone=ALONE))
        order = {"django_ms": 8.0, "postgres_ms": 4.0, "wal_kib": 10.24, "queries": 30.0}
        rows.append(row("order-cost", 300, number, **order))
        rows += [row("checkout", rate, number, orders_per_core=40.0 - rate / 10) for rate in (0, 10, 20)]
    return rows


# The model


def test_it_finds_the_costs_that_made_the_rows() -> None:
    model = fitted(a_run())
    assert model.cpu == pytest.approx({"process": EVENT, "delivery": DELIVERY})
    assert model.memory == pytest.approx({"process": PROCESS, "before": BEFORE})
    assert (model.handshake, model.staying, model.alone) == pytest.approx((STORM, STAYING, ALONE))
    assert max(map(abs, model.checked.values())) < 1e-6


def test_rows_that_scatter_move_it_no_further_than_they_scatter() -> None:
    model = fitted(a_run(noise=0.02))
    assert model.cpu["delivery"] == pytest.approx(DELIVERY, rel=0.05)
    assert model.memory["process"] == pytest.approx(PROCESS, rel=0.1)
    assert 0 < max(map(abs, model.checked.values())) < 0.15


def test_it_is_checked_against_a_point_that_it_has_not_seen() -> None:
    rows = a_run()
    for each in rows:
        if (each.load, each.point) == ("fan-out", 10_000):
            each.figures["deliveries_per_core"] /= 2
    model = fitted(rows)
    assert model.cpu == pytest.approx({"process": EVENT, "delivery": DELIVERY})
    assert min(model.checked.values()) == pytest.approx(-0.5, abs=0.01)


def test_nothing_costs_less_than_nothing() -> None:
    points = [Measured({"a": 1, "b": n}, 1 - 0.01 * n) for n in (1, 2, 3)]
    found = fit(points)
    assert found["b"] == 0
    assert found["a"] == pytest.approx(0.98, rel=0.01)


def test_points_that_do_not_tell_costs_apart_are_refused() -> None:
    with pytest.raises(TooFewPoints):
        fit([Measured({"a": 1, "b": 2}, 3), Measured({"a": 2, "b": 4}, 6)])


def test_rows_that_are_missing_are_named() -> None:
    with pytest.raises(NothingMeasured, match="processes"):
        fitted([each for each in a_run() if each.load != "processes"])


def test_what_a_site_needs_grows_with_it_until_one_channel_is_not_enough() -> None:
    model = fitted(a_run())
    small, large = (needs(Demand("", n, 10, 100), model) for n in (10_000, 1_000_000))
    assert (small.processes, large.processes) == (1, 100)
    assert (small.valkey_out, large.valkey_out > 0) == (0, True)
    assert large.cores == pytest.approx(10 * (100 * EVENT + 100 * DELIVERY) + 1e6 * STAYING + 100 * ALONE)
    assert large.memory_gib * 1024 == pytest.approx(100 * PROCESS + 1_000_000 * SOCKET)
    assert needs(Demand("", 10_000, 100, 10_000), model).processes > 20  # by what it hands on
    with pytest.raises(OneChannelIsNotEnough):
        needs(Demand("", 10_000, most_events(model) + 1, 1), model)


# Coming back


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(3)


def test_nobody_is_lost_when_lines_are_full_and_patience_ends(random: np.random.Generator) -> None:
    clients = 20_000
    servers = Servers(4, handshakes=100, waiting=2000)
    seen = come_back(storm.dropped(clients, random), servers, random, tried=1)
    assert seen.missing == 0
    assert sum(seen.shaken) == clients
    assert seen.refused > 0
    assert seen.given_up > 0
    assert seen.peak(4) <= 100 * 1.05
    assert seen.last >= clients / 400


def test_with_room_for_all_the_last_is_back_when_the_work_is_done(random: np.random.Generator) -> None:
    clients, rate, processes = 30_000, 1000.0, 4
    servers = Servers(processes, rate, waiting=clients)
    seen = come_back(storm.dropped(clients, random), servers, random, tried=1)
    assert seen.last == pytest.approx(clients / (rate * processes), abs=0.2)
    assert seen.peak(processes) == pytest.approx(rate, rel=0.05)
    assert (seen.refused, seen.given_up) == (0, 0)


def test_a_database_in_the_way_makes_it_as_long_as_its_queries_take(random: np.random.Generator) -> None:
    clients, answers = 3000, 3000.0
    servers = Servers(4, 10_000, database=answers, greetings=clients)
    seen = come_back(storm.dropped(clients, random), servers, random, tried=1)
    assert seen.last == pytest.approx(clients * storm.QUERIES / answers, abs=0.2)
    assert (seen.refused, seen.given_up) == (0, 0)


def test_more_who_wait_than_the_database_can_greet_in_time_never_come_back(
    random: np.random.Generator,
) -> None:
    """Each gives up before its turn, and the database answers for who has gone."""
    come_at, answers = storm.dropped(10_000, random), 150.0
    fits = int(answers / storm.QUERIES * storm.PATIENCE_S)
    stuck = come_back(come_at, Servers(1, 1000, answers, 500, greetings=4 * fits), random, tried=1)
    ended = come_back(come_at, Servers(1, 1000, answers, 500, greetings=fits // 2), random, tried=1)
    assert stuck.missing > 5000
    assert stuck.given_up > 10_000
    assert ended.missing == 0
    assert ended.given_up == 0


def test_where_there_is_no_line_all_are_back_when_they_come(random: np.random.Generator) -> None:
    come_at = storm.told_to_leave(1000, random)
    seen = come_back(come_at, Servers(10, 1000), random, tried=0)
    assert (seen.back - come_at).max() <= 2 * storm.STEP_S
    assert seen.last <= Drain.retry_ms[1] / 1000 + storm.STEP_S


def test_its_clients_wait_as_the_pages_do() -> None:
    link = (ROOT / "notifications/static/notifications/link.js").read_text()
    said = {name: float(value) for name, value in re.findall(r"^const (\w+) = (\d+);", link, re.MULTILINE)}
    assert (said["RETRY_MS"], said["RETRY_MAX_MS"]) == (storm.RETRY_S * 1000, storm.RETRY_MAX_S * 1000)
    assert (said["OPEN_MS"], said["TICK_MS"]) == (storm.PATIENCE_S * 1000, storm.TICK_S * 1000)
    assert "Math.random() * most" in link
    assert "RETRY_MS * 2 ** this.#tries++" in link


def test_a_client_that_comes_back_asks_as_often_as_it_says(
    client: Client, customer: User, django_assert_num_queries: Any
) -> None:
    client.force_login(customer)
    assert SESSION_KEY in client.session
    with django_assert_num_queries(storm.QUERIES):
        reader = reader_by_session(client.session.session_key)
        assert reader.user == customer
        open_stream(f"user:{customer.pk}", Position("", 0), 100)


# The document


def test_every_place_of_the_document_has_a_chapter() -> None:
    text = filled(DOCUMENT.read_text(), dict.fromkeys(CHAPTERS, "| a | table |"))
    assert text.count("| a | table |") == len(CHAPTERS)
    with pytest.raises(ValueError, match="orders"):
        filled(text, dict.fromkeys(CHAPTERS.keys() - {"orders"}, ""))


def test_chapters_say_what_the_rows_said() -> None:
    rows = a_run()
    model = fitted(rows)
    assert "| 1 | 5,000 | 65.06 | 65.06 |" in chapters.check(model, rows)
    assert "the model says 0%" in chapters.check(model, rows)
    assert "| memory of a process | 95 MiB |" in chapters.costs(model, rows)
    assert "| 1,000 | 8.00 | 25.00 | 4.00 | 30,000 | 10.0 MB/s |" in chapters.orders(model, rows)
    assert "| 1,000,000 sockets, 1,000 events/s, each to 1,000 | 100 |" in chapters.sizes(model, rows)
    assert "| 10,000 on 2 | the network drops everybody | 10,000 |" in chapters.returns(model, rows, [10_000])
    assert "| 20,000 | 2,000 |" in chapters.database(model, rows, 20_000)
