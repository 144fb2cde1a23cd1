"""`python -m lab.servers.tornado_shop --port 8300`: pages and sockets from one process, until SIGTERM."""

from __future__ import annotations

import argparse
import asyncio
import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
CACHE_SECONDS = float(os.environ.get("LAB_CACHE_SECONDS", "5"))  # of public answers; 0 keeps none


def main() -> None:
    options = _options()
    import django

    django.setup()
    from lab.servers.tornado_shop.serving import serve

    if options.tuned:
        import uvloop

        uvloop.run(serve(options.host, options.port, CACHE_SECONDS, tuned=True))
    else:
        asyncio.run(serve(options.host, options.port, CACHE_SECONDS, tuned=False))


def _options() -> argparse.Namespace:
    options = argparse.ArgumentParser(prog="python -m lab.servers.tornado_shop", description=__doc__)
    options.add_argument("--host", default="127.0.0.1")
    options.add_argument("--port", type=int, required=True)
    options.add_argument(
        "--tuned", action="store_true", help="uvloop, a frozen collector, whole answers as bytes"
    )
    return options.parse_args()


if __name__ == "__main__":
    main()
