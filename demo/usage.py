"""How much processor time processes take, by the kernel's own clocks."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from demo.processes import ProcessFailed


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
