"""An ONVIF device on aiohttp. It asks a backend for facts and never knows what is behind it.

`OnvifDevice(backend, users, settings)` is the whole entry; `onvif_server.backend` says what a host implements.
"""

from __future__ import annotations

from onvif_server.device import OnvifDevice
from onvif_server.events.broker import Broker, PropertyOperation
from onvif_server.settings import DeviceSettings

__all__ = ["Broker", "DeviceSettings", "OnvifDevice", "PropertyOperation"]
