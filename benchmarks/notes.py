"""Helpers of the benchmarks that run as processes of their own, and the notes that they leave when they are ready."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

from demo.processes import Child, ProcessFailed

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
