"""Keeps Home Assistant's registries in step with what the engine has."""

from __future__ import annotations

from typing import Final, Literal

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er

from .const import DOMAIN
from .coordinator import SmartPtzConfigEntry
from .models import EngineState

type PartKind = Literal["channel", "link", "rule"]

RULE_KEYS: Final = ("event", "active")
"""What the entities of one rule are called in their unique ids."""


def unique_id(instance_id: str, kind: PartKind, part_id: str, key: str | None = None) -> str:
    """Identifies the device, or with `key` an entity, of a part. Part ids are unique within one engine only."""
    return "_".join(filter(None, (instance_id, kind, part_id, key)))


@callback
def async_keep_in_step(hass: HomeAssistant, entry: SmartPtzConfigEntry) -> None:
    """Registers the devices, now and whenever they change, and removes what the engine no longer has."""
    coordinator = entry.runtime_data
    known: object = None

    @callback
    def follow() -> None:
        nonlocal known
        state = coordinator.data
        now = (
            state.name,
            state.version,
            state.cameras,
            [(channel.id, channel.name, channel.camera_id) for channel in state.channels.values()],
            [(link.id, link.name) for link in state.links.values()],
            list(state.rules),
        )
        if now != known:
            known = now
            _async_register_devices(hass, entry, state)
            _async_remove_stale(hass, entry, state)

    follow()
    entry.async_on_unload(coordinator.async_add_listener(follow))


@callback
def _async_register_devices(hass: HomeAssistant, entry: SmartPtzConfigEntry, state: EngineState) -> None:
    devices = dr.async_get(hass)
    hub = devices.async_get_or_create(
        config_entry_id=entry.entry_id,
        identifiers={(DOMAIN, state.instance_id)},
        name=state.name,
        manufacturer="Smart PTZ",
        model="Smart PTZ engine",
        sw_version=state.version,
        entry_type=dr.DeviceEntryType.SERVICE,
    )
    for channel in state.channels.values():
        camera = state.cameras.get(channel.camera_id)
        devices.async_get_or_create(
            config_entry_id=entry.entry_id,
            identifiers={(DOMAIN, unique_id(state.instance_id, "channel", channel.id))},
            name=channel.name,
            manufacturer=camera.manufacturer if camera else None,
            model=camera.model if camera else None,
            sw_version=camera.firmware if camera else None,
            via_device_id=hub.id,
        )
    for link in state.links.values():
        devices.async_get_or_create(
            config_entry_id=entry.entry_id,
            identifiers={(DOMAIN, unique_id(state.instance_id, "link", link.id))},
            name=link.name,
            model="Link",
            entry_type=dr.DeviceEntryType.SERVICE,
            via_device_id=hub.id,
        )


@callback
def _async_remove_stale(hass: HomeAssistant, entry: SmartPtzConfigEntry, state: EngineState) -> None:
    present = {(DOMAIN, state.instance_id)}
    present |= {(DOMAIN, unique_id(state.instance_id, "channel", channel_id)) for channel_id in state.channels}
    present |= {(DOMAIN, unique_id(state.instance_id, "link", link_id)) for link_id in state.links}
    devices = dr.async_get(hass)
    for device in dr.async_entries_for_config_entry(devices, entry.entry_id):
        if not device.identifiers & present:
            devices.async_remove_device(device.id)

    # Rules live on their channel's device, so their entities go one by one.
    rules = {unique_id(state.instance_id, "rule", rule_id, key) for rule_id in state.rules for key in RULE_KEYS}
    entities = er.async_get(hass)
    for entity in er.async_entries_for_config_entry(entities, entry.entry_id):
        if entity.unique_id.startswith(f"{state.instance_id}_rule_") and entity.unique_id not in rules:
            entities.async_remove(entity.entity_id)
