"""Cameras: the live picture of each channel, and the actions that move what is seen."""

from __future__ import annotations

import ipaddress
from typing import Final, override

from homeassistant.components.camera import Camera
from homeassistant.components.camera.const import CameraEntityFeature
from homeassistant.components.stream import CONF_RTSP_TRANSPORT
from homeassistant.core import HomeAssistant, ServiceResponse, callback
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from yarl import URL

from .const import DOMAIN
from .coordinator import SmartPtzConfigEntry, SmartPtzCoordinator
from .entity import ChannelEntity, async_add_as_they_appear, channels
from .models import Channel, Link, Preset

PARALLEL_UPDATES = 0

_DIRECTIONS: Final = {
    "left": ("pan", -1.0),
    "right": ("pan", 1.0),
    "up": ("tilt", 1.0),
    "down": ("tilt", -1.0),
    "zoom_in": ("zoom", 1.0),
    "zoom_out": ("zoom", -1.0),
}


async def async_setup_entry(
    hass: HomeAssistant, entry: SmartPtzConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Makes the cameras."""
    coordinator = entry.runtime_data
    async_add_as_they_appear(
        entry, async_add_entities, channels, lambda channel: [ChannelCamera(coordinator, channel.id)]
    )


class ChannelCamera(ChannelEntity, Camera):
    """The live picture of a channel, from the engine's relay: the camera itself is asked once, by the engine."""

    _attr_name = None
    _attr_supported_features = CameraEntityFeature.STREAM

    def __init__(self, coordinator: SmartPtzCoordinator, channel_id: str) -> None:
        """Makes the camera of a channel."""
        ChannelEntity.__init__(self, coordinator, channel_id, "camera")
        Camera.__init__(self)
        self.stream_options[CONF_RTSP_TRANSPORT] = "tcp"
        self._async_part_changed(self.part)

    # The picture

    @override
    async def stream_source(self) -> str | None:
        """The relay's address with its user, which never leaves the memory of Home Assistant."""
        if self.part.relay_url is None:
            return None
        with self.asking_the_engine():
            credentials = await self.coordinator.async_stream_credentials()
        url = _reachable(URL(self.part.relay_url), self.coordinator.client.host)
        return str(url.with_user(credentials.username).with_password(credentials.password))

    @override
    async def async_camera_image(self, width: int | None = None, height: int | None = None) -> bytes | None:
        """The channel's newest picture in full resolution."""
        with self.asking_the_engine():
            return await self.coordinator.client.snapshot(self._part_id)

    @callback
    @override
    def _async_part_changed(self, part: Channel) -> None:
        self._attr_is_streaming = part.online
        camera = self.coordinator.data.cameras.get(part.camera_id)
        self._attr_brand = camera.manufacturer if camera else None
        self._attr_model = camera.model if camera else None

    # Actions on a PTZ camera

    async def async_move(
        self,
        *,
        direction: list[str] | None = None,
        mode: str = "absolute",
        pan: float | None = None,
        tilt: float | None = None,
        zoom: float | None = None,
        speed: float | None = None,
        duration: float | None = None,
    ) -> None:
        """Moves the PTZ camera (the action `move`; see services.yaml for the units)."""
        self._check_ptz()
        if direction:
            mode = "continuous"
            values = dict(_DIRECTIONS[word] for word in direction)
        else:
            values = _axes(mode, pan, tilt, zoom)
        if speed is not None:
            values["speed"] = speed / 100
        if duration is not None:
            values["duration_s"] = duration
        with self.sending():
            await self.coordinator.client.move(self._part_id, mode, **values)

    async def async_goto_preset(self, *, preset: str, speed: float | None = None) -> None:
        """Sends the PTZ camera to a preset by name or id (the action `goto_preset`)."""
        self._check_ptz()
        found = _find_preset(self.part.presets, preset)
        if found is None:
            raise ServiceValidationError(
                translation_domain=DOMAIN,
                translation_key="unknown_preset",
                translation_placeholders={
                    "preset": preset,
                    "channel": self.part.name,
                    "presets": ", ".join(known.name for known in self.part.presets),
                },
            )
        with self.sending(found.id):
            await self.coordinator.client.goto_preset(self._part_id, found.id, None if speed is None else speed / 100)

    # Actions on an overview camera

    async def async_look_at(
        self,
        *,
        x: float,
        y: float,
        width: float | None = None,
        height: float | None = None,
        link: str | None = None,
    ) -> None:
        """Points the linked PTZ camera at a place of this picture (the action `look_at`)."""
        chosen = self._link(link)
        with self.asking_the_engine():
            await self.coordinator.client.look_at(chosen.id, x, y, width, height)
        self.coordinator.async_channel_sent(chosen.ptz, None)

    async def async_track(self, *, x: float, y: float, link: str | None = None) -> ServiceResponse:
        """Makes the linked PTZ camera follow whoever is at a place of this picture (the action `track`)."""
        chosen = self._link(link)
        with self.asking_the_engine():
            track_id = await self.coordinator.client.track(chosen.id, x, y)
        self.coordinator.async_channel_sent(chosen.ptz, None)
        return {"track_id": track_id, "link": chosen.name}

    async def async_stop_tracking(self) -> None:
        """Ends the pursuits in which this camera takes part, as overview or as PTZ (the action `stop_tracking`)."""
        taking_part = self.coordinator.data.links_of(self._part_id)
        if not taking_part:
            raise self._invalid("not_linked")
        with self.asking_the_engine():
            for link in taking_part:
                await self.coordinator.client.stop_tracking(link.id)

    # What the actions need

    def _check_ptz(self) -> None:
        if not self.part.is_ptz:
            raise self._invalid("not_a_ptz")

    def _link(self, wanted: str | None) -> Link:
        """The link that starts at this overview; `wanted` (id or name) decides where there are several."""
        candidates = [link for link in self.coordinator.data.links_of(self._part_id) if link.overview == self._part_id]
        if not candidates:
            raise self._invalid("not_an_overview")
        if wanted is not None:
            chosen = [link for link in candidates if wanted in {link.id, link.name}]
            if not chosen:
                raise self._invalid("unknown_link", link=wanted, links=_names(candidates))
            return chosen[0]
        if len(candidates) > 1:
            raise self._invalid("several_links", links=_names(candidates))
        return candidates[0]

    def _invalid(self, translation_key: str, **placeholders: str) -> ServiceValidationError:
        return ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key=translation_key,
            translation_placeholders={"channel": self.part.name, **placeholders},
        )


