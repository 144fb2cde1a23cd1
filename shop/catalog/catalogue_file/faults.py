"""What is wrong with a file, said so that whoever keeps it can find the cell and put it right."""

from __future__ import annotations

from dataclasses import dataclass

SHOWN = 50


@dataclass(frozen=True, order=True)
class Fault:
    line: int
    column: str
    problem: str
    example: str = ""

    def __str__(self) -> str:
        place = f"line {self.line}, {self.column}" if self.column else f"line {self.line}"
        hint = f" (for example: {self.example})" if self.example else ""
        return f"{place}: {self.problem}{hint}"


class CatalogueFaults(Exception):
    """Everything found wrong, in the order of the file."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = sorted(faults)
        super().__init__(str(self))

    def __str__(self) -> str:
        lines = [str(fault) for fault in self.faults[:SHOWN]]
        if len(self.faults) > SHOWN:
            lines.append(f"and {len(self.faults) - SHOWN} more")
        return "\n".join(lines)
