"""Sensor and lens of a simulated camera: what clients set is seen in the picture."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Final

import cv2
import numpy as np

from engine.core.values import Image
from onvif_server.backend import Caller, Choice, FocusAbilities, FocusStatus, Imaging, ImagingSettings, Number, Range

FOCUS_SPEED: Final = 0.5
"""Of the whole way, in a second."""
SHARP_AT: Final = 0.5
"""Where the focus has to be for a sharp picture; the automatic focus keeps it there."""
_BLUR_PIXELS: Final = 30
_PERCENT: Final = Range(0.0, 100.0)
_OPTIONS: Final = (
    Number("brightness", _PERCENT),
    Number("contrast", _PERCENT),
    Number("color_saturation", _PERCENT),
    Choice("ir_cut_filter", ("ON", "OFF", "AUTO")),
    Choice("exposure_mode", ("AUTO", "MANUAL")),
    Number("gain_db", Range(0.0, 24.0)),
    Choice("focus_mode", ("AUTO", "MANUAL")),
)
_FOCUS: Final = FocusAbilities(
    absolute=Range(0.0, 1.0),
    absolute_speed=Range(0.0, 1.0),
    relative=Range(-1.0, 1.0),
    relative_speed=Range(0.0, 1.0),
    continuous_speed=Range(-1.0, 1.0),
)


@dataclass(frozen=True, slots=True)
class _Motion:
    """The focus goes from a place to another one at an even speed (of the whole way, a second)."""

    begin: float
    start: float
    goal: float
    speed: float

    def at(self, time: float) -> float:
        way = self.speed * max(time - self.begin, 0.0)
        if self.goal >= self.start:
            return min(self.start + way, self.goal)
        return max(self.start - way, self.goal)


class SimulatedImaging(Imaging):
    """See `onvif_server.backend.Imaging`. Half of the range is neutral; `finish` may be called from any thread."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._motion = _Motion(0.0, SHARP_AT, SHARP_AT, 0.0)
        self._settings = ImagingSettings(
            brightness=50.0,
            contrast=50.0,
            color_saturation=50.0,
            ir_cut_filter="AUTO",
            exposure_mode="AUTO",
            gain_db=0.0,
            focus_mode="AUTO",
        )

    @property
    def options(self) -> Sequence[Number | Choice]:
        """See `Imaging`."""
        return _OPTIONS

    @property
    def focus(self) -> FocusAbilities:
        """See `Imaging`."""
        return _FOCUS

    async def settings(self) -> ImagingSettings:
        """See `Imaging`."""
        return self._settings

    async def set(self, caller: Caller, settings: ImagingSettings, *, persistent: bool) -> None:
        """See `Imaging`."""
        named = {name: value for name, value in asdict(settings).items() if value is not None}
        with self._lock:
            self._settings = replace(self._settings, **named)
            if named.get("focus_mode") == "AUTO":
                self._go(SHARP_AT, 1.0)

    async def focus_status(self) -> FocusStatus:
        """See `Imaging`."""
        position = self._position()
        return FocusStatus(position, moving=position != self._motion.goal)

    async def move_focus(
        self,
        caller: Caller,
        *,
        absolute: float | None = None,
        relative: float | None = None,
        continuous: float | None = None,
        speed: float | None = None,
    ) -> None:
        """See `Imaging`: a focus that is moved by hand is no longer automatic."""
        with self._lock:
            self._settings = replace(self._settings, focus_mode="MANUAL")
            if absolute is not None:
                self._go(absolute, speed)
            elif relative is not None:
                self._go(self._position() + relative, speed)
            elif continuous:
                self._go(1.0 if continuous > 0 else 0.0, abs(continuous))

    async def stop_focus(self, caller: Caller) -> None:
        """See `Imaging`."""
        with self._lock:
            self._go(self._position(), 1.0)

    def finish(self, picture: Image) -> Image:
        """The picture as this sensor takes it through this lens."""
        with self._lock:
            settings, off = self._settings, abs(self._position() - SHARP_AT)
        picture = _exposed(picture, settings)
        if settings.ir_cut_filter == "OFF":
            picture = _coloured(picture, 0.0)
        else:
            picture = _coloured(picture, settings.color_saturation or 0.0)
        width = round(off * _BLUR_PIXELS)
        return picture if width < 2 else np.asarray(cv2.blur(picture, (width, width)), np.uint8)

    def _position(self) -> float:
        return self._motion.at(self._now())

    def _go(self, goal: float, speed: float | None) -> None:
        pace = FOCUS_SPEED * (1.0 if speed is None else speed)
        self._motion = _Motion(self._now(), self._position(), min(max(goal, 0.0), 1.0), pace)


def _exposed(picture: Image, settings: ImagingSettings) -> Image:
    """Gain and contrast about the middle grey, brightness on top."""
    gain = 10 ** ((settings.gain_db or 0.0) / 20) if settings.exposure_mode == "MANUAL" else 1.0
    slope = (settings.contrast or 0.0) / 50
    offset = 128 * (1 - slope) + 2.55 * ((settings.brightness or 0.0) - 50)
    if gain == 1.0 and slope == 1.0 and offset == 0.0:
        return picture
    table = np.clip(np.arange(256) * gain * slope + offset, 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(picture, table), np.uint8)


def _coloured(picture: Image, saturation: float) -> Image:
    if saturation == 50:
        return picture
    grey = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    part = saturation / 50
    return np.asarray(cv2.addWeighted(picture, part, grey, 1 - part, 0), np.uint8)
