"""Set-up, the connection that breaks and comes back, and what is left when the entry is removed."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest
from aiohttp import web
from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntryState
from homeassistant.const import CONF_TOKEN, STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from pytest_homeassistant_custom_component.common import MockConfigEntry
from running_engine import OPERATOR, RunningEngine, client_closes_websocket, until
from seam_services import yard

from custom_components.smart_ptz import coordinator as coordinator_module
from custom_components.smart_ptz.client import (
    ApiError,
    CannotConnectError,
    InvalidAuthError,
    NotActivatedError,
    SmartPtzClient,
    base_url,
)
from custom_components.smart_ptz.const import DOMAIN
from custom_components.smart_ptz.diagnostics import async_get_config_entry_diagnostics

pytestmark = pytest.mark.ledger("HA-1")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connects again at once, so that no test waits."""
    monkeypatch.setattr(coordinator_module, "RETRY_SHORTEST_S", 0.05)
    monkeypatch.setattr(coordinator_module, "RETRY_LONGEST_S", 0.1)


def logins_asked_for(hass: HomeAssistant) -> int:
    flows = hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    return sum(flow["context"]["source"] == SOURCE_REAUTH for flow in flows)


async def set_up_again(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    await hass.config_entries.async_unload(entry.entry_id)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()


async def test_set_up_and_unload(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    assert entry.state is ConfigEntryState.LOADED
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert entry.state is ConfigEntryState.NOT_LOADED
    assert hass.states.get("camera.yard").state == STATE_UNAVAILABLE


async def test_actions_exist_while_unloaded(hass: HomeAssistant, engine: RunningEngine, entry: MockConfigEntry) -> None:
    await hass.config_entries.async_unload(entry.entry_id)
    assert hass.services.has_service(DOMAIN, "move")


async def test_engine_is_away_at_set_up(hass: HomeAssistant, engine: RunningEngine, entry: MockConfigEntry) -> None:
    await hass.config_entries.async_unload(entry.entry_id)
    await engine.stop()
    await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY


async def test_token_is_refused_at_set_up(hass: HomeAssistant, engine: RunningEngine, entry: MockConfigEntry) -> None:
    await hass.config_entries.async_unload(entry.entry_id)
    await engine.revoke_tokens()
    await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_ERROR
    assert logins_asked_for(hass) == 1


async def test_engine_was_reset_to_factory_defaults(
    hass: HomeAssistant, fresh_engine: RunningEngine, caplog: pytest.LogCaptureFixture
) -> None:
    entry = MockConfigEntry(
        domain=DOMAIN,
        unique_id=fresh_engine.services.now.instance_id,
        data={"host": fresh_engine.host, "port": fresh_engine.port, "ssl": False, "verify_ssl": True, "token": "old"},
    )
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.reason == "The engine has no administrator yet. Activate it first"


async def test_another_engine_has_the_address_now(
    hass: HomeAssistant, engine: RunningEngine, entry: MockConfigEntry
) -> None:
    await hass.config_entries.async_unload(entry.entry_id)
    engine.services.become(instance_id="another", name="Other farm")
    await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_ERROR
    assert entry.reason == "Another engine (Other farm) answers at the configured address"


@client_closes_websocket
async def test_another_engine_takes_the_address_while_connected(
    hass: HomeAssistant, engine: RunningEngine, entry: MockConfigEntry
) -> None:
    await engine.stop()
    engine.services.become(instance_id="another", channels=[], links=[], rules=[])
    await engine.start()
    tries = entry.runtime_data.tries
    await until(hass, lambda: entry.runtime_data.tries >= tries + 2)
    # Nothing of ours is forgotten because a stranger does not have it.
    assert hass.states.get("camera.yard").state == STATE_UNAVAILABLE
    engine.services.now = yard()
    await engine.stop()
    await engine.start()
    await until(hass, lambda: hass.states.get("camera.yard").state == "streaming")


async def test_engine_goes_and_comes_back(
    hass: HomeAssistant, engine: RunningEngine, entry: MockConfigEntry, caplog: pytest.LogCaptureFixture
) -> None:
    def records(level: int) -> list[str]:
        ours = (record for record in caplog.records if record.name.startswith("custom_components.smart_ptz"))
        return [record.getMessage() for record in ours if record.levelno == level]

    await engine.stop()
    await until(hass, lambda: hass.states.get("camera.yard").state == STATE_UNAVAILABLE)
    assert hass.states.get("binary_sensor.yard_connectivity").state == STATE_UNAVAILABLE
    tries = entry.runtime_data.tries
    await until(hass, lambda: entry.runtime_data.tries >= tries + 3)
    assert len(records(logging.ERROR)) == 1

    # What changed meanwhile comes with the first message of the new connection.
    engine.services.replace("rules", "fence", active=True)
    await engine.start()
    await until(hass, lambda: hass.states.get("binary_sensor.yard_fence").state == "on")
    assert hass.states.get("camera.yard").state == "streaming"
    assert entry.runtime_data.connections == 2
    assert len(records(logging.ERROR)) == 1
    assert "Farm can be reached again" in records(logging.INFO)


async def test_token_is_revoked_while_connected(
    hass: HomeAssistant, engine: RunningEngine, entry: MockConfigEntry
) -> None:
    await engine.revoke_tokens()
    await engine.stop()
    await engine.start()
    await until(hass, lambda: logins_asked_for(hass) == 1)
    assert hass.states.get("camera.yard").state == STATE_UNAVAILABLE


async def test_action_with_a_revoked_token(hass: HomeAssistant, engine: RunningEngine, entry: MockConfigEntry) -> None:
    await engine.revoke_tokens()
    with pytest.raises(HomeAssistantError, match="does not accept Home Assistant's token"):
        await hass.services.async_call("button", "press", {"entity_id": "button.dome_stop"}, blocking=True)
    await hass.async_block_till_done()
    assert logins_asked_for(hass) == 1


async def test_removing_the_entry_ends_its_token(
    hass: HomeAssistant, engine: RunningEngine, entry: MockConfigEntry
) -> None:
    assert len(await engine.access.tokens_of(OPERATOR)) == 1
    await hass.config_entries.async_remove(entry.entry_id)
    assert not await engine.access.tokens_of(OPERATOR)


async def test_removing_the_entry_of_an_engine_that_is_away(
    hass: HomeAssistant, engine: RunningEngine, entry: MockConfigEntry, caplog: pytest.LogCaptureFixture
) -> None:
    await engine.stop()
    await hass.config_entries.async_remove(entry.entry_id)
    assert "revoke it there" in caplog.text
    await engine.start()


async def test_diagnostics_hold_no_secrets(hass: HomeAssistant, engine: RunningEngine, entry: MockConfigEntry) -> None:
    await entry.runtime_data.async_stream_credentials()
    found = json.dumps(await async_get_config_entry_diagnostics(hass, entry), default=list)
    assert '"connected": true' in found
    assert '"Gate"' in found
    for secret in (entry.data[CONF_TOKEN], engine.host, "relay user", "p@ss", "relay.example"):
        assert secret not in found


async def test_credentials_and_token_are_not_in_any_repr(
    hass: HomeAssistant, engine: RunningEngine, entry: MockConfigEntry
) -> None:
    assert "p@ss/word" not in repr(await entry.runtime_data.async_stream_credentials())
    assert entry.data[CONF_TOKEN] not in repr(entry.runtime_data.client)


# --- the client alone -----------------------------------------------------------------------------------------------

type Serve = Callable[[Callable[[web.Request], Awaitable[web.StreamResponse]]], Awaitable[SmartPtzClient]]


@pytest.fixture
async def serve(socket_enabled: None) -> AsyncIterator[Serve]:
    """Makes a client of a server that answers everything by one function."""
    runners: list[web.AppRunner] = []
    session = aiohttp.ClientSession()

    async def start(answer: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> SmartPtzClient:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", answer)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        runners.append(runner)
        return SmartPtzClient(session, base_url("127.0.0.1", runner.addresses[0][1], tls=False), "secret-token")

    yield start
    await session.close()
    for runner in runners:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (web.json_response({"error": {"code": "not_activated", "message": "m"}}, status=403), NotActivatedError),
        (web.json_response({"error": {"code": "wrong_credentials", "message": "m"}}, status=401), InvalidAuthError),
        (web.json_response({"error": {"code": "busy", "message": "m"}}, status=409), ApiError),
        (web.json_response({"error": "strange"}, status=500), ApiError),
        (web.Response(text="<html>a proxy</html>", status=502), ApiError),
        (web.Response(status=302, headers={"Location": "http://elsewhere.example/"}), ApiError),
        (web.json_response({"name": "incomplete"}), CannotConnectError),
        (web.json_response([1]), CannotConnectError),
        (web.Response(text="no JSON"), CannotConnectError),
        (web.Response(body=b"\xff\xfe\x00"), CannotConnectError),
    ],
)
async def test_answers_that_are_no_state(serve: Serve, answer: web.Response, error: type[Exception]) -> None:
    async def give(request: web.Request) -> web.StreamResponse:
        return answer

    client = await serve(give)
    with pytest.raises(error):
        await client.state()


@pytest.mark.parametrize(
    ("status", "error"), [(401, InvalidAuthError), (403, NotActivatedError), (404, CannotConnectError)]
)
async def test_websocket_that_is_refused(serve: Serve, status: int, error: type[Exception]) -> None:
    async def refuse(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status)

    client = await serve(refuse)
    with pytest.raises(error):
        await anext(client.listen())


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("no JSON", CannotConnectError),
        ("[1]", CannotConnectError),
        ('{"type": "channel", "channel": {}}', CannotConnectError),
        ('{"type": "event", "event": {"kind": "rule_triggered"}}', CannotConnectError),
    ],
)
@client_closes_websocket
async def test_messages_that_are_broken(serve: Serve, text: str, error: type[Exception]) -> None:
    async def talk(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str(text)
        await socket.receive()
        return socket

    client = await serve(talk)
    with pytest.raises(error):
        await anext(client.listen())


@pytest.mark.parametrize(
    ("code", "error"), [(4401, InvalidAuthError), (1013, CannotConnectError), (1001, CannotConnectError)]
)
async def test_what_is_unknown_is_skipped_and_the_closing_code_is_understood(
    serve: Serve, code: int, error: type[Exception]
) -> None:
    async def talk(request: web.Request) -> web.StreamResponse:
        assert request.headers["Authorization"] == "Bearer secret-token"
        assert "secret-token" not in str(request.url)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_bytes(b"binary")
        await socket.send_json({"type": "fireworks", "colour": "red"})
        await socket.send_json({"type": "event", "event": {"kind": "camera_online", "event_id": "1", "at": 1.0}})
        rule = yard().rules[0]
        await socket.send_json(
            {
                "type": "rule",
                "rule": {"id": rule.id, "name": rule.name, "kind": "intrusion", "channel": "overview", "active": True},
                "new_field": 1,
            }
        )
        await socket.close(code=code)
        return socket

    client = await serve(talk)
    heard = []
    with pytest.raises(error):
        async for message in client.listen():
            heard.append(message)  # noqa: PERF401 - a comprehension would lose what came before the error
    assert [message.id for message in heard] == ["fence"]
