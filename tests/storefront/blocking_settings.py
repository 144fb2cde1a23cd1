from shop.settings import *  # noqa: F403

ROOT_URLCONF = "tests.storefront.blocking_urls"
