"""What moves.

Pan grows to the right (clockwise seen from above), tilt grows upwards, both in degrees; zoom runs from 0 (wide) to 1
(tele); speeds are fractions of the fastest speed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from onvif_server.backend.access import Caller
from onvif_server.backend.refusal import Refusal, Refused


@dataclass(frozen=True, slots=True)
class Range:
    """A closed interval."""

    minimum: float
    maximum: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PtzTourLimits:
    """What tours may be: how many, with how many spots; a spot's stay is at most `maximum_stay_s`.

    `positions`: a spot may be a position of its own. `maximum_duration_s`: the longest time after which a tour may be
    told to end; None: only rounds are counted.
    """

    tours: int = 8
    spots: int = 32
    maximum_stay_s: float = 3600.0
    auto_start: bool = False
    pausable: bool = False
    reversible: bool = False
    random: bool = False
    positions: bool = False
    maximum_duration_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PtzCapabilities:
    """What a channel's motors can do. Generic positions -1..1 are mapped linearly to `pan_deg` and `tilt_deg`."""

    pan_deg: Range = Range(-180.0, 180.0)
    tilt_deg: Range = Range(-90.0, 90.0)
    absolute: bool = True
    relative: bool = True
    relative_fov: bool = True
    continuous: bool = True
    zoom: bool = True
    maximum_presets: int = 256
    home: bool = True
    fixed_home: bool = False
    default_timeout_s: float = 10.0
    """How long a continuous move lasts that names no time-out."""
    maximum_timeout_s: float = 60.0
    auxiliary_commands: tuple[str, ...] = ()
    """What `auxiliary` takes, e.g. `tt:Wiper|On`."""
    tours: PtzTourLimits | None = None
    """Preset tours; None: there are none."""
    geo_move: bool = False
    """Whether the host knows where on Earth the camera stands and how it is turned."""
    tracking: bool = False
    """Whether it can follow objects (MoveAndStartTracking)."""


@dataclass(frozen=True, slots=True)
class PtzSpeed:
    """Speeds as fractions of the fastest, 0 to 1; None where the client named none (then the fastest)."""

    pan: float | None = None
    tilt: float | None = None
    zoom: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PtzStatus:
    """Where a channel looks, and whether it moves. `at` is the time of the measurement."""

    pan_deg: float
    tilt_deg: float
    zoom: float
    pan_tilt_moving: bool
    zoom_moving: bool
    at: float


@dataclass(frozen=True, slots=True)
class PtzPreset:
    """A stored position; the three values are None where the host does not know them."""

    token: str
    name: str
    pan_deg: float | None = None
    tilt_deg: float | None = None
    zoom: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TourSpot:
    """A stop of a tour: a preset's token, or None for the home position; how long it stays there.

    `position` (pan and tilt in degrees; zoom, None: as it is) is instead of a preset.
    """

    preset: str | None
    stay_s: float
    speed: PtzSpeed = PtzSpeed()
    position: tuple[float, float, float | None] | None = None


class TourState(StrEnum):
    """What a tour does now."""

    IDLE = "Idle"
    TOURING = "Touring"
    PAUSED = "Paused"


class TourOperation(StrEnum):
    """What a client orders."""

    START = "Start"
    STOP = "Stop"
    PAUSE = "Pause"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tour:
    """A preset tour. `current` is the number of the spot where it is now.

    It ends after so many `rounds` or after `duration_s`, whichever is earlier; with both None it goes on for ever.
    `auto_start`: it is active by itself; only one tour of a head is, and orders to start or stop it take the flag
    away. `backward`: the last spot first.
    """

    token: str
    name: str
    spots: tuple[TourSpot, ...] = ()
    auto_start: bool = False
    rounds: int | None = None
    backward: bool = False
    random: bool = False
    duration_s: float | None = None
    state: TourState = TourState.IDLE
    current: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GeoPosition:
    """A place on Earth (WGS 84): degrees, and metres above the ellipsoid or, where None, at the camera's height."""

    latitude: float
    longitude: float
    elevation: float | None = None


