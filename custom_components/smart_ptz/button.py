"""Buttons: to the home position, stop the motors, stop following."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import override

from homeassistant.components.button import ButtonEntity, ButtonEntityDescription
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .client import SmartPtzClient
from .coordinator import SmartPtzConfigEntry, SmartPtzCoordinator
from .entity import ChannelEntity, LinkEntity, async_add_as_they_appear, links, ptz_channels

# The engine's arbiter decides what happens when several press at once.
PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class PtzButtonDescription(ButtonEntityDescription):
    """A button of a PTZ channel: what it asks the engine for."""

    press: Callable[[SmartPtzClient, str], Awaitable[None]]


PTZ_BUTTONS = (
    PtzButtonDescription(key="home", translation_key="home", press=SmartPtzClient.home),
    PtzButtonDescription(key="stop", translation_key="stop", press=SmartPtzClient.stop),
)


async def async_setup_entry(
    hass: HomeAssistant, entry: SmartPtzConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Makes the buttons."""
    coordinator = entry.runtime_data
    async_add_as_they_appear(
        entry,
        async_add_entities,
        ptz_channels,
        lambda channel: [PtzButton(coordinator, channel.id, description) for description in PTZ_BUTTONS],
    )
    async_add_as_they_appear(entry, async_add_entities, links, lambda link: [StopTrackingButton(coordinator, link.id)])


class PtzButton(ChannelEntity, ButtonEntity):
    """A button of a PTZ channel."""

    entity_description: PtzButtonDescription

    def __init__(self, coordinator: SmartPtzCoordinator, channel_id: str, description: PtzButtonDescription) -> None:
        """Makes the button of a channel."""
        super().__init__(coordinator, channel_id, description.key)
        self.entity_description = description

    @override
    async def async_press(self) -> None:
        """Asks the engine."""
        with self.sending():
            await self.entity_description.press(self.coordinator.client, self._part_id)


class StopTrackingButton(LinkEntity, ButtonEntity):
    """Ends the pursuit of a link."""

    _attr_translation_key = "stop_tracking"

    def __init__(self, coordinator: SmartPtzCoordinator, link_id: str) -> None:
        """Makes the button of a link."""
        super().__init__(coordinator, link_id, "stop_tracking")

    @override
    async def async_press(self) -> None:
        """Asks the engine."""
        with self.asking_the_engine():
            await self.coordinator.client.stop_tracking(self._part_id)
