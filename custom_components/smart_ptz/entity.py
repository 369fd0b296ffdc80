"""What the entities of all platforms share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from typing import override

from homeassistant.core import callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.update_coordinator import CoordinatorEntity

from .client import ApiError, InvalidAuthError, SmartPtzError
from .const import DOMAIN
from .coordinator import SmartPtzConfigEntry, SmartPtzCoordinator
from .models import Channel, EngineState, Link, Rule
from .registry import PartKind, unique_id


class SmartPtzEntity[P](CoordinatorEntity[SmartPtzCoordinator]):
    """An entity that shows one part of the engine's state: a channel, a link or a rule."""

    _attr_has_entity_name = True

    def __init__(self, coordinator: SmartPtzCoordinator, kind: PartKind, part_id: str, key: str) -> None:
        """`key` tells the entities of one part apart."""
        super().__init__(coordinator)
        self._part_id = part_id
        self._attr_unique_id = unique_id(coordinator.data.instance_id, kind, part_id, key)
        self._last_shown: tuple[bool, P | None] | None = None

    @abstractmethod
    def _find(self, state: EngineState) -> P | None:
        """The part in the state; None when it is gone."""

    def _is_usable(self, part: P) -> bool:
        """Whether the part is in a condition in which the entity has something to show."""
        return True

    @property
    def part(self) -> P:
        """The part as the engine tells it now. To be asked only while the entity is available."""
        part = self._find(self.coordinator.data)
        assert part is not None
        return part

    @property
    @override
    def available(self) -> bool:
        """Whether the engine can be reached and still has the part, in a usable condition."""
        part = self._find(self.coordinator.data)
        return super().available and part is not None and self._is_usable(part)

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        # The state changes with every move of any camera; most entities have nothing new to show then.
        part = self._find(self.coordinator.data)
        shown = (self.available, part)
        if shown == self._last_shown:
            return
        self._last_shown = shown
        if part is not None:
            self._async_part_changed(part)
        super()._handle_coordinator_update()

    @callback
    def _async_part_changed(self, part: P) -> None:
        """Called before a changed part is shown."""

    @contextmanager
    def asking_the_engine(self) -> Generator[None]:
        """Turns the client's errors into errors for the person who pressed the button."""
        try:
            yield
        except InvalidAuthError as error:
            self.coordinator.config_entry.async_start_reauth(self.hass)
            raise HomeAssistantError(translation_domain=DOMAIN, translation_key="invalid_auth") from error
        except ApiError as error:
            kind = ServiceValidationError if error.is_fault_of_caller else HomeAssistantError
            raise kind(
                translation_domain=DOMAIN,
                translation_key="refused",
                translation_placeholders={"reason": str(error)},
            ) from error
        except SmartPtzError as error:
            raise HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key="cannot_connect",
                translation_placeholders={"reason": str(error)},
            ) from error


class ChannelEntity(SmartPtzEntity[Channel]):
    """An entity of a channel, on the channel's device."""

    def __init__(self, coordinator: SmartPtzCoordinator, channel_id: str, key: str) -> None:
        """Makes an entity on the device that the registry keeps for the channel."""
        super().__init__(coordinator, "channel", channel_id, key)
        self._attr_device_info = _device("channel", channel_id, coordinator)

    @override
    def _find(self, state: EngineState) -> Channel | None:
        return state.channels.get(self._part_id)

    @override
    def _is_usable(self, part: Channel) -> bool:
        return part.online

    @contextmanager
    def sending(self, preset_id: str | None = None) -> Generator[None]:
        """Like `asking_the_engine`, for what moves the channel: to a preset, or elsewhere."""
        with self.asking_the_engine():
            yield
        self.coordinator.async_channel_sent(self._part_id, preset_id)


class LinkEntity(SmartPtzEntity[Link]):
    """An entity of a link, on the link's device."""

    def __init__(self, coordinator: SmartPtzCoordinator, link_id: str, key: str) -> None:
        """Makes an entity on the device that the registry keeps for the link."""
        super().__init__(coordinator, "link", link_id, key)
        self._attr_device_info = _device("link", link_id, coordinator)

    @override
    def _find(self, state: EngineState) -> Link | None:
        return state.links.get(self._part_id)


class RuleEntity(SmartPtzEntity[Rule]):
    """An entity of a rule, on the device of the channel that the rule watches."""

    def __init__(self, coordinator: SmartPtzCoordinator, rule_id: str, key: str) -> None:
        """Makes an entity that bears the rule's name."""
        super().__init__(coordinator, "rule", rule_id, key)
        self._attr_translation_placeholders = {"rule": self.part.name}
        self._attr_device_info = _device("channel", self.part.channel, coordinator)

    @override
    def _find(self, state: EngineState) -> Rule | None:
        return state.rules.get(self._part_id)


def _device(kind: PartKind, part_id: str, coordinator: SmartPtzCoordinator) -> DeviceInfo:
    return DeviceInfo(identifiers={(DOMAIN, unique_id(coordinator.data.instance_id, kind, part_id))})


def channels(state: EngineState) -> Mapping[str, Channel]:
    """All channels, for `async_add_as_they_appear`."""
    return state.channels


def ptz_channels(state: EngineState) -> Mapping[str, Channel]:
    """The channels with motors, for `async_add_as_they_appear`."""
    return {channel_id: channel for channel_id, channel in state.channels.items() if channel.is_ptz}


def links(state: EngineState) -> Mapping[str, Link]:
    """All links, for `async_add_as_they_appear`."""
    return state.links


def rules(state: EngineState) -> Mapping[str, Rule]:
    """All rules, for `async_add_as_they_appear`."""
    return state.rules


@callback
def async_add_as_they_appear[P](
    entry: SmartPtzConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
    parts: Callable[[EngineState], Mapping[str, P]],
    make: Callable[[P], Iterable[Entity]],
) -> None:
    """Makes the entities of each part that there is, and of those that the engine is given later."""
    coordinator = entry.runtime_data
    known: set[str] = set()

    @callback
    def add_new() -> None:
        present = parts(coordinator.data)
        known.intersection_update(present)
        new = sorted(present.keys() - known)
        known.update(new)
        if new:
            async_add_entities([entity for part_id in new for entity in make(present[part_id])])

    add_new()
    entry.async_on_unload(coordinator.async_add_listener(add_new))
