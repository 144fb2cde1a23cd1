"""The embedded default in a folder of its own; on PostgreSQL when BREAKWATER_TEST_POSTGRES names one."""

import os
import tempfile
from pathlib import Path

_folder = tempfile.TemporaryDirectory(prefix="breakwater-tests-")
os.environ["BREAKWATER_DATA"] = _folder.name
os.environ["BREAKWATER_MODE"] = "embedded"
for _name in ("REDIS_URL", "DATABASE_URL", "STRIPE_SECRET_KEY", "EMAIL_URL", "PUBLIC_URL", "DEBUG"):
    os.environ.pop(_name, None)
if _url := os.environ.get("BREAKWATER_TEST_POSTGRES"):
    os.environ["DATABASE_URL"] = _url

from shop.settings import *  # noqa: E402, F403
from shop.settings import DATABASES, INSTALLED_APPS  # noqa: E402

if not _url:
    # A file, not memory: tests open the database from several threads.
    DATABASES["default"]["TEST"] = {"NAME": str(Path(_folder.name) / "test.sqlite3")}
    DATABASES["default"]["OPTIONS"]["init_command"] = (  # type: ignore[index]
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;"
    )
INSTALLED_APPS = [*INSTALLED_APPS, "tests.emptying"]
# The first one is quick; the shop's own stays, for passwords that a live shop must know.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher", *PASSWORD_HASHERS]  # noqa: F405
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
# Looking for all static files takes each client of a test 0.16 s; those who ask for them ask a shop that runs.
SERVESTATIC_USE_FINDERS = SERVESTATIC_USE_STATIC_ROOT = False
