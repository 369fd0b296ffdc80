"""Numbers: the zoom of a PTZ channel."""

from __future__ import annotations

from typing import override

from homeassistant.components.number import NumberEntity, NumberMode
from homeassistant.const import PERCENTAGE
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import SmartPtzConfigEntry, SmartPtzCoordinator
from .entity import ChannelEntity, async_add_as_they_appear
from .models import Channel, EngineState

PARALLEL_UPDATES = 0


def _channels_with_zoom(state: EngineState) -> dict[str, Channel]:
    """The channels that can be sent to a zoom position and tell theirs."""
    return {
        channel_id: channel
        for channel_id, channel in state.channels.items()
        if {"absolute", "zoom"} <= channel.capabilities and channel.pose is not None and channel.pose.zoom is not None
    }


async def async_setup_entry(
    hass: HomeAssistant, entry: SmartPtzConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Makes the numbers."""
    coordinator = entry.runtime_data
    async_add_as_they_appear(
        entry, async_add_entities, _channels_with_zoom, lambda channel: [Zoom(coordinator, channel.id)]
    )


class Zoom(ChannelEntity, NumberEntity):
    """The zoom position, from 0 % (wide) to 100 %."""

    _attr_translation_key = "zoom"
    _attr_native_min_value = 0
    _attr_native_max_value = 100
    _attr_native_step = 1
    _attr_native_unit_of_measurement = PERCENTAGE
    _attr_mode = NumberMode.SLIDER

    def __init__(self, coordinator: SmartPtzCoordinator, channel_id: str) -> None:
        """Makes the zoom of a channel."""
        super().__init__(coordinator, channel_id, "zoom")

    @property
    @override
    def native_value(self) -> float | None:
        """The zoom position as the camera told it last."""
        pose = self.part.pose
        return None if pose is None or pose.zoom is None else round(pose.zoom * 100)

    @override
    async def async_set_native_value(self, value: float) -> None:
        """Zooms; pan and tilt stay."""
        with self.sending():
            await self.coordinator.client.move(self._part_id, "absolute", zoom=value / 100)
