"""Picture settings and focus of the cameras behind us."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from engine.cameras.extras import ImagingAbilities, ImagingControl
from engine.onvif_device.forwarding import camera_refusals
from onvif_server.backend import Caller, Choice, FocusAbilities, FocusStatus, Imaging, ImagingSettings, Number


class CameraImaging(Imaging):
    """`onvif_server.backend.Imaging` on a camera that has told what it can do."""

    def __init__(self, control: ImagingControl, abilities: ImagingAbilities) -> None:
        self._control = control
        self._abilities = abilities
        self._options = {option.field: option for option in abilities.options}

    @property
    def options(self) -> Sequence[Number | Choice]:
        """What the camera lets us set."""
        return self._abilities.options

    @property
    def focus(self) -> FocusAbilities | None:
        """How the camera's focus moves."""
        return self._abilities.focus

    async def settings(self) -> ImagingSettings:
        """As the camera has them now; a value beyond its own options is told as the nearest of them."""
        with camera_refusals():
            now = asdict(await self._control.settings())
        return ImagingSettings(**{field: _fitting(option, now[field]) for field, option in self._options.items()})

    async def set(self, caller: Caller, settings: ImagingSettings, *, persistent: bool) -> None:
        """Changes them on the camera."""
        with camera_refusals():
            await self._control.set(settings, persistent=persistent)

    async def focus_status(self) -> FocusStatus:
        """Where the camera's focus is."""
        with camera_refusals():
            return await self._control.focus_status()

    async def move_focus(
        self,
        caller: Caller,
        *,
        absolute: float | None = None,
        relative: float | None = None,
        continuous: float | None = None,
        speed: float | None = None,
    ) -> None:
        """Moves the camera's focus."""
        with camera_refusals():
            await self._control.move_focus(absolute=absolute, relative=relative, continuous=continuous, speed=speed)

    async def stop_focus(self, caller: Caller) -> None:
        """Stops it."""
        with camera_refusals():
            await self._control.stop_focus()


def _fitting(option: Number | Choice, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(option, Choice):
        return value if value in option.words else None
    return min(max(value, option.range.minimum), option.range.maximum)
