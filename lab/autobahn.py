"""Autobahn's fuzzing client against the two servers under our sockets.

    python -m lab.autobahn --wstest /path/to/wstest [--door channels|tornado] [--cases '1.*,2.*']

`wstest` is the package autobahntestsuite 0.8.2, which runs on Python 2.7 only; where there is none, the suite's own
tests/notifications/test_rfc6455.py asks the notifications themselves the same kind of questions. It wants an echo, so
each server echoes here; framing, UTF-8, fragments, closing and limits are the server's all the same. Prints how many
cases ended how, names those that failed, and exits with 1 if any did.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from tests.processes import free_port

# Compression is not negotiated by us on purpose (90 KiB a socket), so its cases have nothing to ask.
LEFT_OUT = ["12.*", "13.*"]
GOOD = {"OK", "INFORMATIONAL", "NON-STRICT", "UNIMPLEMENTED"}
BIG = 16 * 1024 * 1024 + 1024  # the largest message among the cases


async def echo(scope: dict[str, Any], receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        kept = {kind: message[kind] for kind in ("text", "bytes") if message.get(kind) is not None}
        await send({"type": "websocket.send", **kept})


def serve_channels(port: int) -> None:
    import django

    django.setup()
    from notifications.daphne_server import Server

    endpoint = f"tcp:port={port}:interface=127.0.0.1"
    Server(echo, [endpoint], websocket_max_message_size=BIG, websocket_max_frame_size=BIG, verbosity=0).run()


def serve_tornado(port: int) -> None:
    import tornado.web as web
    import tornado.websocket as websocket

    class Echo(websocket.WebSocketHandler):
        def on_message(self, message: str | bytes) -> None:
            self.write_message(message, binary=isinstance(message, bytes))

    async def run() -> None:
        web.Application([("/", Echo)], websocket_max_message_size=BIG).listen(port, "127.0.0.1")
        await asyncio.Event().wait()

    asyncio.run(run())


DOORS = {"channels": serve_channels, "tornado": serve_tornado}


def fuzz(wstest: str, door: str, cases: list[str]) -> dict[str, str]:
    """How each case ended, by its name."""
    port = free_port()
    server = subprocess.Popen([sys.executable, "-m", "lab.autobahn", "--serve", door, "--port", str(port)])
    try:
        _wait_for(port)
        with tempfile.TemporaryDirectory(prefix="autobahn-") as folder:
            asked = {"cases": cases, "exclude-cases": LEFT_OUT, "outdir": folder}
            spec = {**asked, "servers": [{"agent": door, "url": f"ws://127.0.0.1:{port}/"}]}
            (Path(folder) / "spec.json").write_text(json.dumps(spec))
            command = [wstest, "-m", "fuzzingclient", "-s", f"{folder}/spec.json"]
            subprocess.run(command, cwd=folder, check=True, timeout=1800, stdout=subprocess.DEVNULL)
            report = json.loads((Path(folder) / "index.json").read_text())[door]
    finally:
        server.terminate()
        server.wait(15)
    return {name: case["behavior"] for name, case in report.items()}


def _wait_for(port: int) -> None:
    for _ in range(100):
        with socket.socket() as probe:
            probe.settimeout(0.3)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit(f"the echo server did not listen on port {port} within 10 s")


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--wstest")
    options.add_argument("--door", choices=DOORS)
    options.add_argument("--cases", default="*", help="by commas (default: all but compression)")
    options.add_argument("--serve", choices=DOORS, help=argparse.SUPPRESS)
    options.add_argument("--port", type=int, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.serve:
        DOORS[given.serve](given.port)
        return
    if not given.wstest:
        options.error("--wstest: where is it?")
    failed = 0
    for door in [given.door] if given.door else DOORS:
        ended = fuzz(given.wstest, door, given.cases.split(","))
        bad = sorted(f"{name} {how}" for name, how in ended.items() if how not in GOOD)
        failed += len(bad)
        print(f"{door}: {len(ended)} cases, {dict(Counter(ended.values()))}", *bad, sep="\n  ", flush=True)
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
