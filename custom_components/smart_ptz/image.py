"""Images: the newest capture of each link, the target itself and the scene that it was in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import override

from homeassistant.components.image import ImageEntity, ImageEntityDescription
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .client import SmartPtzClient
from .coordinator import SmartPtzConfigEntry, SmartPtzCoordinator
from .entity import LinkEntity, async_add_as_they_appear, links
from .models import Capture, CaptureTaken, EngineEvent, Link

PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class CaptureImageDescription(ImageEntityDescription):
    """Which of a capture's pictures to show."""

    fetch: Callable[[SmartPtzClient, str], Awaitable[bytes]]


IMAGES = (
    CaptureImageDescription(key="last_capture", translation_key="last_capture", fetch=SmartPtzClient.capture_picture),
    CaptureImageDescription(
        key="last_capture_scene", translation_key="last_capture_scene", fetch=SmartPtzClient.capture_background
    ),
)


async def async_setup_entry(
    hass: HomeAssistant, entry: SmartPtzConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Makes the images."""
    coordinator = entry.runtime_data
    async_add_as_they_appear(
        entry,
        async_add_entities,
        links,
        lambda link: [CaptureImage(hass, coordinator, link.id, description) for description in IMAGES],
    )


class CaptureImage(LinkEntity, ImageEntity):
    """A picture of the link's newest capture."""

    entity_description: CaptureImageDescription

    def __init__(
        self, hass: HomeAssistant, coordinator: SmartPtzCoordinator, link_id: str, description: CaptureImageDescription
    ) -> None:
        """Shows the newest capture that the engine has kept."""
        LinkEntity.__init__(self, coordinator, link_id, description.key)
        ImageEntity.__init__(self, hass)
        self.entity_description = description
        self._capture: Capture | None = None
        self._fetched: tuple[Capture, bytes] | None = None
        self._show(self.part.last_capture)

    @override
    async def async_added_to_hass(self) -> None:
        """Listens to the engine's events, which come before the link's new state."""
        await super().async_added_to_hass()
        self.async_on_remove(self.coordinator.async_listen_to_events(self._async_take_event))

    @override
    async def async_image(self) -> bytes | None:
        """The picture as JPEG; None before the first capture."""
        if self._capture is None:
            return None
        if self._fetched is None or self._fetched[0] != self._capture:
            # A newer capture may arrive while this one is fetched: kept together, they cannot be mixed up.
            capture = self._capture
            with self.asking_the_engine():
                self._fetched = capture, await self.entity_description.fetch(self.coordinator.client, capture.id)
        return self._fetched[1]

    @callback
    def _async_take_event(self, event: EngineEvent) -> None:
        if isinstance(event, CaptureTaken) and event.link_id == self._part_id:
            self._show(event.capture)
            self.async_write_ha_state()

    @callback
    @override
    def _async_part_changed(self, part: Link) -> None:
        self._show(part.last_capture)

    def _show(self, capture: Capture | None) -> None:
        if capture is None or (self._capture is not None and capture.at <= self._capture.at):
            return
        self._capture = capture
        self._attr_image_last_updated = datetime.fromtimestamp(capture.at, UTC)
