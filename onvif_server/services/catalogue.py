"""The services that a device offers, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from onvif_server.backend import Backend, Ptz, VideoChannel
from onvif_server.soap import names


@dataclass(frozen=True, slots=True)
class ServiceEntry:
    """A service: its namespace and its path."""

    namespace: str
    path: str


DEVICE: Final = ServiceEntry(names.DEVICE, "/onvif/device_service")
MEDIA: Final = ServiceEntry(names.MEDIA, "/onvif/media_service")
MEDIA2: Final = ServiceEntry(names.MEDIA2, "/onvif/media2_service")
EVENTS: Final = ServiceEntry(names.EVENTS, "/onvif/event_service")
DEVICE_IO: Final = ServiceEntry(names.DEVICE_IO, "/onvif/deviceio_service")
PTZ: Final = ServiceEntry(names.PTZ, "/onvif/ptz_service")
ANALYTICS: Final = ServiceEntry(names.ANALYTICS, "/onvif/analytics_service")
IMAGING: Final = ServiceEntry(names.IMAGING, "/onvif/imaging_service")
SUBSCRIPTION_PATH: Final = "/onvif/subscription/"
SNAPSHOT_PATH: Final = "/onvif/snapshot/"
SYSTEM_PATH: Final = "/onvif/system/"

VERSION: Final = {"Major": 26, "Minor": 6}
"""The release of the specifications, and of the schema set, that the services follow."""


def offered(backend: Backend) -> tuple[ServiceEntry, ...]:
    """The services of a device; PTZ only if something moves, analytics if any channel has rules."""
    fixed = (DEVICE, MEDIA, MEDIA2, EVENTS, DEVICE_IO)
    found = (*fixed, PTZ) if moving_channels(backend) else fixed
    found = (*found, ANALYTICS) if has_analytics(backend) else found
    return (*found, IMAGING) if any(backend.imaging(channel.token) for channel in backend.channels) else found


def moving_channels(backend: Backend) -> tuple[tuple[VideoChannel, Ptz], ...]:
    """The channels that have motors, with them."""
    pairs = ((channel, backend.ptz(channel.token)) for channel in backend.channels)
    return tuple((channel, ptz) for channel, ptz in pairs if ptz is not None)


def has_analytics(backend: Backend) -> bool:
    """Whether any channel has rules."""
    return any(backend.analytics(channel.token) is not None for channel in backend.channels)
