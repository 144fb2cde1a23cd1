"""The shop's own settings, with the reads of `read_forms` beside its pages."""

from shop.settings import *  # noqa: F403

ROOT_URLCONF = "lab.read_forms"