class Ptz(Protocol):
    """The motors of one channel. Any method may raise `Refused`.

    An axis given as None was not named by the client: whatever it does, it goes on doing. ONVIF names pan and tilt
    together or not at all. A move returns when it has been accepted, not when it is over. A new move replaces the old
    one on its axes.
    """

    @property
    def capabilities(self) -> PtzCapabilities:
        """Constant while the device runs."""
        ...

    async def move_absolute(
        self, caller: Caller, *, pan_deg: float | None, tilt_deg: float | None, zoom: float | None, speed: PtzSpeed
    ) -> None:
        """Goes to a position; it lies within the capabilities' ranges."""
        ...

    async def move_relative(
        self, caller: Caller, *, pan_deg: float | None, tilt_deg: float | None, zoom: float | None, speed: PtzSpeed
    ) -> None:
        """Moves by degrees and by a part of the zoom range; beyond the ranges it ends at their ends."""
        ...

    async def move_relative_fov(
        self, caller: Caller, *, x: float | None, y: float | None, zoom: float | None, speed: PtzSpeed
    ) -> None:
        """Brings a point of the picture to its centre: x, y from (-1, -1) lower left to (1, 1) upper right."""
        ...

    async def move_continuous(
        self, caller: Caller, *, pan: float | None, tilt: float | None, zoom: float | None, timeout_s: float
    ) -> None:
        """Moves with speeds -1..1 until `stop`, another move, or until `timeout_s` is over: the host sees to it.

        The time-out is that of the named axes.
        """
        ...

    async def stop(self, caller: Caller, *, pan_tilt: bool, zoom: bool) -> None:
        """Stops the named axes, whatever moves them."""
        ...

    async def status(self) -> PtzStatus:
        """Where it looks now."""
        ...

    async def presets(self) -> Sequence[PtzPreset]:
        """The stored positions."""
        ...

    async def set_preset(self, caller: Caller, *, token: str | None, name: str | None) -> str:
        """Stores the present position: a new preset (token None; name None lets the host choose) or over `token`.

        Returns the token. Raises Refused: NO_SUCH_PRESET, TOO_MANY_PRESETS, PRESET_EXISTS, MOVING.
        """
        ...

    async def goto_preset(self, caller: Caller, token: str, speed: PtzSpeed) -> None:
        """Goes to a stored position. Raises Refused: NO_SUCH_PRESET."""
        ...

    async def remove_preset(self, caller: Caller, token: str) -> None:
        """Forgets a stored position. Raises Refused: NO_SUCH_PRESET."""
        ...

    async def goto_home(self, caller: Caller, speed: PtzSpeed) -> None:
        """Goes to the home position. Raises Refused: NO_HOME."""
        ...

    async def set_home(self, caller: Caller) -> None:
        """Makes the present position the home position (never called where the home is fixed)."""
        ...

    # What follows is asked for only where the capabilities promise it; a head without it leaves it out.

    async def auxiliary(self, caller: Caller, command: str) -> str:
        """Carries out one of `auxiliary_commands`; returns the response for the client, "" for none."""
        raise Refused(Refusal.NOT_SUPPORTED)

    async def tours(self) -> Sequence[Tour]:
        """The preset tours with their states."""
        return ()

    async def create_tour(self, caller: Caller) -> str:
        """Adds an empty tour; returns its token. Raises Refused: TOO_MANY."""
        raise Refused(Refusal.NOT_SUPPORTED)

    async def modify_tour(self, caller: Caller, tour: Tour) -> None:
        """Replaces a tour's name, spots and ways (`state` and `current` say nothing). Raises Refused: NOT_FOUND…"""
        raise Refused(Refusal.NOT_SUPPORTED)

    async def operate_tour(self, caller: Caller, token: str, operation: TourOperation) -> None:
        """Starts, stops or pauses a tour. Raises Refused: NOT_FOUND, BUSY, INVALID (it has no spots)."""
        raise Refused(Refusal.NOT_SUPPORTED)

    async def remove_tour(self, caller: Caller, token: str) -> None:
        """Forgets a tour; one that runs ends. Raises Refused: NOT_FOUND."""
        raise Refused(Refusal.NOT_SUPPORTED)

    async def geo_move(
        self, caller: Caller, target: GeoPosition, *, speed: PtzSpeed, area_m: tuple[float, float] | None
    ) -> None:
        """Looks at a place; `area_m` (width, height; 0: not named) is to fill the picture.

        Raises Refused: INVALID_POSITION.
        """
        raise Refused(Refusal.NOT_SUPPORTED)

    async def move_and_track(
        self,
        caller: Caller,
        *,
        preset: str | None,
        position: tuple[float | None, float | None, float | None] | None,
        geo: GeoPosition | None,
        speed: PtzSpeed,
        object_id: int | None,
    ) -> None:
        """Goes to a preset, a position (pan, tilt in degrees, zoom) or a place, and follows what is there.

        `object_id` is the number of an object of the metadata stream; with None the host takes the object that it
        finds at the goal, or the first that appears there. Ends with `stop` or any other move. Raises Refused:
        NO_SUCH_TARGET, NO_SUCH_PRESET.
        """
        raise Refused(Refusal.NOT_SUPPORTED)
