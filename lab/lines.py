"""How many lines of code the same feature takes on either side, and what moved the line: `python -m lab.lines`

A line counts that holds code: no blank line, no comment, no docstring. In templates, any line that is not blank.
"""

from __future__ import annotations

import ast
import io
import tokenize
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
SILENT = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
}


class Feature(NamedTuple):
    title: str
    django: tuple[str, ...]
    tornado: tuple[str, ...]


FEATURES = (
    Feature(
        "a guest book with sign-in, and a socket that echoes",
        ("lab/defaults/django_site.py", "lab/defaults/templates/django_*.html"),
        ("lab/defaults/tornado_site.py", "lab/defaults/templates/tornado_*.html"),
    ),
    Feature(
        "the door of the notifications, with its good-bye at the end of a process",
        (
            "notifications/consumers.py",
            "notifications/routing.py",
            "notifications/daphne_server.py",
            "notifications/first_look.py",
            "notifications/handshakes.py",
            "notifications/lean_socket.py",
            "notifications/ws_frames.py",
        ),
        ("notifications/tornado_server.py",),
    ),
)
# What is faster than Django, Channels and Daphne as they come, is here.
PARTS = {
    "public reads ahead of Django": ("shop/ahead/*.py",),
    "a handler with fewer threads, middlewares called in place": ("shop/handler.py", "shop/direct.py"),
    "whole answers to the socket": ("shop/daphne_http.py", "shop/wholes.py"),
    "sockets without twisted.web and Autobahn": (
        "notifications/first_look.py",
        "notifications/handshakes.py",
        "notifications/lean_socket.py",
        "notifications/ws_frames.py",
    ),
    "questions of many in one query": ("notifications/together.py",),
}


def count(path: Path) -> int:
    text = path.read_text()
    if path.suffix != ".py":
        return sum(bool(line.strip()) for line in text.splitlines())
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in SILENT:
            lines.update(range(token.start[0], token.end[0] + 1))
    return len(lines - _docstrings(ast.parse(text)))


def _docstrings(tree: ast.AST) -> set[int]:
    found: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                found.update(range(first.lineno, (first.end_lineno or first.lineno) + 1))
    return found


def total(patterns: tuple[str, ...]) -> int:
    """Raises LookupError where a pattern names nothing."""
    lines = 0
    for pattern in patterns:
        paths = sorted(ROOT.glob(pattern))
        if not paths:
            raise LookupError(pattern)
        lines += sum(map(count, paths))
    return lines


def as_table() -> str:
    rows = ["| feature | Django | Tornado |", "| --- | ---: | ---: |"]
    rows += [
        f"| {feature.title} | {total(feature.django)} | {total(feature.tornado)} |" for feature in FEATURES
    ]
    return "\n".join(rows)


def parts_as_table() -> str:
    rows = ["| what moved the line | lines |", "| --- | ---: |"]
    rows += [f"| {title} | {total(files)} |" for title, files in PARTS.items()]
    return "\n".join(rows)


if __name__ == "__main__":
    print(as_table(), parts_as_table(), sep="\n\n")
