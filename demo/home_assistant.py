"""A real Home Assistant with a configuration folder of its own, set up the way a person would, over HTTP."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import aiohttp
from homeassistant.components.http.config import HTTP_STORAGE_SCHEMA

from demo.processes import Child, python
from demo.secrets_file import SecretsFile

READY_TIMEOUT_S = 120.0
CONFIGURATION = """\
homeassistant:
  name: Smart PTZ demo
  latitude: 0
  longitude: 0
  elevation: 0
  unit_system: metric
  time_zone: UTC
  # Not asking for it in a badge.
  country: GB
frontend:
config:
history:
logbook:
stream:
webhook:
logger:
  default: warning
"""


class HomeAssistantError(Exception):
    """Home Assistant answered with something unexpected."""


@dataclass(frozen=True, slots=True)
class StateChange:
    """An entity's new state, and when the news arrived here (Unix seconds)."""

    entity_id: str
    state: str
    attributes: dict[str, Any]
    at: float


USERNAME = "demo"


class HomeAssistant:
    """Starts `hass`, makes its first user, adds the integration by its config flow, and listens."""

    def __init__(self, folder: Path, port: int, repository: Path, secrets: SecretsFile) -> None:
        self.folder = folder
        self.url = f"http://127.0.0.1:{port}"
        self._port = port
        self._repository = repository
        self._secrets = secrets
        self.password = secrets.get("home assistant")
        self._token = secrets.find("home assistant token")
        self.child = Child(
            "Home Assistant",
            python("homeassistant", "-c", str(folder), "--skip-pip", "--ignore-os-check"),
            folder / "console.log",
            {"PYTHONUNBUFFERED": "1"},
        )
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._write_configuration()
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60))
        await self.child.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()
        await self.child.stop()

    # --- start ------------------------------------------------------------------------------------------------

    def _write_configuration(self) -> None:
        (self.folder / ".storage").mkdir(parents=True, exist_ok=True)
        (self.folder / "configuration.yaml").write_text(CONFIGURATION)
        components = self.folder / "custom_components"
        components.mkdir(exist_ok=True)
        link = components / "smart_ptz"
        if not link.is_symlink():
            link.symlink_to(self._repository / "custom_components" / "smart_ptz", target_is_directory=True)
        # HTTP settings in YAML would start a trial that a person has to confirm in a dialog.
        stored = {
            "version": 2,
            "minor_version": 2,
            "key": "http",
            "data": {
                "stable": HTTP_STORAGE_SCHEMA({"server_host": ["127.0.0.1"], "server_port": self._port}),
                "pending": None,
                "yaml_migration_done": True,
            },
        }
        (self.folder / ".storage" / "http").write_text(json.dumps(stored))

    async def wait_ready(self) -> None:
        """Waits until it runs, and makes the first user if there is none."""
        if self._token is None:
            await self._wait_for("/api/onboarding", lambda _: True, authorised=False)
            await self._onboard()
        # Once somebody is known, the page for first users is gone.
        await self._wait_for("/api/config", lambda config: config["state"] == "RUNNING", authorised=True)

    async def _wait_for(self, path: str, fits: Callable[[Any], bool], *, authorised: bool) -> None:
        end = time.monotonic() + READY_TIMEOUT_S
        failure: Exception | None = None
        while time.monotonic() < end:
            self.child.check()
            try:
                if fits(await self._call("GET", path, authorised=authorised)):
                    return
            except (aiohttp.ClientError, HomeAssistantError) as error:
                failure = error
            await asyncio.sleep(0.25)
        raise HomeAssistantError(f"not ready within {READY_TIMEOUT_S:.0f} s: {failure}") from failure

    async def _onboard(self) -> None:
        client = f"{self.url}/"
        user = {
            "client_id": client,
            "name": "Demo",
            "username": USERNAME,
            "password": self.password,
            "language": "en",
        }
        code = (await self._call("POST", "/api/onboarding/users", user, authorised=False))["auth_code"]
        async with self._http.post(
            f"{self.url}/auth/token", data={"grant_type": "authorization_code", "code": code, "client_id": client}
        ) as response:
            self._token = (await response.json())["access_token"]
        await self._call("POST", "/api/onboarding/core_config", {})
        await self._call("POST", "/api/onboarding/analytics", {})
        await self._call("POST", "/api/onboarding/integration", {"client_id": client, "redirect_uri": client})
        token: str = await self.ask(
            {"type": "auth/long_lived_access_token", "client_name": "Smart PTZ demo", "lifespan": 365}
        )
        self._token = token
        self._secrets.set("home assistant token", token)

    def browser_login(self) -> dict[str, Any]:
        """What the frontend keeps in `localStorage.hassTokens` of a browser that is logged in."""
        year_s = 365 * 86_400
        return {
            "access_token": self._token,
            "token_type": "Bearer",
            "refresh_token": "",
            "expires_in": year_s,
            "expires": (time.time() + year_s) * 1000,
            "hassUrl": self.url,
            "clientId": f"{self.url}/",
        }

    # --- the integration --------------------------------------------------------------------------------------

    async def add_integration(self, answers: dict[str, Any], domain: str = "smart_ptz") -> None:
        """Adds an integration by its config flow, answering its forms; does nothing when it is there already."""
        entries = await self._call("GET", f"/api/config/config_entries/entry?domain={domain}")
        if entries:
            return
        step = await self._call(
            "POST", "/api/config/config_entries/flow", {"handler": domain, "show_advanced_options": False}
        )
        while step["type"] == "form":
            wanted = {one["name"] for one in step["data_schema"]}
            given = {name: value for name, value in answers.items() if name in wanted}
            step = await self._call("POST", f"/api/config/config_entries/flow/{step['flow_id']}", given)
            if step.get("errors"):
                raise HomeAssistantError(f"the config flow refused the answers: {step['errors']}")
        if step["type"] != "create_entry":
            raise HomeAssistantError(f"the config flow ended with {step['type']}: {step.get('reason')}")

    async def entities(self, domain: str = "smart_ptz") -> list[dict[str, Any]]:
        """The registry entries of an integration's entities."""
        entries: list[dict[str, Any]] = await self.ask({"type": "config/entity_registry/list"})
        return [entry for entry in entries if entry["platform"] == domain and entry["disabled_by"] is None]

    async def wait_for_entities(self) -> None:
        """Waits until the integration has made its camera entities."""
        end = time.monotonic() + READY_TIMEOUT_S
        while not any(entity["entity_id"].startswith("camera.") for entity in await self.entities()):
            if time.monotonic() > end:
                raise HomeAssistantError("the integration made no camera entities")
            await asyncio.sleep(0.25)

    async def track(self, x: float, y: float) -> None:
        """Follows the target at a point of the overview picture, by the integration's action."""
        overview = next(
            entity["entity_id"]
            for entity in await self.entities()
            if entity["entity_id"].startswith("camera.") and "yard" in entity["entity_id"]
        )
        await self.call_service("smart_ptz", "track", {"entity_id": overview, "x": x, "y": y})

    async def state(self, entity_id: str) -> dict[str, Any]:
        """An entity's present state with its attributes."""
        answer: dict[str, Any] = await self._call("GET", f"/api/states/{entity_id}")
        return answer

    async def picture(self, path: str) -> bytes:
        """The bytes behind an entity's `entity_picture`."""
        async with self._http.get(f"{self.url}{path}", headers=self._headers) as response:
            response.raise_for_status()
            return await response.read()

    async def call_service(self, domain: str, service: str, data: dict[str, Any]) -> None:
        """Runs an action."""
        await self._call("POST", f"/api/services/{domain}/{service}", data)

    async def save_dashboard(self, config: dict[str, Any]) -> None:
        """Writes a dashboard of our own at /smart-ptz, and makes it the first page."""
        boards = await self.ask({"type": "lovelace/dashboards/list"})
        if not any(board["url_path"] == "smart-ptz" for board in boards):
            board = {"url_path": "smart-ptz", "title": "Smart PTZ", "icon": "mdi:cctv", "mode": "storage"}
            await self.ask(
                {"type": "lovelace/dashboards/create", **board, "require_admin": False, "show_in_sidebar": True}
            )
        await self.ask({"type": "lovelace/config/save", "url_path": "smart-ptz", "config": config})

    # --- wire -------------------------------------------------------------------------------------------------

    @property
    def _http(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise HomeAssistantError("not started")
        return self._session

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"}

    async def _call(self, method: str, path: str, body: Any = None, *, authorised: bool = True) -> Any:
        headers = self._headers if authorised else {}
        async with self._http.request(method, f"{self.url}{path}", json=body, headers=headers) as response:
            text = await response.text()
            if response.status >= 400:
                raise HomeAssistantError(f"{method} {path}: {response.status} {text[:300]}")
            return json.loads(text) if text else None

    async def _connect(self) -> aiohttp.ClientWebSocketResponse:
        socket = await self._http.ws_connect(f"{self.url}/api/websocket", max_msg_size=0)
        await socket.receive_json()
        await socket.send_json({"type": "auth", "access_token": self._token})
        answer = await socket.receive_json()
        if answer["type"] != "auth_ok":
            raise HomeAssistantError(f"the WebSocket refused the token: {answer}")
        return socket

    async def ask(self, message: dict[str, Any]) -> Any:
        """One command over the WebSocket; returns its result."""
        socket = await self._connect()
        try:
            await socket.send_json({"id": 1, **message})
            answer = await socket.receive_json()
        finally:
            await socket.close()
        if not answer.get("success"):
            raise HomeAssistantError(f"{message['type']}: {answer.get('error')}")
        return answer["result"]

    async def state_changes(self) -> AsyncIterator[StateChange]:
        """Every change of state from now on, until the connection ends."""
        socket = await self._connect()
        try:
            await socket.send_json({"id": 1, "type": "subscribe_events", "event_type": "state_changed"})
            async for message in socket:
                if message.type is not aiohttp.WSMsgType.TEXT:
                    return
                body = json.loads(message.data)
                if body.get("type") != "event":
                    continue
                data = body["event"]["data"]
                new = data["new_state"]
                if new is not None:
                    yield StateChange(data["entity_id"], new["state"], new["attributes"], time.time())
        finally:
            await socket.close()
