"""Relays and digital inputs of the cameras behind us."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from engine.cameras.extras import TerminalControl
from engine.onvif_device.events import Publisher
from engine.onvif_device.forwarding import camera_refusals
from onvif_server.backend import Caller, DigitalInput, Refusal, Refused, RelayOutput, Terminals
from onvif_server.events import topics


class CameraTerminals(Terminals):
    """`onvif_server.backend.Terminals` on the terminals of several cameras, by camera id.

    The tokens are our own, numbered for each camera: two cameras may have a relay of the same token.
    """

    def __init__(self, cameras: Mapping[str, TerminalControl]) -> None:
        self._cameras = cameras
        self._publisher: Publisher | None = None
        self._told: dict[tuple[str, str], bool] = {}
        self._endings: list[Callable[[], None]] = []

    def begin(self, publisher: Publisher) -> None:
        """Tells the present states, and every change from now on."""
        self._publisher = publisher
        self._endings = [camera.listen(self._tell) for camera in self._cameras.values()]
        self._tell()

    def end(self) -> None:
        """Tells no more."""
        while self._endings:
            self._endings.pop()()
        self._told.clear()
        self._publisher = None

    def relays(self) -> Sequence[RelayOutput]:
        """Those of all cameras."""
        return tuple(replace(relay, token=token) for token, (_, relay) in self._relays().items())

    def inputs(self) -> Sequence[DigitalInput]:
        """Those of all cameras."""
        return tuple(
            replace(one, token=f"{camera_id}-input{number}")
            for camera_id, camera in self._cameras.items()
            for number, one in enumerate(camera.inputs(), 1)
        )

    async def configure_relay(
        self, caller: Caller, token: str, *, bistable: bool, idle_open: bool, delay_s: float
    ) -> None:
        """Changes the settings on the camera."""
        camera, relay = self._relay(token)
        with camera_refusals():
            await camera.configure_relay(relay.token, bistable=bistable, idle_open=idle_open, delay_s=delay_s)

    async def set_relay(self, caller: Caller, token: str, *, active: bool) -> None:
        """Switches the camera's relay."""
        camera, relay = self._relay(token)
        with camera_refusals():
            await camera.set_relay(relay.token, active=active)

    def _relays(self) -> dict[str, tuple[TerminalControl, RelayOutput]]:
        return {
            f"{camera_id}-relay{number}": (camera, relay)
            for camera_id, camera in self._cameras.items()
            for number, relay in enumerate(camera.relays(), 1)
        }

    def _relay(self, token: str) -> tuple[TerminalControl, RelayOutput]:
        found = self._relays().get(token)
        if found is None:
            raise Refused(Refusal.NOT_FOUND, f"there is no relay {token}")
        return found

    def _tell(self) -> None:
        for relay in self.relays():
            state = "active" if relay.active else "inactive"
            self._tell_one(topics.RELAY.path, "RelayToken", relay.token, state, active=relay.active)
        for one in self.inputs():
            self._tell_one(topics.DIGITAL_INPUT.path, "InputToken", one.token, one.active, active=one.active)

    def _tell_one(self, topic: str, item: str, token: str, state: str | bool, *, active: bool) -> None:
        if self._publisher is not None and self._told.get((topic, token)) != active:
            self._told[topic, token] = active
            self._publisher.publish(topic, source={item: token}, data={"LogicalState": state})
