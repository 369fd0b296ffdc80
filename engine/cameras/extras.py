"""What a camera can do beside showing pictures and moving, and the protocols by which it is made to.

The values are those of the ONVIF library: `ImagingSettings` and the like are plain dataclasses that any driver can
fill.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from onvif_server.backend import (
    Choice,
    DigitalInput,
    EncoderOptions,
    EncoderSettings,
    FocusAbilities,
    FocusStatus,
    ImagingSettings,
    Number,
    OsdOptions,
    OsdText,
    RelayOutput,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagingAbilities:
    """What can be set of a picture, and how the focus moves (None: it does not)."""

    options: tuple[Number | Choice, ...] = ()
    focus: FocusAbilities | None = None


@dataclass(frozen=True, slots=True)
class RelayAbilities:
    """What a relay can be set to; the delays in seconds, (shortest, longest)."""

    token: str
    bistable: bool
    monostable: bool
    delay_range_s: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminalAbilities:
    """The relays and digital inputs of a camera; an input is its token, and whether an open contact is inactive."""

    relays: tuple[RelayAbilities, ...] = ()
    inputs: tuple[tuple[str, bool], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Extras:
    """What a channel's camera said at the last connection that it can do; equal values mean an equal camera."""

    imaging: ImagingAbilities | None = None
    auxiliary_commands: tuple[str, ...] = ()
    """Of the channel's head, e.g. `tt:Wiper|On`."""
    device_auxiliary_commands: tuple[str, ...] = ()
    """Of the camera as a whole."""
    terminals: TerminalAbilities = field(default_factory=TerminalAbilities)
    """Of the camera as a whole."""
    encoder: bool = False
    """Whether anything of the channel's encoder can be set."""
    osd: bool = False
    """Whether texts can be written into the channel's picture."""
    back_channel: bool = False
    """Whether the channel's stream takes sound for a loudspeaker."""


class ImagingControl(Protocol):
    """Picture settings and focus of one channel. Methods raise CameraError."""

    async def settings(self) -> ImagingSettings:
        """As they are now; None for what the camera does not tell."""
        ...

    async def set(self, settings: ImagingSettings, *, persistent: bool) -> None:
        """Changes what is not None; `persistent`: also for after the camera's next restart."""
        ...

    async def focus_status(self) -> FocusStatus:
        """Where the focus is now."""
        ...

    async def move_focus(
        self,
        *,
        absolute: float | None = None,
        relative: float | None = None,
        continuous: float | None = None,
        speed: float | None = None,
    ) -> None:
        """Starts a move; one of the three kinds is given."""
        ...

    async def stop_focus(self) -> None:
        """Ends it."""
        ...


class TerminalControl(Protocol):
    """Relays and digital inputs of one camera, by its own tokens. Orders raise CameraError."""

    def relays(self) -> Sequence[RelayOutput]:
        """Settings and states as they were told last."""
        ...

    def inputs(self) -> Sequence[DigitalInput]:
        """States as they were told last."""
        ...

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Calls it after every change of a state; the returned function ends that."""
        ...

    async def configure_relay(self, token: str, *, bistable: bool, idle_open: bool, delay_s: float) -> None:
        """Changes the settings of a relay."""
        ...

    async def set_relay(self, token: str, *, active: bool) -> None:
        """Switches a relay."""
        ...

    async def watch(self) -> None:
        """Follows the states until it is cancelled; returns where there is nothing to follow. Raises CameraError."""
        ...


class EncoderControl(Protocol):
    """The encoder of one channel. Methods raise CameraError."""

    async def settings(self) -> EncoderSettings:
        """As it is set now."""
        ...

    async def options(self) -> Sequence[EncoderOptions]:
        """What can be set, an entry an encoding."""
        ...

    async def set(self, settings: EncoderSettings) -> None:
        """Sets it."""
        ...


class OsdControl(Protocol):
    """The texts in one channel's picture, by the camera's own tokens. Methods raise CameraError."""

    async def options(self) -> OsdOptions:
        """What is possible."""
        ...

    async def texts(self) -> dict[str, OsdText]:
        """The texts by token."""
        ...

    async def create(self, text: OsdText) -> str:
        """Puts a text on the picture; returns its token."""
        ...

    async def change(self, token: str, text: OsdText) -> None:
        """Changes a text."""
        ...

    async def delete(self, token: str) -> None:
        """Takes a text away."""
        ...
