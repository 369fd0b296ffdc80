"""Tests of the Home Assistant integration run under Home Assistant's own strict rules."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from homeassistant.const import CONF_HOST, CONF_PORT, CONF_SSL, CONF_TOKEN, CONF_VERIFY_SSL
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.plugins import verify_cleanup
from running_engine import RunningEngine, until

from custom_components.smart_ptz.const import DOMAIN

__all__ = ["verify_cleanup"]


@pytest.fixture(autouse=True)
def find_custom_integrations(enable_custom_integrations: None) -> None:
    """Home Assistant looks for the integration in custom_components."""


@pytest.fixture
async def fresh_engine(tmp_path: Path, socket_enabled: None) -> AsyncIterator[RunningEngine]:
    """An engine that nobody has activated yet."""
    running = RunningEngine(tmp_path / "engine")
    await running.open()
    yield running
    await running.close()


@pytest.fixture
async def engine(fresh_engine: RunningEngine) -> RunningEngine:
    """An engine with users."""
    await fresh_engine.activate()
    return fresh_engine


@pytest.fixture
async def entry(hass: HomeAssistant, engine: RunningEngine) -> AsyncIterator[MockConfigEntry]:
    """The engine, set up in Home Assistant and followed."""
    made = MockConfigEntry(
        domain=DOMAIN,
        title="Farm",
        unique_id=engine.services.now.instance_id,
        data={
            CONF_HOST: engine.host,
            CONF_PORT: engine.port,
            CONF_SSL: False,
            CONF_VERIFY_SSL: True,
            CONF_TOKEN: await engine.token(),
        },
    )
    made.add_to_hass(hass)
    assert await hass.config_entries.async_setup(made.entry_id)
    await until(hass, lambda: made.runtime_data.connections > 0)
    yield made
    if hass.config_entries.async_get_entry(made.entry_id) is not None:
        await hass.config_entries.async_unload(made.entry_id)
    await hass.async_block_till_done()
