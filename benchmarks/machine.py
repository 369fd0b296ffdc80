"""The machine that figures were measured on: what matters for them, and nothing that tells whose it is."""

from __future__ import annotations

import os
import platform
from pathlib import Path

_CPU_INFO = Path("/proc/cpuinfo")
_MEMORY_INFO = Path("/proc/meminfo")


def describe_machine() -> dict[str, str | int | float]:
    """Cores (those that this process may use), CPU model, memory, Python and operating system."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "cpu": _field(_CPU_INFO, "model name") or platform.machine(),
        "memory_gib": round(_memory_kib() / 2**20, 1),
        "python": platform.python_version(),
        "os": _system(),
    }


def _memory_kib() -> int:
    words = _field(_MEMORY_INFO, "MemTotal").split()
    return int(words[0]) if words else 0


def _system() -> str:
    try:
        name = platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return platform.system()
    return f"{name}, {platform.system()} {platform.release()}"


def _field(path: Path, name: str) -> str:
    """The first value of that name in a file of `name: value` lines; empty if there is none."""
    if not path.exists():
        return ""
    for line in path.read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return ""
