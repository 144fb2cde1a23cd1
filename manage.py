#!/usr/bin/env python3
"""Breakwater's command line. `demo` runs the shop, `test` runs every test; see README.md."""

import gc
import os
import sys

from shop import bootstrap


def main() -> None:
    bootstrap.enter_environment()
    # What is imported stays: to look for garbage in it, again and again and at the end, is a quarter of a start.
    gc.disable()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
    command = sys.argv[1] if len(sys.argv) > 1 else ""
    if command == "demo":
        from shop.demo import launch

        launch.prepare(sys.argv[2:])
    if command in ("demo", "serve"):
        from shop.reactor import install_loop

        install_loop()
    import django
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        django.setup()
        gc.freeze()
        gc.enable()
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as fault:
        sys.exit(str(fault))


if __name__ == "__main__":
    main()
