"""The texts that the cameras behind us write into their pictures."""

from __future__ import annotations

import hashlib

from engine.cameras.extras import OsdControl
from engine.onvif_device.forwarding import camera_refusals
from onvif_server.backend import Caller, Osd, OsdOptions, OsdText, Refusal, Refused

_LONGEST_TOKEN = 64


class CameraOsd(Osd):
    """`onvif_server.backend.Osd` on a camera. Tokens carry the channel: two cameras may have the same ones."""

    def __init__(self, control: OsdControl, channel: str) -> None:
        self._control = control
        self._channel = channel

    async def options(self) -> OsdOptions:
        """What the camera can do."""
        with camera_refusals():
            return await self._control.options()

    async def texts(self) -> dict[str, OsdText]:
        """The camera's texts."""
        with camera_refusals():
            return {self._ours(token): text for token, text in (await self._control.texts()).items()}

    async def create(self, caller: Caller, text: OsdText) -> str:
        """Lets the camera write a text."""
        with camera_refusals():
            return self._ours(await self._control.create(text))

    async def change(self, caller: Caller, token: str, text: OsdText) -> None:
        """Lets the camera write another text."""
        with camera_refusals():
            await self._control.change(await self._theirs(token), text)

    async def delete(self, caller: Caller, token: str) -> None:
        """Lets the camera leave it out."""
        with camera_refusals():
            await self._control.delete(await self._theirs(token))

    def _ours(self, token: str) -> str:
        name = f"{self._channel}-{token}"
        return name if len(name) <= _LONGEST_TOKEN else hashlib.sha256(name.encode()).hexdigest()[:_LONGEST_TOKEN]

    async def _theirs(self, name: str) -> str:
        for token in await self._control.texts():
            if self._ours(token) == name:
                return token
        raise Refused(Refusal.NOT_FOUND, f"there is no OSD {name}")
