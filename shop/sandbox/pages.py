"""The sandbox's few pages: files with $names, filled in and escaped."""

from html import escape
from pathlib import Path
from string import Template

FOLDER = Path(__file__).parent / "html"


class Html(str):
    """Text that is markup already."""


def render(name: str, prefix: str, **values: str) -> str:
    filled = {
        key: value if isinstance(value, Html) else escape(value, quote=True) for key, value in values.items()
    }
    body = Template((FOLDER / name).read_text()).substitute(filled, prefix=prefix)
    return Template((FOLDER / "page.html").read_text()).substitute(body=body, prefix=prefix)
