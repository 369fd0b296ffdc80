"""Smart PTZ for Home Assistant: the cameras, links and rules of one Smart PTZ engine."""

from __future__ import annotations

from homeassistant.const import CONF_HOST, CONF_PORT, CONF_SSL, CONF_TOKEN, CONF_VERIFY_SSL, Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.typing import ConfigType

from .client import SmartPtzClient, SmartPtzError, base_url
from .const import DOMAIN, LOGGER
from .coordinator import SmartPtzConfigEntry, SmartPtzCoordinator
from .registry import async_keep_in_step
from .services import async_setup_services

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)

PLATFORMS = [
    Platform.BINARY_SENSOR,
    Platform.BUTTON,
    Platform.CAMERA,
    Platform.EVENT,
    Platform.IMAGE,
    Platform.NUMBER,
    Platform.SELECT,
    Platform.SENSOR,
]


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Registers the actions, which exist whether or not an engine can be reached."""
    async_setup_services(hass)
    return True


async def async_setup_entry(hass: HomeAssistant, entry: SmartPtzConfigEntry) -> bool:
    """Reads the engine's state once, makes the entities, and then follows the engine's WebSocket."""
    coordinator = SmartPtzCoordinator(hass, entry, _client(hass, entry))
    await coordinator.async_config_entry_first_refresh()
    entry.runtime_data = coordinator
    async_keep_in_step(hass, entry)

    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    entry.async_create_background_task(hass, coordinator.async_follow(), f"{DOMAIN} {entry.title}")
    return True


async def async_unload_entry(hass: HomeAssistant, entry: SmartPtzConfigEntry) -> bool:
    """Removes the entities; Home Assistant ends the background task by itself."""
    return await hass.config_entries.async_unload_platforms(entry, PLATFORMS)


async def async_remove_entry(hass: HomeAssistant, entry: SmartPtzConfigEntry) -> None:
    """Ends the token in the engine, so that nothing of this entry is left there."""
    try:
        await _client(hass, entry).log_out()
    except SmartPtzError as error:
        LOGGER.warning("The token of %s could not be ended in the engine, revoke it there: %s", entry.title, error)


def _client(hass: HomeAssistant, entry: SmartPtzConfigEntry) -> SmartPtzClient:
    return SmartPtzClient(
        async_get_clientsession(hass, verify_ssl=entry.data[CONF_VERIFY_SSL]),
        base_url(entry.data[CONF_HOST], entry.data[CONF_PORT], tls=entry.data[CONF_SSL]),
        entry.data[CONF_TOKEN],
    )
