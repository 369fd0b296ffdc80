"""The lens and the sensor of a channel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from onvif_server.backend.access import Caller
from onvif_server.backend.ptz import Range


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagingSettings:
    """How the picture is taken. None: cannot be set, or (when setting) stays as it is.

    Modes have ONVIF's words: `ON`/`OFF`/`AUTO`, `AUTO`/`MANUAL`. Numbers are in the units of the options.
    Times in microseconds, gain and iris in dB, as ONVIF has them.
    """

    brightness: float | None = None
    contrast: float | None = None
    color_saturation: float | None = None
    sharpness: float | None = None
    ir_cut_filter: str | None = None
    backlight_mode: str | None = None
    backlight_level: float | None = None
    wide_dynamic_range_mode: str | None = None
    wide_dynamic_range_level: float | None = None
    exposure_mode: str | None = None
    exposure_priority: str | None = None
    min_exposure_us: float | None = None
    max_exposure_us: float | None = None
    min_gain_db: float | None = None
    max_gain_db: float | None = None
    exposure_us: float | None = None
    gain_db: float | None = None
    iris_db: float | None = None
    white_balance_mode: str | None = None
    white_balance_cr: float | None = None
    white_balance_cb: float | None = None
    focus_mode: str | None = None
    focus_speed: float | None = None
    focus_near_m: float | None = None
    focus_far_m: float | None = None
    defogging_mode: str | None = None
    defogging_level: float | None = None
    noise_reduction_level: float | None = None
    stabilization_mode: str | None = None
    stabilization_level: float | None = None


@dataclass(frozen=True, slots=True)
class Number:
    """A number that can be set, by the name of its field in `ImagingSettings`, and its range."""

    field: str
    range: Range


@dataclass(frozen=True, slots=True)
class Choice:
    """A mode that can be set, by the name of its field in `ImagingSettings`, and its words."""

    field: str
    words: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class FocusAbilities:
    """How the focus can be moved: ranges of position and of speed, None where a kind of move is not possible."""

    absolute: Range | None = None
    absolute_speed: Range | None = None
    relative: Range | None = None
    relative_speed: Range | None = None
    continuous_speed: Range | None = None


@dataclass(frozen=True, slots=True)
class FocusStatus:
    """Where the focus is, and whether it moves."""

    position: float
    moving: bool
    error: str = ""


class Imaging(Protocol):
    """Picture settings and focus of one channel. Methods raise `Refused`."""

    @property
    def options(self) -> Sequence[Number | Choice]:
        """What can be set; constant while the device runs."""
        ...

    @property
    def focus(self) -> FocusAbilities | None:
        """How the focus moves; None if it does not; constant while the device runs."""
        ...

    async def settings(self) -> ImagingSettings:
        """As they are now."""
        ...

    async def set(self, caller: Caller, settings: ImagingSettings, *, persistent: bool) -> None:
        """Changes what is not None; the values lie within the options."""
        ...

    async def focus_status(self) -> FocusStatus:
        """Where the focus is now."""
        ...

    async def move_focus(
        self,
        caller: Caller,
        *,
        absolute: float | None = None,
        relative: float | None = None,
        continuous: float | None = None,
        speed: float | None = None,
    ) -> None:
        """Starts a move: exactly one of the three kinds is given; `continuous` is a speed (far is positive)."""
        ...

    async def stop_focus(self, caller: Caller) -> None:
        """Ends it."""
        ...
