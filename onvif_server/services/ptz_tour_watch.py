"""Tells clients what becomes of tours: a property for each tour, in each profile that moves its head."""

from __future__ import annotations

from typing import Final

from lxml import etree

from onvif_server.backend import Backend, Ptz, Refused, Tour
from onvif_server.events import topics
from onvif_server.events.broker import Broker, PropertyOperation
from onvif_server.media.parts import Part
from onvif_server.media.profiles import Profiles
from onvif_server.services import catalogue
from onvif_server.services.ptz_tour_values import tour_values
from onvif_server.soap import names
from onvif_server.soap.schema import load_schemas

_RESPONSE: Final = names.tag(names.PTZ, "GetPresetTourResponse")


class TourWatch:
    """Compares the host's tours with those that were told last. A host without tours is never asked."""

    def __init__(self, backend: Backend, profiles: Profiles, broker: Broker) -> None:
        self._backend = backend
        self._profiles = profiles
        self._broker = broker
        self._tours: dict[str, tuple[Tour, ...]] = {}
        self._told: dict[tuple[str, str], tuple[Tour, etree._Element]] = {}
        profiles.listen(lambda _token: self._tell())

    async def begin(self) -> None:
        """Gives the properties their first values."""
        for channel, _ in catalogue.moving_channels(self._backend):
            await self.changed(channel.token)

    async def changed(self, channel: str) -> None:
        """Something became of the tours of a head, perhaps."""
        ptz = self._backend.ptz(channel)
        if ptz is None or ptz.capabilities.tours is None:
            return
        try:
            self._tours[channel] = tuple(await ptz.tours())
        except Refused:
            return  # they are asked for again at the next change
        self._tell()

    def _tell(self) -> None:
        present = {
            (profile.token, tour.token): (tour, self._backend.ptz(profile.channel))
            for profile in self._profiles.all()
            if profile.channel is not None and Part.PTZ in profile.parts
            for tour in self._tours.get(profile.channel, ())
        }
        for key in [key for key in self._told if key not in present]:
            _, element = self._told.pop(key)
            self._publish(key, element, state_change=False, operation=PropertyOperation.DELETED)
        for key, (tour, ptz) in present.items():
            before = self._told[key][0] if key in self._told else None
            if ptz is None or tour == before:
                continue
            element = _element(tour, ptz)
            self._told[key] = tour, element
            self._publish(key, element, state_change=before is not None and before.state is not tour.state)

    def _publish(
        self,
        key: tuple[str, str],
        element: etree._Element,
        *,
        state_change: bool,
        operation: PropertyOperation | None = None,
    ) -> None:
        profile, tour = key
        self._broker.publish(
            topics.PRESET_TOURS.path,
            source={"ProfileToken": profile, "PresetTourToken": tour},
            data={"StateChange": state_change},
            elements={"PresetTour": element},
            operation=operation,
        )


def _element(tour: Tour, ptz: Ptz) -> etree._Element:
    schemas = load_schemas()
    root = etree.Element("root", nsmap=dict(names.PREFIXES))
    schemas.render_element(schemas.element(_RESPONSE), {"PresetTour": tour_values(tour, ptz)}, root)
    return root[0][0]
