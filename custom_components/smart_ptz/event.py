"""Events: what a rule saw, and what a link captured."""

from __future__ import annotations

from typing import Final, override

from homeassistant.components.event import EventEntity
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .const import LASTING_KINDS, LOGGER
from .coordinator import SmartPtzConfigEntry, SmartPtzCoordinator
from .entity import LinkEntity, RuleEntity, async_add_as_they_appear, links, rules
from .models import CaptureTaken, EngineEvent, RuleTriggered

PARALLEL_UPDATES = 0

EVENT_TYPES: Final = {
    "intrusion": ["entered", "left"],
    "line_crossing": ["crossed_a_to_b", "crossed_b_to_a"],
    "loitering": ["loitering", "left"],
    "counting": ["crossed_a_to_b", "crossed_b_to_a"],
    "object_detection": ["detected", "gone"],
    "motion_region": ["started", "stopped"],
}
"""The event types of each kind of rule; the kinds are also the translation keys."""


async def async_setup_entry(
    hass: HomeAssistant, entry: SmartPtzConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Makes the event entities. A kind of rule that this version does not know gets none."""
    coordinator = entry.runtime_data
    async_add_as_they_appear(
        entry,
        async_add_entities,
        rules,
        lambda rule: [RuleEvent(coordinator, rule.id)] if rule.kind in EVENT_TYPES else [],
    )
    async_add_as_they_appear(entry, async_add_entities, links, lambda link: [CaptureEvent(coordinator, link.id)])


class RuleEvent(RuleEntity, EventEntity):
    """What a rule saw: somebody entered, left or loiters in a region, crossed a line, is there at all; or motion."""

    def __init__(self, coordinator: SmartPtzCoordinator, rule_id: str) -> None:
        """Makes the event entity of a rule."""
        super().__init__(coordinator, rule_id, "event")
        self._attr_translation_key = self.part.kind
        self._attr_event_types = EVENT_TYPES[self.part.kind]

    @override
    async def async_added_to_hass(self) -> None:
        """Listens to the engine's events."""
        await super().async_added_to_hass()
        self.async_on_remove(self.coordinator.async_listen_to_events(self._async_take_event))

    @callback
    def _async_take_event(self, event: EngineEvent) -> None:
        if not isinstance(event, RuleTriggered) or event.rule_id != self._part_id:
            return
        event_type = _type_of(event, self.part.kind)
        if event_type not in self.event_types:
            LOGGER.warning("The rule %s reports %s, which a %s cannot do", self._part_id, event_type, self.part.kind)
            return
        attributes: dict[str, str | int] = {"event_id": event.event_id}
        if event.target_type is not None:
            attributes |= {"target_type": event.target_type, "track_id": event.track_id}
        if event.count is not None:
            attributes["count"] = event.count
        self._trigger_event(event_type, attributes)
        self.async_write_ha_state()


def _type_of(event: RuleTriggered, kind: str) -> str:
    if event.direction is not None:
        return f"crossed_{event.direction}"
    # Of a condition that lasts, the first type is its beginning and the second its end.
    lasting = EVENT_TYPES[kind] if kind in LASTING_KINDS else EVENT_TYPES["intrusion"]
    return lasting[0] if event.active else lasting[1]


class CaptureEvent(LinkEntity, EventEntity):
    """A link took the picture of a target."""

    _attr_translation_key = "capture"
    _attr_event_types = ["captured"]

    def __init__(self, coordinator: SmartPtzCoordinator, link_id: str) -> None:
        """Makes the event entity of a link."""
        super().__init__(coordinator, link_id, "capture")

    @override
    async def async_added_to_hass(self) -> None:
        """Listens to the engine's events."""
        await super().async_added_to_hass()
        self.async_on_remove(self.coordinator.async_listen_to_events(self._async_take_event))

    @callback
    def _async_take_event(self, event: EngineEvent) -> None:
        if not isinstance(event, CaptureTaken) or event.link_id != self._part_id:
            return
        self._trigger_event(
            "captured",
            {
                "capture_id": event.capture_id,
                "target_type": event.target_type,
                "track_id": event.track_id,
                "rule": event.rule_id,
                "grade": event.grade,
                "event_id": event.event_id,
            },
        )
        self.async_write_ha_state()
