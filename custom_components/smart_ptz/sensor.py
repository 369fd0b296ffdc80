"""Sensors: who moves a PTZ channel, where it looks, and how many pictures are analysed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, override

from homeassistant.components.sensor import SensorEntity, SensorEntityDescription, SensorStateClass
from homeassistant.const import DEGREE, EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import SmartPtzConfigEntry, SmartPtzCoordinator
from .entity import ChannelEntity, async_add_as_they_appear, channels
from .models import Channel

PARALLEL_UPDATES = 0

NOBODY: Final = "nobody"


@dataclass(frozen=True, kw_only=True)
class ChannelSensorDescription(SensorEntityDescription):
    """What a sensor reads from a channel."""

    read: Callable[[Channel], str | float | None]
    attributes: Callable[[Channel], dict[str, str | None]] | None = None
    supported: Callable[[Channel], bool] = lambda channel: channel.is_ptz


SENSORS = (
    ChannelSensorDescription(
        key="owner",
        translation_key="owner",
        read=lambda channel: channel.owner.owner if channel.owner else NOBODY,
        attributes=lambda channel: {"purpose": channel.owner.purpose if channel.owner else None},
    ),
    ChannelSensorDescription(
        key="pan",
        translation_key="pan",
        native_unit_of_measurement=DEGREE,
        state_class=SensorStateClass.MEASUREMENT_ANGLE,
        suggested_display_precision=1,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        read=lambda channel: channel.pose.pan_deg if channel.pose else None,
    ),
    ChannelSensorDescription(
        key="tilt",
        translation_key="tilt",
        native_unit_of_measurement=DEGREE,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=1,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        read=lambda channel: channel.pose.tilt_deg if channel.pose else None,
    ),
    ChannelSensorDescription(
        key="field_of_view",
        translation_key="field_of_view",
        native_unit_of_measurement=DEGREE,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=1,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        read=lambda channel: channel.pose.hfov_deg if channel.pose else None,
    ),
    ChannelSensorDescription(
        key="analysed_fps",
        translation_key="analysed_fps",
        native_unit_of_measurement="fps",
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=1,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        read=lambda channel: channel.analysed_fps,
        supported=lambda channel: True,
    ),
)


async def async_setup_entry(
    hass: HomeAssistant, entry: SmartPtzConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Makes the sensors."""
    coordinator = entry.runtime_data
    async_add_as_they_appear(
        entry,
        async_add_entities,
        channels,
        lambda channel: [
            ChannelSensor(coordinator, channel.id, description)
            for description in SENSORS
            if description.supported(channel)
        ],
    )


class ChannelSensor(ChannelEntity, SensorEntity):
    """A sensor of a channel."""

    entity_description: ChannelSensorDescription

    def __init__(
        self, coordinator: SmartPtzCoordinator, channel_id: str, description: ChannelSensorDescription
    ) -> None:
        """Makes the sensor of a channel."""
        super().__init__(coordinator, channel_id, description.key)
        self.entity_description = description

    @property
    @override
    def native_value(self) -> str | float | None:
        """What the engine told last."""
        return self.entity_description.read(self.part)

    @property
    @override
    def extra_state_attributes(self) -> dict[str, str | None] | None:
        """What belongs to the value."""
        attributes = self.entity_description.attributes
        return attributes(self.part) if attributes else None
