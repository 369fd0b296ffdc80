"""Binary sensors: is a channel online, is a target followed, does a rule's condition hold."""

from __future__ import annotations

from typing import override

from homeassistant.components.binary_sensor import BinarySensorEntity
from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .const import LASTING_KINDS
from .coordinator import SmartPtzConfigEntry, SmartPtzCoordinator
from .entity import ChannelEntity, LinkEntity, RuleEntity, async_add_as_they_appear, channels, links, rules
from .models import Channel, Rule

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant, entry: SmartPtzConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Makes the binary sensors."""
    coordinator = entry.runtime_data

    def make_of_rule(rule: Rule) -> list[RuleActive]:
        # A line is crossed in a moment: only conditions that last have a state.
        return [RuleActive(coordinator, rule.id)] if rule.kind in LASTING_KINDS else []

    async_add_as_they_appear(entry, async_add_entities, channels, lambda part: [ChannelOnline(coordinator, part.id)])
    async_add_as_they_appear(entry, async_add_entities, links, lambda part: [LinkTracking(coordinator, part.id)])
    async_add_as_they_appear(entry, async_add_entities, rules, make_of_rule)


class ChannelOnline(ChannelEntity, BinarySensorEntity):
    """Whether the channel's video arrives."""

    _attr_device_class = BinarySensorDeviceClass.CONNECTIVITY
    _attr_entity_category = EntityCategory.DIAGNOSTIC

    def __init__(self, coordinator: SmartPtzCoordinator, channel_id: str) -> None:
        """Makes the sensor of a channel."""
        super().__init__(coordinator, channel_id, "online")

    @override
    def _is_usable(self, part: Channel) -> bool:
        return True

    @property
    @override
    def is_on(self) -> bool:
        """Whether the channel is online."""
        return self.part.online


class LinkTracking(LinkEntity, BinarySensorEntity):
    """Whether the link's PTZ channel follows a target."""

    _attr_translation_key = "tracking"
    _attr_device_class = BinarySensorDeviceClass.RUNNING

    def __init__(self, coordinator: SmartPtzCoordinator, link_id: str) -> None:
        """Makes the sensor of a link."""
        super().__init__(coordinator, link_id, "tracking")

    @property
    @override
    def is_on(self) -> bool:
        """Whether a target is followed."""
        return self.part.tracking is not None

    @property
    @override
    def extra_state_attributes(self) -> dict[str, str | None]:
        """Whom the link follows, and why."""
        tracking = self.part.tracking
        return {
            "target_type": tracking.target_type if tracking else None,
            "reason": tracking.reason if tracking else None,
            "track_id": tracking.track_id if tracking else None,
        }


class RuleActive(RuleEntity, BinarySensorEntity):
    """Whether the rule's condition holds for at least one target."""

    _attr_translation_key = "rule"
    _attr_device_class = BinarySensorDeviceClass.OCCUPANCY

    def __init__(self, coordinator: SmartPtzCoordinator, rule_id: str) -> None:
        """Makes the sensor of a rule."""
        super().__init__(coordinator, rule_id, "active")

    @property
    @override
    def is_on(self) -> bool:
        """Whether the rule is active."""
        return self.part.active
