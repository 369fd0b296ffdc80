"""Diagnostics for a bug report: what the engine told, without secrets and addresses."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

from homeassistant.components.diagnostics import async_redact_data
from homeassistant.const import CONF_HOST, CONF_TOKEN
from homeassistant.core import HomeAssistant

from .coordinator import SmartPtzConfigEntry

TO_REDACT: Final = {CONF_HOST, CONF_TOKEN, "relay_url"}


async def async_get_config_entry_diagnostics(hass: HomeAssistant, entry: SmartPtzConfigEntry) -> dict[str, Any]:
    """The entry, the connection and the engine's state."""
    coordinator = entry.runtime_data
    return {
        "entry": async_redact_data(dict(entry.data), TO_REDACT),
        "connected": coordinator.last_update_success,
        "tries": coordinator.tries,
        "connections": coordinator.connections,
        "last_error": type(coordinator.last_exception).__name__,
        "state": async_redact_data(asdict(coordinator.data), TO_REDACT),
    }
