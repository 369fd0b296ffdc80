"""Motors: moves and presets of PTZ channels."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from engine.api.messages.base import Degrees, Name, Request, Signed

MoveMode = Literal["continuous", "relative", "absolute"]


class MoveRequest(Request, frozen=True, kw_only=True):
    """Moves a PTZ channel.

    * `continuous`: pan, tilt and zoom are speeds, -1 to 1 (right, up, tele positive); the move ends after `duration_s`
      or with `stop`.
    * `relative`: pan and tilt are degrees from here, zoom a difference of zoom position, -1 to 1.
    * `absolute`: pan and tilt are degrees, zoom a position 0 to 1; what is left out stays as it is.
    """

    mode: MoveMode
    pan: Degrees | None = None
    tilt: Degrees | None = None
    zoom: Signed | None = None
    speed: Annotated[float, Meta(gt=0.0, le=1.0)] = 1.0
    duration_s: Annotated[float, Meta(gt=0.0, le=60.0)] | None = None

    def __post_init__(self) -> None:
        if self.pan is None and self.tilt is None and self.zoom is None:
            raise ValueError("a move needs at least one of pan, tilt and zoom")
        if self.mode == "continuous":
            for axis, value in (("pan", self.pan), ("tilt", self.tilt)):
                if value is not None and not -1.0 <= value <= 1.0:
                    raise ValueError(f"{axis} of a continuous move is a speed from -1 to 1")
        elif self.duration_s is not None:
            raise ValueError("duration_s belongs to continuous moves only")
        if self.mode == "absolute":
            if self.zoom is not None and self.zoom < 0.0:
                raise ValueError("zoom of an absolute move is a position from 0 to 1")
            if self.tilt is not None and not -90.0 <= self.tilt <= 90.0:
                raise ValueError("tilt of an absolute move lies between -90 and 90 degrees")


class PresetRequest(Request, frozen=True, kw_only=True):
    """Keeps the present pose as a preset."""

    name: Name


class GotoRequest(Request, frozen=True, kw_only=True):
    """How fast to go."""

    speed: Annotated[float, Meta(gt=0.0, le=1.0)] = 1.0
