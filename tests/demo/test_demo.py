"""`manage.py demo`, run as a user runs it."""

import http.cookiejar
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from shop.demo.launch import MARKER, CannotUse, take_folder
from tests.demo.conftest import Demo, command, surroundings
from tests.processes import ROOT, free_port

Another = Callable[..., Demo]


class Page:
    def __init__(
        self, url: str, opener: urllib.request.OpenerDirector | None = None, **request: object
    ) -> None:
        asked = urllib.request.Request(url, **request)  # type: ignore[arg-type]
        try:
            answer = (opener or urllib.request.build_opener()).open(asked, timeout=20)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            self.status, self.headers, self.body = answer.status, answer.headers, answer.read()
            self.url = answer.url

    @property
    def text(self) -> str:
        return self.body.decode()


def first_picture(demo: Demo) -> str:
    found = re.search(r"/media/products/[^\s\"]+\.avif", Page(f"{demo.url}/products/").text)
    assert found
    return demo.url + found[0]


# --- The first start ----------------------------------------------------------------------------


def test_the_first_start_opens_a_shop_within_a_minute(demo: Demo) -> None:
    assert demo.busy < 100  # On two processors; half of it and a few seconds on the clock.
    said = demo.log.read_text()
    for line in (f"{demo.url}/", "owner@breakwater.example", "breakwater-demo", "Ctrl-C"):
        assert line in said
    page = Page(f"{demo.url}/products/")
    assert page.status == 200
    assert "57 prints" in page.text
    assert Page(f"{demo.url}/readyz").status == 200


def test_pictures_are_served_for_good_in_parts_and_only_when_changed(demo: Demo) -> None:
    url = first_picture(demo)
    whole = Page(url)
    assert (whole.status, whole.headers["Content-Type"]) == (200, "image/avif")
    assert "immutable" in whole.headers["Cache-Control"]
    part = Page(url, headers={"Range": "bytes=10-19"})
    assert (part.status, part.body) == (206, whole.body[10:20])
    assert Page(url, headers={"If-Modified-Since": whole.headers["Last-Modified"]}).status == 304
    assert Page(url, headers={"If-None-Match": whole.headers["ETag"]}).status == 304


@pytest.mark.parametrize(
    "path", ["/media/../shop.sqlite3", "/media/%2e%2e/secret_key", "/media/none.avif", "/media/"]
)
def test_nothing_else_is_served_as_a_picture(demo: Demo, path: str) -> None:
    with socket.create_connection(("127.0.0.1", demo.port), timeout=10) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 404")


def test_example_orders_went_through_the_real_services(demo: Demo) -> None:
    assert demo.wait_for_orders() == {
        "demo-1": "refunded",
        "demo-2": "delivered",
        "demo-3": "shipped",
        "demo-4": "packed",
        "demo-5": "paid",
    }
    assert demo.rows("SELECT count(*) FROM payments_payment WHERE status = 'succeeded'") == [(5,)]
    assert demo.rows("SELECT count(*) FROM orders_order WHERE user_id IS NULL") == [(1,)]
    held = demo.rows("SELECT sum(reserved) FROM inventory_stock")
    assert held == demo.rows("SELECT sum(quantity) FROM inventory_reservation WHERE state = 'held'")
    adrift = """
        SELECT stock.variant_id FROM inventory_stock stock WHERE on_hand <>
        (SELECT coalesce(sum(quantity), 0) FROM inventory_stockmovement m WHERE m.variant_id = stock.variant_id)
    """
    assert demo.rows(adrift) == []


def test_the_accounts_sign_in(demo: Demo) -> None:
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
    form = Page(f"{demo.url}/accounts/login/?next=/admin/", opener).text
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form)
    assert token
    fields = {"login": "support@breakwater.example", "password": "breakwater-demo", "next": "/admin/"}
    data = urllib.parse.urlencode(fields | {"csrfmiddlewaretoken": token[1]}).encode()
    page = Page(f"{demo.url}/accounts/login/", opener, data=data, headers={"Referer": demo.url})
    assert (page.status, page.url) == (200, f"{demo.url}/admin/")


# --- Its pages ----------------------------------------------------------------------------------


def test_the_mail_can_be_read_and_cannot_do_anything(demo: Demo) -> None:
    demo.wait_for_orders()
    deadline = time.monotonic() + 20
    while not (names := re.findall(r"/demo/mail/([\w-]+)/", Page(f"{demo.url}/demo/mail/").text)):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    letter = Page(f"{demo.url}/demo/mail/{names[0]}/")
    assert "@" in letter.text
    assert f"/demo/mail/{names[0]}/html/" in letter.text
    html = Page(f"{demo.url}/demo/mail/{names[0]}/html/")
    policy = html.headers["Content-Security-Policy"]
    assert html.status == 200
    assert "default-src 'none'" in policy
    assert "sandbox allow-top-navigation-by-user-activation" in policy
    assert "allow-scripts" not in policy
    assert html.headers["X-Frame-Options"] == "SAMEORIGIN"


