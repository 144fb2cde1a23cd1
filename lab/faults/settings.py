"""The shop's own settings, with one more page: see `urls`."""

from shop.settings import *  # noqa: F403

ROOT_URLCONF = "lab.faults.urls"
