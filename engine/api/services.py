"""What the API asks of the engine. The app implements it; tests bring a small one of their own."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol

from engine.api.messages.access import StreamCredentials
from engine.api.messages.links import LookAtRequest, TrackRequest
from engine.api.messages.motors import MoveRequest
from engine.api.messages.rules import RuleDescription, RuleRequest, RuleSettings
from engine.api.messages.state import CameraState, ChannelState, LinkState, PresetState, RuleState, State
from engine.core.bus import Bus
from engine.core.values import TrackUpdate

type Change = CameraState | ChannelState | LinkState | RuleState | State
"""What changed: the new state of one thing, or (when things came or went) of everything."""


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """Which engine this is. `instance_id` never changes over the life of a data folder."""

    name: str
    version: str
    instance_id: str


class ServiceError(Exception):
    """A request that was understood and could not be done. The message reaches the client: no secrets in it."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR
    code = "failed"


class NotFoundError(ServiceError):
    """There is no such channel, link, preset, track…: the message names it."""

    status = HTTPStatus.NOT_FOUND
    code = "not_found"


class NotPossibleError(ServiceError):
    """The thing cannot do that (an overview has no motors, a point lies beyond the PTZ's reach…)."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "not_possible"


class BusyError(ServiceError):
    """Somebody with a higher priority holds the camera."""

    status = HTTPStatus.CONFLICT
    code = "busy"


class ExistsError(ServiceError):
    """There is one of that id already."""

    status = HTTPStatus.CONFLICT
    code = "exists"


class TooManyError(ServiceError):
    """There is no room for another."""

    status = HTTPStatus.CONFLICT
    code = "too_many"


class NotAvailableError(ServiceError):
    """Not now: the camera is offline, or there is no picture of that instant."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "not_available"


class EngineServices(Protocol):
    """The engine as the API sees it.

    Methods raise a `ServiceError` where they cannot do what is asked; anything else that they raise is a fault of
    the engine, is logged, and is answered with 500. `by` is the name of the user who asks, for the arbiter.
    """

    @property
    def changes(self) -> Bus[Change]:
        """States, published whenever one changes (a pose at most a few times a second)."""
        ...

    @property
    def track_updates(self) -> Bus[TrackUpdate]:
        """Every update of every tracker."""
        ...

    def info(self) -> EngineInfo:
        """Which engine this is."""
        ...

    async def state(self) -> State:
        """Everything that a client shows."""
        ...

    async def stream_credentials(self) -> StreamCredentials:
        """User and password of the RTSP relay."""
        ...

    async def device_users_changed(self) -> None:
        """Lets the relay know that the users of ONVIF and RTSP are others now."""
        ...

    async def snapshot(self, channel: str, at: float | None) -> bytes:
        """A JPEG in full resolution, of the instant `at` or of now."""
        ...

    async def tracks(self, channel: str) -> TrackUpdate | None:
        """The newest update of the channel's tracker; None before the first frame."""
        ...

    async def move(self, channel: str, request: MoveRequest, *, by: str) -> None:
        """Moves. Returns when the camera has taken the command."""
        ...

    async def stop(self, channel: str, *, by: str) -> None:
        """Stops pan, tilt and zoom, and gives the operator's lease back."""
        ...

    async def go_home(self, channel: str, *, by: str) -> None:
        """Goes to the home position."""
        ...

    async def presets(self, channel: str) -> list[PresetState]:
        """The presets of a channel."""
        ...

    async def save_preset(self, channel: str, name: str, *, by: str) -> PresetState:
        """Keeps the present pose."""
        ...

    async def remove_preset(self, channel: str, preset_id: str, *, by: str) -> None:
        """Forgets a preset."""
        ...

    async def goto_preset(self, channel: str, preset_id: str, speed: float, *, by: str) -> None:
        """Goes to a preset."""
        ...

    async def look_at(self, link: str, request: LookAtRequest, *, by: str) -> None:
        """Sends the link's PTZ to a point or a box of the overview."""
        ...

    async def track(self, link: str, request: TrackRequest, *, by: str) -> str:
        """Makes the link's PTZ follow a target; returns the track's id."""
        ...

    async def stop_tracking(self, link: str, *, by: str) -> None:
        """Ends the link's pursuit, if there is one."""
        ...

    async def rules(self) -> list[RuleDescription]:
        """All rules, in the order of the site file."""
        ...

    async def add_rule(self, request: RuleRequest) -> RuleDescription:
        """Makes a rule, in the site file and at work."""
        ...

    async def change_rule(self, rule_id: str, request: RuleSettings) -> RuleDescription:
        """Gives a rule other settings."""
        ...

    async def remove_rule(self, rule_id: str) -> None:
        """Removes a rule; what was active ends."""
        ...

    async def reset_counter(self, rule_id: str) -> None:
        """Sets the counter of a counting rule back to zero."""
        ...