@pytest.mark.parametrize("name", ["none", "none-1", "20260101-000000-1-1", "-1"])
def test_an_unknown_message_is_not_there(demo: Demo, name: str) -> None:
    assert Page(f"{demo.url}/demo/mail/{name}/").status == 404


def test_the_welcome_page_has_all_that_one_needs_to_try(demo: Demo) -> None:
    text = Page(f"{demo.url}/demo/").text
    for word in (
        "customer@breakwater.example",
        "breakwater-demo",
        "4242 4242 4242 4242",
        "HARBOUR10",
        "/sandbox/",
    ):
        assert word in text


# --- Later starts -------------------------------------------------------------------------------


def test_a_second_demo_runs_beside_starts_fast_and_keeps_its_data(demo: Demo, another: Another) -> None:
    second = another()
    assert second.busy < 8  # About 2 on a machine that has nothing else to do.
    tables = ("catalog_product", "catalog_variant", "accounts_user", "pricing_taxrate", "orders_orderevent")
    for table in tables:
        assert second.rows(f"SELECT * FROM {table} ORDER BY id") == demo.rows(
            f"SELECT * FROM {table} ORDER BY id"
        )
    assert Page(f"{second.url}/").status == Page(f"{demo.url}/").status == 200


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_at_once_and_cleanly(another: Another, by: int) -> None:
    one = another()
    with socket.create_connection(("127.0.0.1", one.port)) as idle:
        idle.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"200" in idle.recv(100)  # An open connection between two requests.
        began = time.monotonic()
        assert one.stop(by) == 0
    assert time.monotonic() - began < 10
    said = one.log.read_text()
    assert "Breakwater is closed." in said
    assert "Traceback" not in said


# --- What cannot be -----------------------------------------------------------------------------


def refused(*arguments: str) -> subprocess.CompletedProcess:
    done = subprocess.run(
        arguments, cwd=ROOT, env=surroundings(), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    return done


@pytest.mark.parametrize("port", ["-1", "0", "65536", "99999999999999999999", "http", "٨٠", ""])
def test_a_port_that_is_none_gets_one_line(tmp_path: Path, port: str) -> None:
    done = refused(*command(port, tmp_path / "data"))
    assert done.returncode == 2
    assert "is not a port from 1 to 65535" in done.stderr
    assert not (tmp_path / "data").exists()


def test_a_taken_port_gets_one_line_and_touches_no_data(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = refused(*command(port, tmp_path / "data", "--fresh"))
    assert done.returncode == 1
    assert f"port {port}" in done.stderr
    assert not (tmp_path / "data").exists()


def test_a_folder_that_cannot_be_made_gets_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = refused(*command(free_port(), tmp_path / "file" / "data"))
    assert done.returncode == 1
    assert "Cannot use the data folder" in done.stderr


def test_a_folder_with_other_things_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.odt").write_text("years of work")
    done = refused(*command(free_port(), tmp_path, "--fresh"))
    assert done.returncode == 1
    assert "has other things in it" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.odt"]


def test_a_folder_is_one_demos_at_a_time(demo: Demo) -> None:
    done = refused(*command(free_port(), demo.folder, "--fresh"))
    assert done.returncode == 1
    assert "Another demo runs" in done.stderr
    assert Page(first_picture(demo)).status == 200


def test_fresh_deletes_what_it_knows_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    take_folder(folder, fresh=False)
    for name in ("shop.sqlite3", "shop.sqlite3-wal", "sandbox.sqlite3", "secret_key", "notes.txt"):
        (folder / name).touch()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept.webp").touch()
    (folder / "mail").mkdir()
    (folder / "mail" / "1.log").touch()
    (folder / "media").symlink_to(elsewhere)
    take_folder(folder, fresh=True)
    assert sorted(path.name for path in folder.iterdir()) == [MARKER, "notes.txt"]
    assert (elsewhere / "kept.webp").exists()


def test_fresh_refuses_a_folder_that_is_not_its_own(tmp_path: Path) -> None:
    (tmp_path / "shop.sqlite3").write_text("somebody's shop")
    with pytest.raises(CannotUse, match="has other things in it"):
        take_folder(tmp_path, fresh=True)
    assert (tmp_path / "shop.sqlite3").exists()
