"""How much the ONVIF benchmark measures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayExtent:
    """How long to measure: rounds, seconds a window and before it, how many clients, by which transports."""

    rounds: int = 2
    settle_s: float = 3.0
    window_s: float = 8.0
    clients: Sequence[int] = (1, 10, 50)
    transports: Sequence[str] = ("tcp", "udp")


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How much is measured. `events`, `relay` None: not that part."""

    starts: int = 5
    requests: int = 4000
    connections: int = 4
    mixed_requests: int = 100_000
    pull_points: int = 32
    events: int | None = 100
    pause_s: tuple[float, float] = (0.3, 0.7)
    """Between two events, at random."""
    relay: RelayExtent | None = field(default_factory=RelayExtent)
