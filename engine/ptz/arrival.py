"""Waiting for the end of a move: commands return when they were sent."""

from __future__ import annotations

from engine.core.clock import Clock
from engine.ptz.arbiter import Arbiter

LOOK_S = 0.2
BLIND_S = 5.0
"""So long a camera that cannot tell where it is is given for any move."""
PATIENCE_S = 60.0


async def wait_until_settled(arbiter: Arbiter, clock: Clock, patience_s: float = PATIENCE_S) -> bool:
    """Returns True when the camera stands still after the last move that it was sent, False after `patience_s`."""
    capabilities = arbiter.capabilities
    if capabilities is not None and not capabilities.status:
        await clock.sleep(min(BLIND_S, patience_s))
        return True
    end = clock.monotonic() + patience_s
    while clock.monotonic() < end:
        await clock.sleep(LOOK_S)
        if clock.monotonic() - arbiter.status_at > LOOK_S:
            await arbiter.poll()
        if arbiter.settled:
            return True
    return False
