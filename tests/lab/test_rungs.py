"""Every rung is started as a run starts it, and asked for what it offers: the same things of all."""

import asyncio
import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from itertools import cycle

import aiohttp
import pytest

from lab.bench import Server
from lab.faults.site import LOAD_CPU, SERVER_CPU, Site
from lab.reading import BY_HAND
from lab.rungs import LIMIT, RUNGS
from notifications.protocol import SUBPROTOCOL

SECONDS = 20
CROWD = 20
SILENT = (
    "channels-tutorial",
    "channels-tutorial-redis",
    "daphne-stock",
    LIMIT,
)  # drop their sockets at the end


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with Site() as site:
        generator = site.process("lab.wire.generator", "generator")
        try:
            site.more |= {"SANDBOX_URL": f"http://127.0.0.1:{generator.call('provider_listens')}"}
            yield site
        finally:
            generator.kill()


@pytest.fixture(scope="module")
def servers(site: Site) -> Iterator[dict[str, Server]]:
    """All at once, on both processors: they take their seconds together."""
    cpus = cycle((SERVER_CPU, LOAD_CPU))
    started = {name: Server(site, rung, next(cpus)) for name, rung in RUNGS.items()}
    try:
        for server in started.values():
            server.wait_until_ready()
        yield started
    finally:
        for server in started.values():
            server.stop()


def named_by(offer: str) -> list[str]:
    return [name for name, rung in RUNGS.items() if offer in rung.offers]


@pytest.mark.parametrize("name", named_by("sockets"))
async def test_what_another_process_commits_reaches_a_socket(
    site: Site, servers: dict[str, Server], name: str
) -> None:
    stream = site.writer.call("lab.writing.new_stream")
    server = servers[name]
    async with aiohttp.ClientSession() as http, asyncio.timeout(SECONDS):
        socket = await greeted(http, server)
        await socket.send_json({"t": "sub", "id": 7, "stream": stream})
        ok = await socket.receive_json()
        assert (ok["t"], ok["id"], ok["stream"]) == ("ok", 7, stream)
        site.writer.call("lab.writing.say", stream, 3)
        frames = [await socket.receive_json() for _ in range(3)]
    assert [(frame["t"], frame["s"], frame["o"]) for frame in frames] == [
        ("ev", stream, n) for n in (1, 2, 3)
    ]


def test_an_event_has_the_same_bytes_from_every_rung(site: Site, servers: dict[str, Server]) -> None:
    stream = site.writer.call("lab.writing.new_stream")

    async def hear(http: aiohttp.ClientSession, server: Server, all_here: asyncio.Barrier) -> str:
        socket = await greeted(http, server)
        await socket.send_json({"t": "sub", "id": 1, "stream": stream})
        await socket.receive_json()
        await all_here.wait()
        return await socket.receive_str()

    async def hear_all() -> list[str]:
        names = named_by("sockets")
        all_here = asyncio.Barrier(len(names) + 1)
        async with aiohttp.ClientSession() as http, asyncio.timeout(SECONDS):
            hearing = [asyncio.create_task(hear(http, servers[name], all_here)) for name in names]
            await all_here.wait()
            await asyncio.to_thread(site.writer.call, "lab.writing.say", stream)
            return await asyncio.gather(*hearing)

    assert len(set(asyncio.run(hear_all()))) == 1


@pytest.mark.parametrize("name", named_by("sockets"))
async def test_a_browser_is_known_by_its_session(site: Site, servers: dict[str, Server], name: str) -> None:
    if RUNGS[name].family == "limit":
        pytest.skip("the limit asks nobody who they are")
    [(stream, cookie)] = site.writer.call("lab.writing.signed_in", 1)
    server = servers[name]
    async with aiohttp.ClientSession(headers={"Cookie": cookie}) as http, asyncio.timeout(SECONDS):
        url = f"{server.url}/ws/notifications/"
        async with http.ws_connect(url, protocols=[SUBPROTOCOL], origin=server.url) as socket:
            await socket.send_json({"t": "hello"})
            assert (await socket.receive_json())["reader"] == stream.partition(":")[2]
            await socket.send_json({"t": "sub", "id": 1, "stream": stream})
            assert (await socket.receive_json())["t"] == "ok"
            await socket.send_json({"t": "sub", "id": 2, "stream": "user:0"})
            assert (await socket.receive_json())["code"] == "not_found"
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await http.ws_connect(url, protocols=[SUBPROTOCOL], origin="http://elsewhere.example")


