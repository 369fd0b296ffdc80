"""The config flow against a real engine API: set up, log in again, move to another address."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from homeassistant.config_entries import SOURCE_USER, ConfigFlowResult
from homeassistant.const import (
    CONF_HOST,
    CONF_PASSWORD,
    CONF_PORT,
    CONF_SSL,
    CONF_TOKEN,
    CONF_USERNAME,
    CONF_VERIFY_SSL,
)
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from pytest_homeassistant_custom_component.common import MockConfigEntry
from running_engine import OPERATOR, PASSWORD, VIEWER, RunningEngine, client_closes_websocket

from custom_components.smart_ptz.client import SmartPtzClient
from custom_components.smart_ptz.const import DOMAIN

pytestmark = pytest.mark.ledger("HA-1")


def answers(engine: RunningEngine, **changes: Any) -> dict[str, Any]:
    return {
        CONF_HOST: engine.host,
        CONF_PORT: engine.port,
        CONF_SSL: False,
        CONF_VERIFY_SSL: True,
        CONF_USERNAME: OPERATOR,
        CONF_PASSWORD: PASSWORD,
        **changes,
    }


async def fill_in(hass: HomeAssistant, values: dict[str, Any]) -> ConfigFlowResult:
    shown = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})
    assert shown["type"] is FlowResultType.FORM
    assert not shown["errors"]
    return await hass.config_entries.flow.async_configure(shown["flow_id"], values)


async def test_password_becomes_a_token_and_is_not_kept(hass: HomeAssistant, engine: RunningEngine) -> None:
    result = await fill_in(hass, answers(engine))
    await hass.async_block_till_done()

    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["title"] == "Farm"
    entry = result["result"]
    assert entry.unique_id == engine.services.now.instance_id
    assert entry.data.keys() == {CONF_HOST, CONF_PORT, CONF_SSL, CONF_VERIFY_SSL, CONF_TOKEN}
    assert PASSWORD not in str(dict(entry.data))
    # One token with a name that people recognise; the session of the login has ended.
    assert [token.name for token in await engine.access.tokens_of(OPERATOR)] == ["Home Assistant (test home)"]


async def test_wrong_password_is_told_and_can_be_corrected(hass: HomeAssistant, engine: RunningEngine) -> None:
    result = await fill_in(hass, answers(engine, password="wrong-Password-1"))
    assert result["type"] is FlowResultType.FORM
    assert result["errors"] == {"base": "invalid_auth"}

    result = await hass.config_entries.flow.async_configure(result["flow_id"], answers(engine))
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_who_may_only_look_is_told_so(hass: HomeAssistant, engine: RunningEngine) -> None:
    result = await fill_in(hass, answers(engine, username=VIEWER))
    assert result["errors"] == {"base": "not_permitted"}
    assert not await engine.access.tokens_of(VIEWER)


async def test_lockout_tells_the_reason(hass: HomeAssistant, engine: RunningEngine) -> None:
    for _ in range(10):
        result = await fill_in(hass, answers(engine, password="wrong-Password-1"))
        if result["errors"] != {"base": "invalid_auth"}:
            break
    assert result["errors"] == {"base": "refused"}
    placeholders = result["description_placeholders"]
    assert placeholders is not None
    assert placeholders["reason"]


async def test_nobody_answers(hass: HomeAssistant, engine: RunningEngine) -> None:
    await engine.stop()
    result = await fill_in(hass, answers(engine))
    assert result["errors"] == {"base": "cannot_connect"}

    await engine.start()
    result = await hass.config_entries.flow.async_configure(result["flow_id"], answers(engine))
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_engine_that_is_not_activated(hass: HomeAssistant, fresh_engine: RunningEngine) -> None:
    result = await fill_in(hass, answers(fresh_engine))
    assert result["errors"] == {"base": "not_activated"}


@pytest.fixture
async def stranger(socket_enabled: None) -> AsyncIterator[int]:
    """A web server that is no engine; its port."""

    async def answer(request: web.Request) -> web.Response:
        return web.json_response(["not", "an", "engine"])

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield runner.addresses[0][1]
    await runner.cleanup()


async def test_something_else_answers(hass: HomeAssistant, engine: RunningEngine, stranger: int) -> None:
    result = await fill_in(hass, answers(engine, port=stranger))
    assert result["errors"] == {"base": "cannot_connect"}


async def test_what_nobody_expected(
    hass: HomeAssistant, engine: RunningEngine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(self: SmartPtzClient) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(SmartPtzClient, "info", broken)
    result = await fill_in(hass, answers(engine))
    assert result["errors"] == {"base": "unknown"}
    assert "a bug" in caplog.text
    caplog.clear()


async def test_the_same_engine_again_brings_its_address_up_to_date(
    hass: HomeAssistant, engine: RunningEngine, entry: MockConfigEntry
) -> None:
    hass.config_entries.async_update_entry(entry, data={**entry.data, CONF_PORT: 1})
    result = await fill_in(hass, answers(engine))
    await hass.async_block_till_done()
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "already_configured"
    assert entry.data[CONF_PORT] == engine.port


async def test_login_again(hass: HomeAssistant, engine: RunningEngine, entry: MockConfigEntry) -> None:
    old = entry.data[CONF_TOKEN]
    shown = await entry.start_reauth_flow(hass)
    assert shown["step_id"] == "reauth_confirm"
    refused = await hass.config_entries.flow.async_configure(
        shown["flow_id"], {CONF_USERNAME: OPERATOR, CONF_PASSWORD: "wrong-Password-1"}
    )
    assert refused["errors"] == {"base": "invalid_auth"}
    result = await hass.config_entries.flow.async_configure(
        shown["flow_id"], {CONF_USERNAME: OPERATOR, CONF_PASSWORD: PASSWORD}
    )
    await hass.async_block_till_done()
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "reauth_successful"
    assert entry.data[CONF_TOKEN] != old


@client_closes_websocket
async def test_login_again_at_another_engine_is_refused(
    hass: HomeAssistant, engine: RunningEngine, entry: MockConfigEntry
) -> None:
    old = entry.data[CONF_TOKEN]
    engine.services.become(instance_id="another")
    shown = await entry.start_reauth_flow(hass)
    result = await hass.config_entries.flow.async_configure(
        shown["flow_id"], {CONF_USERNAME: OPERATOR, CONF_PASSWORD: PASSWORD}
    )
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "another_engine"
    assert entry.data[CONF_TOKEN] == old


def address(engine: RunningEngine, **changes: Any) -> dict[str, Any]:
    return {CONF_HOST: engine.host, CONF_PORT: engine.port, CONF_SSL: False, CONF_VERIFY_SSL: True, **changes}


async def test_the_engine_moved(hass: HomeAssistant, engine: RunningEngine, entry: MockConfigEntry) -> None:
    old = entry.data[CONF_TOKEN]
    shown = await entry.start_reconfigure_flow(hass)
    assert shown["step_id"] == "reconfigure"
    nobody = await hass.config_entries.flow.async_configure(shown["flow_id"], address(engine, port=1))
    assert nobody["errors"] == {"base": "cannot_connect"}
    old_port = engine.port
    await engine.stop()
    await engine.start(port=0)
    assert engine.port != old_port
    result = await hass.config_entries.flow.async_configure(shown["flow_id"], address(engine))
    await hass.async_block_till_done()
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "reconfigure_successful"
    assert entry.data[CONF_PORT] == engine.port
    assert entry.data[CONF_TOKEN] == old


@client_closes_websocket
async def test_another_engine_at_the_new_address_is_refused(
    hass: HomeAssistant, engine: RunningEngine, entry: MockConfigEntry
) -> None:
    engine.services.become(instance_id="another")
    shown = await entry.start_reconfigure_flow(hass)
    result = await hass.config_entries.flow.async_configure(shown["flow_id"], address(engine))
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "another_engine"
