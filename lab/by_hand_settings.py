"""The shop's own settings, with the reads of `by_hand` beside its pages."""

from shop.settings import *  # noqa: F403

ROOT_URLCONF = "lab.by_hand"
