"""A running API over a real store, and a small engine behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
from argon2 import PasswordHasher

from engine.access import Access, Role
from engine.api import ApiServer, ApiSettings, create_app
from engine.api.hub import HubSettings
from engine.api.messages.access import StreamCredentials
from engine.api.messages.links import LookAtRequest, TrackRequest
from engine.api.messages.motors import MoveRequest
from engine.api.messages.rules import RuleDescription, RuleRequest, RuleSettings
from engine.api.messages.state import ChannelState, LinkState, PresetState, State
from engine.api.services import Change, EngineInfo, ExistsError, NotAvailableError, NotFoundError, NotPossibleError
from engine.core.bus import Bus
from engine.core.clock import VirtualClock
from engine.core.events import Event, RuleKind
from engine.core.values import TrackUpdate
from engine.store import Store

PASSWORD = "Correct-h0rse"


class SmallEngine:
    """One overview `yard`, one PTZ `dome`, one link `yard-dome`; remembers what it was asked."""

    def __init__(self) -> None:
        self.changes: Bus[Change] = Bus()
        self.track_updates: Bus[TrackUpdate] = Bus()
        self.asked: list[tuple[object, ...]] = []
        self.kept: dict[str, PresetState] = {}
        self.made: dict[str, RuleDescription] = {}
        self.newest: TrackUpdate | None = None
        self.padding = ""
        self.told_relay = 0

    def info(self) -> EngineInfo:
        return EngineInfo(name="Yard", version="1.2.3", instance_id="i1")

    async def state(self) -> State:
        return State(
            instance_id="i1",
            name="Yard" + self.padding,
            version="1.2.3",
            channels=[
                ChannelState(id="yard", name="Yard", camera_id="cam1", role="overview", online=True),
                ChannelState(
                    id="dome",
                    name="Dome",
                    camera_id="cam2",
                    role="ptz",
                    online=True,
                    presets=list(self.kept.values()),
                    relay_url="rtsp://192.0.2.1:8554/dome",
                ),
            ],
            links=[LinkState(id="yard-dome", name="Yard to dome", overview="yard", ptz="dome")],
        )

    async def stream_credentials(self) -> StreamCredentials:
        return StreamCredentials(username="stream", password="relay-secret")

    async def device_users_changed(self) -> None:
        self.told_relay += 1

    async def snapshot(self, channel: str, at: float | None) -> bytes:
        self._require(channel, {"yard", "dome"})
        if at is not None and at < 100:
            raise NotAvailableError(f"there is no picture of {at}")
        return b"\xff\xd8jpeg"

    async def tracks(self, channel: str) -> TrackUpdate | None:
        self._require(channel, {"yard", "dome"})
        return self.newest

    async def move(self, channel: str, request: MoveRequest, *, by: str) -> None:
        self._require_motors(channel)
        self.asked.append(("move", channel, request, by))

    async def stop(self, channel: str, *, by: str) -> None:
        self._require_motors(channel)
        self.asked.append(("stop", channel, by))

    async def go_home(self, channel: str, *, by: str) -> None:
        self._require_motors(channel)
        self.asked.append(("home", channel, by))

    async def presets(self, channel: str) -> list[PresetState]:
        self._require(channel, {"yard", "dome"})
        return list(self.kept.values())

    async def save_preset(self, channel: str, name: str, *, by: str) -> PresetState:
        self._require_motors(channel)
        preset = PresetState(id=f"p{len(self.kept)}", name=name)
        self.kept[preset.id] = preset
        return preset

    async def remove_preset(self, channel: str, preset_id: str, *, by: str) -> None:
        self._require(preset_id, set(self.kept))
        del self.kept[preset_id]

    async def goto_preset(self, channel: str, preset_id: str, speed: float, *, by: str) -> None:
        self._require_motors(channel)
        self._require(preset_id, set(self.kept))
        self.asked.append(("goto", channel, preset_id, speed, by))

    async def look_at(self, link: str, request: LookAtRequest, *, by: str) -> None:
        self._require(link, {"yard-dome"})
        self.asked.append(("look_at", link, request, by))

    async def track(self, link: str, request: TrackRequest, *, by: str) -> str:
        self._require(link, {"yard-dome"})
        if request.track_id == "explode":
            raise RuntimeError("a fault with secret details")
        return request.track_id or "t1"

    async def stop_tracking(self, link: str, *, by: str) -> None:
        self._require(link, {"yard-dome"})

    async def rules(self) -> list[RuleDescription]:
        return list(self.made.values())

    async def add_rule(self, request: RuleRequest) -> RuleDescription:
        rule_id = request.id or "rule"
        if rule_id in self.made:
            raise ExistsError(f"there is a rule '{rule_id}' already")
        return self._keep(rule_id, request.kind, request.channel, request)

    async def change_rule(self, rule_id: str, request: RuleSettings) -> RuleDescription:
        self._require(rule_id, set(self.made))
        return self._keep(rule_id, self.made[rule_id].kind, self.made[rule_id].channel, request)

    async def remove_rule(self, rule_id: str) -> None:
        self._require(rule_id, set(self.made))
        del self.made[rule_id]

    async def reset_counter(self, rule_id: str) -> None:
        self._require(rule_id, set(self.made))
        self.asked.append(("reset", rule_id))

    def _keep(self, rule_id: str, kind: RuleKind, channel: str, settings: RuleSettings) -> RuleDescription:
        values = {name: getattr(settings, name) for name in RuleSettings.__struct_fields__}
        self.made[rule_id] = RuleDescription(
            **{**values, "id": rule_id, "kind": kind, "channel": channel, "name": settings.name or rule_id}
        )
        return self.made[rule_id]

    def _require_motors(self, channel: str) -> None:
        self._require(channel, {"yard", "dome"})
        if channel == "yard":
            raise NotPossibleError("yard has no motors")

    @staticmethod
    def _require(name: str, known: set[str]) -> None:
        if name not in known:
            raise NotFoundError(f"there is no {name!r}")


@dataclass
class Api:
    """The API as a client sees it, and the parts behind it."""

    engine: SmallEngine
    access: Access
    store: Store
    events: Bus[Event]
    clock: VirtualClock
    server: ApiServer
    http: aiohttp.ClientSession
    tokens: dict[Role, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.port}/api/v1"

    def headers(self, role: Role | None) -> dict[str, str]:
        return {} if role is None else {"Authorization": f"Bearer {self.tokens[role]}"}

    async def call(
        self, method: str, path: str, body: object = None, role: Role | None = Role.ADMINISTRATOR, **options: object
    ) -> tuple[int, dict[str, object]]:
        """Status and JSON."""
        headers = self.headers(role) if self.tokens else {}
        async with self.http.request(
            method,
            self.address + path,
            json=body,
            headers=headers,
            **options,  # type: ignore[arg-type]
        ) as answer:
            return answer.status, await answer.json() if answer.content_type == "application/json" else {}

    async def activate(self) -> None:
        """Makes one user of each level."""
        self.tokens[Role.ADMINISTRATOR] = (await self.access.activate("ada", PASSWORD, "192.0.2.1")).token
        for role in (Role.OPERATOR, Role.USER):
            await self.access.add_user(role.value + "1", "Other-h0rse", role, by="ada")
            self.tokens[role] = (await self.access.login(role.value + "1", "Other-h0rse", "192.0.2.1")).token


@pytest.fixture
async def new_api(tmp_path: Path, socket_enabled: None) -> AsyncIterator[Api]:
    """An engine that nobody has activated."""
    clock, events, engine = VirtualClock(), Bus[Event](), SmallEngine()
    async with Store(tmp_path) as store, aiohttp.ClientSession() as http:
        access = Access(store, clock, hasher=PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        await access.open()
        hub = HubSettings(most_clients=5, queue_limit=50, first_message_s=0.5, recheck_s=0.1)
        server = ApiServer(create_app(engine, access, store, events, ApiSettings(hub=hub)))
        await server.start("127.0.0.1", 0)
        try:
            yield Api(engine, access, store, events, clock, server, http)
        finally:
            await server.stop()


@pytest.fixture
async def api(new_api: Api) -> Api:
    """An activated engine."""
    await new_api.activate()
    return new_api
