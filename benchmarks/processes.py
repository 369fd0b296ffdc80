"""Processes that are measured: started in a group of their own, with their processor time read from the kernel."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from demo.processes import Child, ProcessFailed, python

__all__ = [
    "Child",
    "ProcessFailed",
    "ProcessorTimes",
    "children_of",
    "processor_seconds",
    "python",
    "read_note",
    "write_note",
]

_READY_S = 60.0
_LOOK_S = 0.05


async def read_note(child: Child, path: Path) -> Any:
    """The JSON that a helper writes to a file when it is ready. Raises ProcessFailed."""
    end = time.monotonic() + _READY_S
    while (note := _note(path)) is None:
        child.check()
        if time.monotonic() > end:
            raise ProcessFailed(f"{child.name} was not ready after {_READY_S:.0f} s:\n{child.last_lines()}")
        await asyncio.sleep(_LOOK_S)
    return note


def write_note(path: Path, note: Any) -> None:
    """Writes JSON for whoever waits for it; never half of it."""
    unfinished = path.with_suffix(".part")
    unfinished.write_text(json.dumps(note))
    unfinished.rename(path)


def _note(path: Path) -> Any:
    return json.loads(path.read_text()) if path.exists() else None


class ProcessorTimes:
    """The processor time of some processes, by name, from the making of this object on."""

    def __init__(self, processes: Mapping[str, int]) -> None:
        self._processes = dict(processes)
        self._began = time.monotonic()
        self._before = {name: processor_seconds(pid) for name, pid in self._processes.items()}

    def shares(self) -> dict[str, float]:
        """The cores that each process kept busy since then (1.0: one core all the time)."""
        after = {name: processor_seconds(pid) for name, pid in self._processes.items()}
        elapsed = time.monotonic() - self._began
        return {name: (after[name] - self._before[name]) / elapsed for name in after}


def processor_seconds(pid: int) -> float:
    """The processor time of a process with all its threads, ended ones too, in seconds. Raises ProcessFailed.

    The kernel's own clock of a process has nanoseconds; the number of that clock is made of the process's number as
    clock_getcpuclockid(3) does it (CPUCLOCK_SCHED of the kernel's posix-timers).
    """
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except OSError as error:
        raise ProcessFailed(f"process {pid}, which is to be measured, has ended: {error}") from error


def children_of(pid: int) -> list[int]:
    """The processes that a process has started and that live."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += [int(word) for word in (task / "children").read_text().split()]
    return found
