"""What can be turned while it runs: slowness, faults, and how badly webhooks behave."""

from dataclasses import asdict, dataclass, fields
from typing import Any

from shop.sandbox.store import Store


@dataclass(frozen=True)
class Knob:
    label: str
    top: float
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Knobs:
    latency_ms: int = 0
    fail_rate: float = 0.0
    lost_answer_rate: float = 0.0
    processing_ms: int = 3000
    webhook_delay_ms: int = 0
    webhook_duplicates: int = 0
    webhook_reorder: bool = False
    webhook_loss: float = 0.0
    tideway_latency_ms: int = 60
    tideway_fault: str = "none"
    gannet_latency_ms: int = 140
    gannet_fault: str = "none"
    vies_latency_ms: int = 0
    vies_fault: str = "none"


FAULTS = ("none", "error", "hang", "garbage")
KNOBS = {
    "latency_ms": Knob("Every API call waits this many milliseconds", 30_000),
    "fail_rate": Knob("Share of API calls that end in a 500 before anything happened", 1),
    "lost_answer_rate": Knob("Share of API calls that are carried out but answered with a 500", 1),
    "processing_ms": Knob("Milliseconds that a delayed payment stays in processing", 600_000),
    "webhook_delay_ms": Knob("Milliseconds before a webhook is sent", 600_000),
    "webhook_duplicates": Knob("How many more times each webhook is sent", 5),
    "webhook_reorder": Knob("Send webhooks out of order", 1),
    "webhook_loss": Knob("Share of webhooks that are never sent", 1),
    "tideway_latency_ms": Knob("Tideway answers after this many milliseconds", 30_000),
    "tideway_fault": Knob("Tideway's fault", 0, FAULTS),
    "gannet_latency_ms": Knob("Gannet answers after this many milliseconds", 30_000),
    "gannet_fault": Knob("Gannet's fault", 0, FAULTS),
    "vies_latency_ms": Knob("The register of VAT ids answers after this many milliseconds", 30_000),
    "vies_fault": Knob("The register's fault", 0, ("none", "error", "member_down")),
}


class BadKnob(ValueError):
    pass


def read(store: Store) -> Knobs:
    rows = store.execute("SELECT name, value FROM knobs")
    values: dict[str, Any] = {
        row["name"]: _parsed(row["name"], row["value"]) for row in rows if row["name"] in KNOBS
    }
    return Knobs(**values)


def turn(store: Store, values: dict[str, Any]) -> Knobs:
    """All of the new values, or none when one of them is wrong."""
    unknown = values.keys() - KNOBS.keys()
    if unknown:
        raise BadKnob(f"There is no knob named {sorted(unknown)[0]!r}. The knobs are {', '.join(KNOBS)}.")
    parsed = {name: _parsed(name, value) for name, value in values.items()}
    for name, value in parsed.items():
        sql = "INSERT INTO knobs VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
        store.execute(sql, name, str(value))
    return read(store)


def as_dict(knobs: Knobs) -> dict[str, Any]:
    return asdict(knobs)


def kind_of(name: str) -> type:
    return {field.name: type(field.default) for field in fields(Knobs)}[name]


def _parsed(name: str, value: Any) -> int | float | bool | str:
    knob, kind = KNOBS[name], kind_of(name)
    if kind is str:
        if value not in knob.choices:
            raise BadKnob(f"{name} is one of {', '.join(knob.choices)}.")
        return value
    if kind is bool:
        return _switch(name, value)
    try:
        number = kind(str(value))
    except ValueError:
        raise BadKnob(f"{name} is a {'whole ' if kind is int else ''}number.") from None
    if not 0 <= number <= knob.top:
        raise BadKnob(f"{name} lies between 0 and {knob.top:g}.")
    return number


def _switch(name: str, value: Any) -> bool:
    switch = {"true": True, "1": True, "on": True, "false": False, "0": False, "off": False, "": False}
    try:
        return switch[str(value).lower()]
    except KeyError:
        raise BadKnob(f"{name} is true or false.") from None
