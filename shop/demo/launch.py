"""What `manage.py demo` decides before Django's settings are read.

Settings come from the environment, once. So the demo's own data folder, address and mode have to be in the
environment before anything imports them; manage.py calls `prepare` for that. Whatever the surrounding
environment or .env says of databases, mail or payment is set aside: the demo must not touch a real shop.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path
from typing import IO, NoReturn
from urllib.parse import quote

from shop.serve import CannotListen, check_address, port_number

ROOT = Path(__file__).resolve().parent.parent.parent
HOST = "127.0.0.1"
MARKER = "breakwater-demo"
OURS = ("shop.sqlite3*", "sandbox.sqlite3*", "media", "mail", "secret_key", "webhook_secret")
_lock: IO[str] | None = None  # Held until the process ends.


class OneLineParser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        print(f"manage.py demo: {message}", file=sys.stderr)
        raise SystemExit(2)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=port_number, default=8000, help="1 to 65535 (default: 8000)")
    parser.add_argument(
        "--data",
        type=Path,
        default=ROOT / "data" / "demo",
        metavar="DIR",
        help="where the demo keeps its data",
    )
    parser.add_argument("--fresh", action="store_true", help="begin again: delete the demo's data first")


def prepare(arguments: list[str]) -> None:
    """Exits with one line and status 1 or 2 where the demo cannot run."""
    parser = OneLineParser(add_help=False)
    add_arguments(parser)
    options, _ = parser.parse_known_args(arguments)
    if {"-h", "--help"} & set(arguments):
        return
    try:
        check_address(HOST, options.port)
        take_folder(options.data.absolute(), fresh=options.fresh)
    except (CannotListen, CannotUse) as error:
        raise SystemExit(str(error)) from None
    os.environ.update(environment(options.data.absolute(), options.port))


class CannotUse(Exception):
    """Why the data folder cannot be used, in words."""


def take_folder(folder: Path, *, fresh: bool) -> None:
    """Makes the folder this demo's, and this process its only user. Raises CannotUse."""
    marker = folder / MARKER
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not marker.exists() and any(folder.iterdir()):
            raise CannotUse(f"{folder} has other things in it; name a new or an empty folder with --data.")
        _lock_for_good(marker)
        if fresh:
            for pattern in OURS:
                for path in folder.glob(pattern):
                    shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    except OSError as error:
        raise CannotUse(f"Cannot use the data folder {folder}: {error.strerror}.") from None


def _lock_for_good(marker: Path) -> None:
    global _lock
    _lock = open(marker, "a+")  # noqa: SIM115
    try:
        import fcntl

        fcntl.flock(_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except ImportError:
        pass  # Windows: two demos on one folder are the caller's to avoid.
    except BlockingIOError:
        raise CannotUse(f"Another demo runs on {marker.parent}; name another folder with --data.") from None
    if not marker.stat().st_size:
        _lock.write("This folder belongs to `manage.py demo`. Its --fresh option deletes what is in here.\n")
        _lock.flush()


def environment(folder: Path, port: int) -> dict[str, str]:
    address = f"http://localhost:{port}"
    aside = ["REDIS_URL", "EMAIL_URL", "SECRET_KEY", "CARRIERS", "TRACKING_URLS", "SECRET_KEY_FALLBACKS"]
    aside += ["SELLER_NAME", "SELLER_ADDRESS", "SELLER_VAT_ID", "SELLER_EMAIL"]
    aside += ["STRIPE_SECRET_KEY", "STRIPE_PUBLISHABLE_KEY", "STRIPE_WEBHOOK_SECRET"]
    return dict.fromkeys(aside, "") | {
        "BREAKWATER_MODE": "embedded",
        "BREAKWATER_DEMO": "1",
        "BREAKWATER_DATA": str(folder),
        "DATABASE_URL": f"sqlite:///{quote(str(folder / 'shop.sqlite3'))}",
        "MEDIA_ROOT": str(folder / "media"),
        "PUBLIC_URL": address,
        "SANDBOX_URL": address,
        "ALLOWED_HOSTS": "localhost,127.0.0.1,[::1]",
    }
