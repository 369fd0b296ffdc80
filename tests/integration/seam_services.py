"""A small engine behind the real API server: it keeps a state and notes what it was asked for."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import msgspec

from engine.api.messages.access import StreamCredentials
from engine.api.messages.history import CaptureDescription
from engine.api.messages.links import LookAtRequest, TrackRequest
from engine.api.messages.motors import MoveRequest
from engine.api.messages.rules import RuleDescription, RuleRequest, RuleSettings
from engine.api.messages.state import CameraState, ChannelState, LinkState, PoseState, PresetState, RuleState, State
from engine.api.services import Change, EngineInfo, NotAvailableError, NotPossibleError
from engine.core.bus import Bus
from engine.core.events import RuleKind
from engine.core.geometry import Box
from engine.core.values import TargetType, TrackUpdate

INSTANCE_ID = "0192f0c4-engine"
NOON = 1_760_000_000.0
SNAPSHOT = b"\xff\xd8snapshot\xff\xd9"


@dataclass(frozen=True)
class Asked:
    """One thing that the engine was asked for."""

    what: str
    where: str
    values: Any
    by: str


def yard() -> State:
    """An overview that sends a PTZ, with an intrusion and a line-crossing rule."""
    return State(
        instance_id=INSTANCE_ID,
        name="Farm",
        version="0.1.0",
        cameras=[
            CameraState(id="wide", name="Wide", online=True, model="W-1", manufacturer="Acme", firmware="1.2"),
            CameraState(id="dome", name="Dome", online=True, model="D-1", manufacturer="Acme", firmware="3.4"),
        ],
        channels=[
            ChannelState(
                id="overview",
                name="Yard",
                camera_id="wide",
                role="overview",
                online=True,
                relay_url="rtsp://0.0.0.0:8554/overview",
                analysed_fps=5.0,
            ),
            ChannelState(
                id="ptz",
                name="Dome",
                camera_id="dome",
                role="ptz",
                online=True,
                relay_url="rtsp://relay.example:8554/ptz",
                presets=[PresetState(id="1", name="Gate"), PresetState(id="2", name="Barn")],
                pose=PoseState(pan_deg=10.0, tilt_deg=-5.0, hfov_deg=40.0, zoom=0.25),
                capabilities=["absolute", "relative", "continuous", "zoom", "presets", "home", "status"],
            ),
        ],
        links=[LinkState(id="yard-dome", name="Yard to dome", overview="overview", ptz="ptz")],
        rules=[
            RuleState(id="fence", name="Fence", kind=RuleKind.INTRUSION, channel="overview", active=False),
            RuleState(id="drive", name="Drive", kind=RuleKind.LINE_CROSSING, channel="overview", active=False),
        ],
    )


def capture_description(capture_id: str, at: float) -> CaptureDescription:
    """What the state of a link tells about its newest capture."""
    return CaptureDescription(
        id=capture_id,
        at=at,
        link_id="yard-dome",
        channel="ptz",
        track_id="t1",
        target_type=TargetType.PERSON,
        rule_id="fence",
        grade=0.9,
        box=Box(0.4, 0.4, 0.1, 0.2),
    )


class SeamServices:
    """Implements `EngineServices`."""

    def __init__(self) -> None:
        self.changes: Bus[Change] = Bus()
        self.track_updates: Bus[TrackUpdate] = Bus()
        self.now = yard()
        self.asked: list[Asked] = []
        self.refusal: Exception | None = None
        self.credentials_given = 0
        self.somebody_asked = asyncio.Event()

    # What the tests do to it

    def replace(self, kind: str, part_id: str, **changes: Any) -> None:
        """Changes one part of the state and publishes it."""
        parts = getattr(self.now, kind)
        changed = next(msgspec.structs.replace(part, **changes) for part in parts if part.id == part_id)
        self.now = msgspec.structs.replace(
            self.now, **{kind: [changed if part.id == part_id else part for part in parts]}
        )
        self.changes.publish(changed)

    def become(self, **changes: Any) -> None:
        """Changes the state as a whole and publishes it."""
        self.now = msgspec.structs.replace(self.now, **changes)
        self.changes.publish(self.now)

    def _note(self, what: str, where: str, values: Any, by: str) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.asked.append(Asked(what, where, values, by))

    # EngineServices

    def info(self) -> EngineInfo:
        return EngineInfo(name=self.now.name, version=self.now.version, instance_id=self.now.instance_id)

    async def state(self) -> State:
        return self.now

    async def stream_credentials(self) -> StreamCredentials:
        self.credentials_given += 1
        return StreamCredentials(username="relay user", password="p@ss/word")

    async def device_users_changed(self) -> None:
        self._note("device_users_changed", "", None, "")

    async def snapshot(self, channel: str, at: float | None) -> bytes:
        if not next(known for known in self.now.channels if known.id == channel).online:
            raise NotAvailableError(f"{channel} is offline")
        return SNAPSHOT

    async def tracks(self, channel: str) -> TrackUpdate | None:
        return None

    async def move(self, channel: str, request: MoveRequest, *, by: str) -> None:
        self._note("move", channel, request, by)

    async def stop(self, channel: str, *, by: str) -> None:
        self._note("stop", channel, None, by)

    async def go_home(self, channel: str, *, by: str) -> None:
        self._note("go_home", channel, None, by)

    async def presets(self, channel: str) -> list[PresetState]:
        return next(known for known in self.now.channels if known.id == channel).presets

    async def save_preset(self, channel: str, name: str, *, by: str) -> PresetState:
        self._note("save_preset", channel, name, by)
        return PresetState(id="9", name=name)

    async def remove_preset(self, channel: str, preset_id: str, *, by: str) -> None:
        self._note("remove_preset", channel, preset_id, by)

    async def goto_preset(self, channel: str, preset_id: str, speed: float, *, by: str) -> None:
        self._note("goto_preset", channel, (preset_id, speed), by)

    async def look_at(self, link: str, request: LookAtRequest, *, by: str) -> None:
        self._note("look_at", link, request, by)

    async def track(self, link: str, request: TrackRequest, *, by: str) -> str:
        self._note("track", link, request, by)
        return "t7"

    async def stop_tracking(self, link: str, *, by: str) -> None:
        self._note("stop_tracking", link, None, by)

    async def rules(self) -> list[RuleDescription]:
        return []

    async def add_rule(self, request: RuleRequest) -> RuleDescription:
        raise NotPossibleError("no rules are made here")

    async def change_rule(self, rule_id: str, request: RuleSettings) -> RuleDescription:
        raise NotPossibleError("no rules are changed here")

    async def remove_rule(self, rule_id: str) -> None:
        self._note("remove_rule", rule_id, None, "")

    async def reset_counter(self, rule_id: str) -> None:
        self._note("reset_counter", rule_id, None, "")
