"""The configurations that are compared: each serves this shop, to the same clients, from the same rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

TORNADO, TORNADO_TUNED, LIMIT = "tornado", "tornado-tuned", "bare-uvloop"

Family = Literal["django", "tornado", "limit"]


@dataclass(frozen=True)
class Rung:
    """`command` is for the Python that runs the lab; `{port}` in it, and in the environment, becomes the port.

    `offers` says which loads it can stand: "sockets", "http", or a name that a load asks for.
    """

    name: str
    title: str
    family: Family
    command: tuple[str, ...]
    offers: frozenset[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    ready: str = "/readyz"


def _shop(name: str, title: str, command: str, *offers: str, family: Family = "django") -> Rung:
    return Rung(name, title, family, ("manage.py", *command.split()), frozenset(offers))


_ALL = (
    _shop("daphne-serve", "our serve (Daphne)", "serve --port {port}", "sockets", "http", "processes"),
    _shop(
        TORNADO_TUNED,
        "Tornado, tuned",
        "serve_tornado --port {port}",
        "sockets",
        "processes",
        family="tornado",
    ),
)

RUNGS: dict[str, Rung] = {rung.name: rung for rung in _ALL}
