from shop.settings import *  # noqa: F403

ROOT_URLCONF = "tests.api.careless_urls"