def _names(links: list[Link]) -> str:
    return ", ".join(link.name for link in links)


def _axes(mode: str, pan: float | None, tilt: float | None, zoom: float | None) -> dict[str, float]:
    """The engine's values for the action's: per cent become 0 to 1, degrees stay."""
    speeds = mode == "continuous"
    percent = {"pan": speeds, "tilt": speeds, "zoom": True}
    given = {"pan": pan, "tilt": tilt, "zoom": zoom}
    return {axis: value / 100 if percent[axis] else value for axis, value in given.items() if value is not None}


def _find_preset(presets: tuple[Preset, ...], wanted: str) -> Preset | None:
    """By id, by name, or else by name without regard to case."""
    same: tuple[bool, ...]
    for same in (
        tuple(preset.id == wanted for preset in presets),
        tuple(preset.name == wanted for preset in presets),
        tuple(preset.name.casefold() == wanted.casefold() for preset in presets),
    ):
        if any(same):
            return presets[same.index(True)]
    return None


def _reachable(url: URL, engine_host: str | None) -> URL:
    """The relay's address as seen from here: an engine may know itself only as localhost or 0.0.0.0."""
    host = url.host or ""
    try:
        address = ipaddress.ip_address(host)
        local = address.is_loopback or address.is_unspecified
    except ValueError:
        local = host == "localhost"
    return url.with_host(engine_host) if local and engine_host else url
