"""Multicast, between two network namespaces."""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.ledger("VID-2", "NET-1", "ONVIF-2")

SCRIPT_S = 400


async def test_what_is_ordered_goes_to_its_address_once_and_to_those_who_ask_by_rtsp() -> None:
    script = str(Path(__file__).with_name("multicast_rooms.py"))
    process = await asyncio.create_subprocess_exec(sys.executable, script, stdout=asyncio.subprocess.PIPE)
    try:
        async with asyncio.timeout(SCRIPT_S):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    lines = [json.loads(line) for line in output.decode().splitlines()]
    if lines and "impossible" in lines[0]:
        pytest.skip(f"network namespaces are not allowed here: {lines[0]['impossible']}")
    assert process.returncode == 0
    steps: dict[str, dict[str, Any]] = {line.pop("step"): line for line in lines}

    for step in ("nobody ordered", "metadata not ordered", "ended"):
        assert steps[step]["packets"] == 0, step
    for step, packets in (("video ordered", 20), ("metadata ordered", 3), ("client goes on", 20), ("moved", 20)):
        assert steps[step]["packets"] == packets, step
        assert steps[step]["ttl"] == [3], step
    for step in ("client beside", "client alone"):
        assert "error" not in steps[step]
        numbers = steps[step]["numbers"]
        assert all(0 < (later - earlier) % 65536 < 100 for earlier, later in itertools.pairwise(numbers))
    # An order and a client beside it share one sender.
    assert len(steps["sent once"]["sources"]) == 1
    assert steps["sent once"]["sources"] == steps["client goes on"]["sources"]
