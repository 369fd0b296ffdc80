"""The encoders of the cameras behind us: the relay passes on what they send."""

from __future__ import annotations

from collections.abc import Sequence

from engine.cameras.extras import EncoderControl
from engine.onvif_device.forwarding import camera_refusals
from onvif_server.backend import Caller, Encoder, EncoderOptions, EncoderSettings


class CameraEncoder(Encoder):
    """`onvif_server.backend.Encoder` on a camera."""

    def __init__(self, control: EncoderControl) -> None:
        self._control = control

    async def settings(self) -> EncoderSettings:
        """As the camera is set now."""
        with camera_refusals():
            return await self._control.settings()

    async def options(self) -> Sequence[EncoderOptions]:
        """What the camera lets us set."""
        with camera_refusals():
            return await self._control.options()

    async def set(self, caller: Caller, settings: EncoderSettings) -> None:
        """Sets the camera."""
        with camera_refusals():
            await self._control.set(settings)