@pytest.mark.parametrize("name", [name for name in RUNGS if RUNGS[name].offers & {"http", "api"}])
def test_pages_and_the_api_are_the_shops(site: Site, servers: dict[str, Server], name: str) -> None:
    slug = site.writer.call("lab.writing.new_stream").partition(":")[2]
    server = servers[name]
    for _ in range(2):  # the second may be remembered
        assert get(f"{server.url}/api/v1/products/{slug}/")["slug"] == slug
    assert slug in [product["slug"] for product in get(f"{server.url}/api/v1/products/")["results"]]
    if "http" in RUNGS[name].offers:
        with urllib.request.urlopen(f"{server.url}/products/{slug}/", timeout=SECONDS) as page:
            assert re.search(rf"<h1[^>]*>\s*{slug}\s*</h1>", page.read().decode())


def test_views_by_hand_say_what_the_shops_say(site: Site, servers: dict[str, Server]) -> None:
    site.writer.call("lab.writing.new_stream")
    [order] = site.writer.call("lab.selling.waiting_orders", 1)
    url = servers[BY_HAND].url
    assert get(f"{url}/lab/orders/{order}/payment/") == get(f"{url}/api/v1/orders/{order}/payment/")
    for driver in ("psycopg", "asyncpg"):
        by_hand, shops = get(f"{url}/lab/read/{driver}/"), get(f"{url}/api/v1/products/")
        assert by_hand["results"]
        assert by_hand["results"] == shops["results"]
    with pytest.raises(urllib.error.HTTPError, match="404"):
        get(f"{url}/lab/orders/nobodys/payment/")


def get(url: str) -> dict:
    with urllib.request.urlopen(url, timeout=SECONDS) as answer:
        return json.load(answer)


@pytest.mark.parametrize("name", RUNGS)
async def test_it_ends_when_told_to(site: Site, servers: dict[str, Server], name: str) -> None:
    """The last one here: nothing answers after it."""
    server = servers[name]
    family = server.process.children(recursive=True)
    async with aiohttp.ClientSession() as http, asyncio.timeout(SECONDS):
        sockets = (
            [await greeted(http, server) for _ in range(CROWD)] if "sockets" in RUNGS[name].offers else []
        )
        server.process.terminate()
        farewells = await asyncio.gather(*map(farewell, sockets))
        # uvicorn ends by the signal, once it has done what that asks for.
        assert await asyncio.to_thread(server.process.wait, 10) in ((0, -15) if name == "uvicorn" else (0,))
    if name != "granian":  # it ends before everything that it was given to send is sent
        assert set(farewells) == ({(None, 1006)} if name in SILENT else {(4001, 1012)} if sockets else set())
    assert not [one for one in family if one.is_running()]


async def greeted(http: aiohttp.ClientSession, server: Server) -> aiohttp.ClientWebSocketResponse:
    url = f"{server.url}/ws/notifications/"
    socket = await http.ws_connect(url, protocols=[SUBPROTOCOL], origin=server.url)
    await socket.send_json({"t": "hello"})
    assert (await socket.receive_json())["t"] == "welcome"
    return socket


async def farewell(socket: aiohttp.ClientWebSocketResponse) -> tuple[int | None, int | None]:
    """The bye's code, if one was said, and that of the close."""
    said = None
    while (message := await socket.receive()).type is aiohttp.WSMsgType.TEXT:
        said = message.json()["code"]
    return said, socket.close_code
