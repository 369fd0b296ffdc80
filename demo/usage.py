"""How much processor time processes and their children take."""

from __future__ import annotations

import os
import time
from pathlib import Path


def cpu_seconds(pid: int) -> float:
    """The processor seconds that a process and its living descendants have used so far."""
    total = 0.0
    for one in _family(pid):
        try:
            # After the name in brackets: state is field 3, utime and stime are fields 14 and 15 (proc(5)).
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def _family(pid: int) -> list[int]:
    family = [pid]
    for parent in family:
        for children in Path(f"/proc/{parent}/task").glob("*/children"):
            try:
                family.extend(int(child) for child in children.read_text().split())
            except OSError:
                continue
    return family


class Meter:
    """Measures the mean use of a process family since it was made."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._cpu = cpu_seconds(pid)
        self._at = time.monotonic()

    def cores(self) -> float:
        """Cores used on average."""
        elapsed = time.monotonic() - self._at
        return (cpu_seconds(self._pid) - self._cpu) / elapsed if elapsed > 0 else 0.0
