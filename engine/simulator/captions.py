"""The texts that a simulated camera writes into its picture."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from typing import Final

import cv2

from engine.core.values import Image
from onvif_server.backend import Caller, Osd, OsdKind, OsdOptions, OsdText, Refusal, Refused

_OPTIONS: Final = OsdOptions(total=4, plain=3, date_and_time=2, font_sizes=(8, 64))
_FONT_SIZE: Final = 24
_FONT_PIXELS: Final = 22.0
"""The height of OpenCV's letters at the scale 1."""
_WHITE: Final = (255, 255, 255)
_FORMATS: Final = {
    OsdKind.DATE: "%Y-%m-%d",
    OsdKind.TIME: "%H:%M:%S",
    OsdKind.DATE_AND_TIME: "%Y-%m-%d %H:%M:%S",
}
_CORNERS: Final = {"UpperLeft": (0, 0), "UpperRight": (1, 0), "LowerLeft": (0, 1), "LowerRight": (1, 1)}


class SimulatedCaptions(Osd):
    """See `onvif_server.backend.Osd`; `finish` may be called from any thread."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        # Replaced, never changed: the cameras' thread reads it.
        self._texts: dict[str, OsdText] = {}

    async def options(self) -> OsdOptions:
        """See `Osd`."""
        return _OPTIONS

    async def texts(self) -> dict[str, OsdText]:
        """See `Osd`."""
        return dict(self._texts)

    async def create(self, caller: Caller, text: OsdText) -> str:
        """See `Osd`."""
        token = next(name for number in range(1, _OPTIONS.total + 2) if (name := f"osd{number}") not in self._texts)
        self._texts = self._texts | {token: text}
        return token

    async def change(self, caller: Caller, token: str, text: OsdText) -> None:
        """See `Osd`."""
        self._texts = self._texts | {token: text}

    async def delete(self, caller: Caller, token: str) -> None:
        """See `Osd`."""
        if token not in self._texts:
            raise Refused(Refusal.NOT_FOUND, token)
        self._texts = {name: text for name, text in self._texts.items() if name != token}

    def finish(self, picture: Image) -> Image:
        """The picture with the texts on it."""
        texts = self._texts
        if not texts:
            return picture
        written = picture.copy()
        for text in texts.values():
            _write(written, text, self._words(text))
        return written

    def _words(self, text: OsdText) -> str:
        pattern = _FORMATS.get(text.kind)
        return text.text if pattern is None else dt.datetime.fromtimestamp(self._now(), dt.UTC).strftime(pattern)


def _write(picture: Image, text: OsdText, words: str) -> None:
    height, width = picture.shape[:2]
    scale = (text.font_size or _FONT_SIZE) / _FONT_PIXELS
    (wide, high), _ = cv2.getTextSize(words, cv2.FONT_HERSHEY_SIMPLEX, scale, 2)
    across, down = _CORNERS.get(text.position or "", ((text.x + 1) / 2, (1 - text.y) / 2))
    margin = 4
    left = round(margin + across * (width - wide - 2 * margin))
    base = round(margin + high + down * (height - high - 3 * margin))
    cv2.putText(picture, words, (left, base), cv2.FONT_HERSHEY_SIMPLEX, scale, _WHITE, 2)
