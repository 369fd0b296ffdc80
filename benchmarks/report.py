"""What a benchmark gives: figures with their aims, as a table for people and as JSON for machines."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from rich.table import Table


class Better(StrEnum):
    """Which way is better."""

    HIGHER = "higher"
    LOWER = "lower"


@dataclass(frozen=True, slots=True)
class Result:
    """One figure. Without an `aim` it is there to be read beside the others.

    Raises ValueError for a value that is not finite: a benchmark that could not measure must fail, not report.
    """

    metric: str
    value: float
    unit: str
    aim: float | None = None
    better: Better = Better.LOWER

    def __post_init__(self) -> None:
        if not math.isfinite(self.value):
            raise ValueError(f"{self.metric} is {self.value}: nothing was measured")

    @property
    def met(self) -> bool | None:
        """Whether the aim is met; None without one."""
        if self.aim is None:
            return None
        return self.value <= self.aim if self.better is Better.LOWER else self.value >= self.aim


@dataclass(frozen=True, slots=True)
class Report:
    """The figures of one run, and the machine that they were measured on."""

    name: str
    machine: Mapping[str, Any]
    results: Sequence[Result]

    @property
    def met(self) -> bool:
        """Whether every aim is met."""
        return all(result.met is not False for result in self.results)

    def to_json(self) -> str:
        """The report as JSON: `name`, `machine`, `results`."""
        results = [
            {
                "metric": result.metric,
                "value": _rounded(result.value),
                "unit": result.unit,
                "aim": result.aim,
                "better": result.better.value,
                "met": result.met,
            }
            for result in self.results
        ]
        return json.dumps({"name": self.name, "machine": dict(self.machine), "results": results}, indent=2) + "\n"

    def table(self) -> Table:
        """The report for a terminal."""
        table = Table(title=self.name, caption=", ".join(f"{key} {value}" for key, value in self.machine.items()))
        table.add_column("metric")
        for heading in ("value", "unit", "aim"):
            table.add_column(heading, justify="left" if heading == "unit" else "right")
        table.add_column("met")
        for result in self.results:
            table.add_row(
                result.metric, f"{_rounded(result.value):g}", result.unit, _aim(result), _VERDICTS[result.met]
            )
        return table


_VERDICTS: dict[bool | None, str] = {None: "", True: "[green]yes[/green]", False: "[red]no[/red]"}


def _aim(result: Result) -> str:
    if result.aim is None:
        return ""
    return f"{'≤' if result.better is Better.LOWER else '≥'} {result.aim:g}"


def _rounded(value: float) -> float:
    """Four significant digits: no benchmark here is more exact."""
    return float(f"{value:.4g}")
