"""Selects: the presets of a PTZ channel."""

from __future__ import annotations

from collections import Counter
from typing import override

from homeassistant.components.select import SelectEntity
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import SmartPtzConfigEntry, SmartPtzCoordinator
from .entity import ChannelEntity, async_add_as_they_appear, ptz_channels
from .models import Channel

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant, entry: SmartPtzConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Makes the selects."""
    coordinator = entry.runtime_data
    async_add_as_they_appear(
        entry, async_add_entities, ptz_channels, lambda channel: [PresetSelect(coordinator, channel.id)]
    )


class PresetSelect(ChannelEntity, SelectEntity):
    """Sends a PTZ channel to one of its presets, whose list follows the engine's."""

    _attr_translation_key = "preset"

    def __init__(self, coordinator: SmartPtzCoordinator, channel_id: str) -> None:
        """Makes the select of a channel."""
        super().__init__(coordinator, channel_id, "preset")
        self._ids: dict[str, str] = {}
        self._show(self.part)

    @override
    async def async_select_option(self, option: str) -> None:
        """Asks the engine; Home Assistant has checked that the option exists."""
        preset_id = self._ids[option]
        with self.sending(preset_id):
            await self.coordinator.client.goto_preset(self._part_id, preset_id)

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        if (channel := self._find(self.coordinator.data)) is not None:
            self._show(channel)
        self.async_write_ha_state()

    def _show(self, channel: Channel) -> None:
        # Cameras allow several presets of one name: these bear their ids, so that each can be chosen.
        names = Counter(preset.name for preset in channel.presets)
        self._ids = {
            preset.name if names[preset.name] == 1 else f"{preset.name} ({preset.id})": preset.id
            for preset in channel.presets
        }
        self._attr_options = list(self._ids)
        chosen = self.coordinator.async_preset_of(channel.id)
        self._attr_current_option = next((name for name, preset_id in self._ids.items() if preset_id == chosen), None)
