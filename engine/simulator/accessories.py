"""The wiper and the white light of a simulated camera, switched by auxiliary commands."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import cv2
import numpy as np

from engine.core.values import Image

LIGHT_ON, LIGHT_OFF = "sim:WhiteLight|On", "sim:WhiteLight|Off"
WIPER_ON, WIPER_OFF = "tt:Wiper|On", "tt:Wiper|Off"
LIGHT_COMMANDS: Final = (LIGHT_ON, LIGHT_OFF)
WIPER_COMMANDS: Final = (WIPER_ON, WIPER_OFF)
_SWEEP_S: Final = 1.0
"""From one side of the picture to the other."""
_BRIGHTER: Final = np.clip(np.arange(256) * 1.3 + 20, 0, 255).astype(np.uint8)


class Accessories:
    """What is switched on; `finish` may be called from any thread."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self.light = False
        self.wiper = False

    def carry_out(self, command: str) -> None:
        """Does one of the commands."""
        if command in LIGHT_COMMANDS:
            self.light = command == LIGHT_ON
        else:
            self.wiper = command == WIPER_ON

    def finish(self, picture: Image) -> Image:
        """The picture with what the light and the wiper do to it."""
        if self.light:
            picture = np.asarray(cv2.LUT(picture, _BRIGHTER), np.uint8)
        return self._wiped(picture) if self.wiper else picture

    def _wiped(self, picture: Image) -> Image:
        """The arm of the wiper goes to and fro about the middle of the lower edge."""
        height, width = picture.shape[:2]
        phase = self._now() / _SWEEP_S % 2
        angle = np.pi * (1 - abs(1 - phase))
        foot, reach = (width // 2, height), max(width, height)
        tip = (round(foot[0] - reach * float(np.cos(angle))), round(foot[1] - reach * float(np.sin(angle))))
        wiped = picture.copy()
        cv2.line(wiped, foot, tip, (20, 20, 20), max(height // 24, 2))
        return wiped
