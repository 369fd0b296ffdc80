"""Keeps the engine's state in step, pushed by its WebSocket, and hands its events to the entities."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import override

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryAuthFailed, ConfigEntryError
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed

from .client import CannotConnectError, InvalidAuthError, NotActivatedError, SmartPtzClient, SmartPtzError
from .const import DOMAIN, LOGGER, RETRY_LONGEST_S, RETRY_SHORTEST_S
from .models import (
    Camera,
    CaptureTaken,
    Channel,
    EngineEvent,
    EngineState,
    Link,
    Message,
    Rule,
    RuleTriggered,
    StreamCredentials,
)

type SmartPtzConfigEntry = ConfigEntry[SmartPtzCoordinator]


@dataclass(slots=True)
class _ChosenPreset:
    """The preset that a channel was sent to from here, and who was the channel's owner then."""

    preset_id: str
    owner: str | None = None


class SmartPtzCoordinator(DataUpdateCoordinator[EngineState]):
    """The state of one engine."""

    config_entry: SmartPtzConfigEntry

    def __init__(self, hass: HomeAssistant, entry: SmartPtzConfigEntry, client: SmartPtzClient) -> None:
        """Makes a coordinator that is fed from outside, so it has no interval."""
        super().__init__(hass, LOGGER, config_entry=entry, name=entry.title, update_interval=None)
        self.client = client
        self.tries = 0
        self.connections = 0
        """How often the WebSocket was tried and connected (for the diagnostics)."""
        self._presets_chosen: dict[str, _ChosenPreset] = {}
        self._event_listeners: list[Callable[[EngineEvent], None]] = []
        self._stream_credentials: StreamCredentials | None = None

    @override
    async def _async_update_data(self) -> EngineState:
        """The first state, before the WebSocket takes over."""
        try:
            state = await self.client.state()
        except InvalidAuthError as error:
            raise ConfigEntryAuthFailed(translation_domain=DOMAIN, translation_key="invalid_auth") from error
        except NotActivatedError as error:
            raise UpdateFailed(translation_domain=DOMAIN, translation_key="not_activated") from error
        except SmartPtzError as error:
            raise UpdateFailed(
                translation_domain=DOMAIN,
                translation_key="cannot_connect",
                translation_placeholders={"reason": str(error)},
            ) from error
        if state.instance_id != self.config_entry.unique_id:
            raise ConfigEntryError(
                translation_domain=DOMAIN,
                translation_key="another_engine",
                translation_placeholders={"name": state.name},
            )
        return state

    async def async_follow(self) -> None:
        """Follows the engine as long as the entry is loaded; connects again, ever more patiently, when it breaks."""
        wait = RETRY_SHORTEST_S
        while True:
            self.tries += 1
            try:
                async with aclosing(self.client.listen()) as messages:
                    self._async_take(await anext(messages))
                    self.connections += 1
                    wait = RETRY_SHORTEST_S
                    async for message in messages:
                        self._async_take(message)
            except InvalidAuthError as error:
                self.async_set_update_error(error)
                self.config_entry.async_start_reauth(self.hass)
                return
            except SmartPtzError as error:
                # Logs when the engine goes away, not at every attempt that follows.
                self.async_set_update_error(error)
            await asyncio.sleep(wait)
            wait = min(wait * 2, RETRY_LONGEST_S)

    @callback
    def async_listen_to_events(self, listener: Callable[[EngineEvent], None]) -> CALLBACK_TYPE:
        """Calls the listener with each event from now on, until the returned function is called."""
        self._event_listeners.append(listener)
        return lambda: self._event_listeners.remove(listener)

    async def async_stream_credentials(self) -> StreamCredentials:
        """The relay's user, asked for once a connection. Raises what the client raises."""
        if self._stream_credentials is None:
            self._stream_credentials = await self.client.stream_credentials()
        return self._stream_credentials

    @callback
    def async_preset_of(self, channel_id: str) -> str | None:
        """The id of the preset that a channel was sent to from here, until somebody moves it elsewhere."""
        chosen = self._presets_chosen.get(channel_id)
        return chosen.preset_id if chosen else None

    @callback
    def async_channel_sent(self, channel_id: str, preset_id: str | None) -> None:
        """Remembers that a channel was sent to a preset, or (None) anywhere else."""
        self._presets_chosen.pop(channel_id, None)
        if preset_id is not None:
            self._presets_chosen[channel_id] = _ChosenPreset(preset_id)
        self.async_update_listeners()

    @callback
    def _async_watch_owner(self, channel: Channel) -> None:
        """Forgets a channel's preset when somebody else takes the motors."""
        chosen = self._presets_chosen.get(channel.id)
        if chosen is None or channel.owner is None:
            return
        if chosen.owner is None:
            chosen.owner = channel.owner.owner
        elif chosen.owner != channel.owner.owner:
            del self._presets_chosen[channel.id]

    @callback
    def _async_take(self, message: Message) -> None:
        """Takes one message of the WebSocket."""
        match message:
            case EngineState():
                self._async_take_state(message)
            case Camera():
                self.async_set_updated_data(self.data.with_camera(message))
            case Channel():
                self._async_watch_owner(message)
                self.async_set_updated_data(self.data.with_channel(message))
            case Link():
                self.async_set_updated_data(self.data.with_link(message))
            case Rule():
                self.async_set_updated_data(self.data.with_rule(message))
            case RuleTriggered() | CaptureTaken():
                for listener in tuple(self._event_listeners):
                    listener(message)

    @callback
    def _async_take_state(self, state: EngineState) -> None:
        if state.instance_id != self.config_entry.unique_id:
            # Taken for ours, it would make Home Assistant forget every device of the engine that was here.
            raise CannotConnectError(f"another engine ({state.name}) answers at its address")
        if not self.last_update_success:
            LOGGER.info("%s can be reached again", self.name)
            # The engine may have been set up anew meanwhile.
            self._stream_credentials = None
            self._presets_chosen.clear()
        self.async_set_updated_data(state)
