"""Wipers, washers and lamps of the cameras behind us."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.cameras.protocols import Camera
from engine.onvif_device.forwarding import camera_refusals


class ChannelAuxiliary:
    """The auxiliary commands of a channel's PTZ node; `commands` is what the camera lists."""

    def __init__(self, camera: Camera, channel: str, commands: Sequence[str]) -> None:
        self._camera = camera
        self._channel = channel
        self.commands = tuple(commands)

    async def send(self, command: str) -> str:
        """Lets the camera carry out a command; returns what it says to it. Raises Refused."""
        with camera_refusals():
            return await self._camera.auxiliary(self._channel, command)


class DeviceAuxiliary:
    """The auxiliary commands of whole cameras: one that several of them know is carried out by each of those."""

    def __init__(self, cameras: Mapping[Camera, Sequence[str]]) -> None:
        self._cameras = cameras
        self.commands = tuple(dict.fromkeys(command for commands in cameras.values() for command in commands))

    async def send(self, command: str) -> str:
        """Lets the cameras carry out a command, one after the other. Raises Refused at the first that does not."""
        answers = []
        for camera, commands in self._cameras.items():
            if command in commands:
                with camera_refusals():
                    answers.append(await camera.device_auxiliary(command))
        return "; ".join(answer for answer in answers if answer)
