"""Runs the sandbox alone: `python -m shop.sandbox --port 4242 --database sandbox.sqlite3 ...`."""

import argparse
import asyncio
from pathlib import Path

from daphne.server import Server

from shop.sandbox.app import Sandbox


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m shop.sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=4242)
    parser.add_argument("--database", type=Path, default=Path("sandbox.sqlite3"))
    parser.add_argument("--base-url", help="the address that browsers use, if it is not http://HOST:PORT")
    parser.add_argument("--webhook-url", default="", help="where events are sent; none are sent without it")
    parser.add_argument("--webhook-secret", default="whsec_sandbox")
    options = parser.parse_args()
    base_url = options.base_url or f"http://{options.host}:{options.port}"
    sandbox = Sandbox(options.database, base_url, options.webhook_url, options.webhook_secret)
    print(f"Sandbox at {base_url}/sandbox/", flush=True)
    started = []
    Server(
        application=sandbox,
        endpoints=[f"tcp:port={options.port}:interface={options.host}"],
        ready_callable=lambda: started.append(asyncio.ensure_future(sandbox.start())),
        server_name="sandbox",
    ).run()


if __name__ == "__main__":
    main()
