"""Pictures straight from the folder they are kept in, ahead of Django, for the embedded shop.

In production the reverse proxy does this. Names change with the content, so browsers may keep them for good.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from servestatic import ServeStaticASGI

# `dawn.0123456789ab.webp`, and its copies in `dawn.0123456789ab/`.
FINGERPRINTED = r"\.[0-9a-f]{12}[./]"


def serve_media(otherwise: Any) -> ServeStaticASGI:
    """Answers files, with ranges and `If-Modified-Since`; leaves every other path to `otherwise`."""
    return ServeStaticASGI(
        otherwise,
        root=settings.MEDIA_ROOT,
        prefix=settings.MEDIA_URL,
        autorefresh=True,
        max_age=300,
        allow_all_origins=False,
        immutable_file_test=FINGERPRINTED,
        add_headers_function=_harmless,
    )


def _harmless(headers: Any, path: str, url: str) -> None:
    """A file that somebody uploaded must never run as a page of this shop."""
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Content-Security-Policy"] = "default-src 'none'"
