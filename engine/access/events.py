"""What access tells the rest of the engine."""

from __future__ import annotations

from dataclasses import dataclass

from engine.core.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class IllegalLogin(Event):
    """Somebody used up the wrong tries of a user and is locked out until `locked_until` (Unix seconds)."""

    username: str
    address: str
    locked_until: float
