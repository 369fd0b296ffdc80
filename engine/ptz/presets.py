"""Positions with names: the engine's own, kept as poses, and those that the camera keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from engine.cameras.protocols import CameraPreset
from engine.core.events import new_id
from engine.core.geometry import Pose
from engine.ptz.errors import PtzError

CAMERA_PREFIX = "camera:"
"""What the ids of the camera's own presets begin with; the camera's token follows."""


class UnknownPreset(PtzError):  # noqa: N818 - a statement about the id
    """There is no preset of that id on the channel."""

    def __init__(self, channel: str, preset_id: str) -> None:
        super().__init__(f"{channel} has no preset {preset_id!r}")


class PresetRefused(PtzError):  # noqa: N818 - a statement about the request
    """The preset cannot be made or changed that way; the message says why."""


@dataclass(frozen=True, slots=True)
class Preset:
    """A position with a name. `pose` is None for those that the camera keeps, which have a `camera_token` instead."""

    preset_id: str
    name: str
    pose: Pose | None = None
    camera_token: str | None = None


class StoredPreset(Protocol):
    """What a repository hands out."""

    @property
    def preset_id(self) -> str:
        """Its identifier."""
        ...

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    @property
    def pose(self) -> Pose:
        """Where it looks."""
        ...


class PresetRepository(Protocol):
    """Where the engine's own presets last; the store offers it."""

    async def list(self, channel: str) -> Sequence[StoredPreset]:
        """The presets of a channel, in the order of their making."""
        ...

    async def save(self, channel: str, preset_id: str, name: str, pose: Pose) -> None:
        """Adds a preset, or replaces the one of the same id."""
        ...

    async def remove(self, channel: str, preset_id: str) -> None:
        """Forgets a preset; harmless when it is not there."""
        ...


class PresetBook:
    """The presets of one channel.

    The repository is the truth for the engine's presets; without one they last as long as the process.
    """

    def __init__(self, channel: str, repository: PresetRepository | None) -> None:
        self._channel = channel
        self._repository = repository
        self._own: dict[str, Preset] = {}
        self._camera: tuple[Preset, ...] = ()

    @property
    def presets(self) -> tuple[Preset, ...]:
        """All presets: the engine's, then the camera's."""
        return (*self._own.values(), *self._camera)

    def find(self, preset_id: str) -> Preset:
        """A preset by its id; raises UnknownPreset."""
        for preset in self.presets:
            if preset.preset_id == preset_id:
                return preset
        raise UnknownPreset(self._channel, preset_id)

    async def load(self) -> None:
        """Reads the engine's presets."""
        if self._repository is not None:
            stored = await self._repository.list(self._channel)
            self._own = {item.preset_id: Preset(item.preset_id, item.name, item.pose) for item in stored}

    def import_camera(self, presets: Sequence[CameraPreset]) -> bool:
        """Takes over the list that the camera keeps; tells whether it differs from the last one."""
        imported = tuple(
            Preset(CAMERA_PREFIX + item.token, item.name or item.token, camera_token=item.token) for item in presets
        )
        changed = imported != self._camera
        self._camera = imported
        return changed

    async def set(self, name: str, pose: Pose, preset_id: str | None = None) -> Preset:
        """Keeps a pose under a name, in the place of the engine's preset `preset_id` if given."""
        if not name.strip():
            raise PresetRefused("a preset needs a name")
        if preset_id is not None and self.find(preset_id).camera_token is not None:
            raise PresetRefused(f"preset {preset_id!r} is kept by the camera; set a new one instead")
        preset = Preset(preset_id or new_id(), name.strip(), pose)
        if self._repository is not None:
            await self._repository.save(self._channel, preset.preset_id, preset.name, pose)
        self._own[preset.preset_id] = preset
        return preset

    async def remove(self, preset_id: str) -> None:
        """Forgets one of the engine's presets; raises UnknownPreset."""
        self.find(preset_id)
        if self._repository is not None:
            await self._repository.remove(self._channel, preset_id)
        self._own.pop(preset_id, None)
