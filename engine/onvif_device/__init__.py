"""The engine seen as an ONVIF device: adapts the engine's rooms to what `onvif_server` asks of its host."""

from engine.onvif_device.backend import DeviceChannel
from engine.onvif_device.device import EngineDevice
from engine.onvif_device.users import DeviceAccounts

__all__ = ["DeviceAccounts", "DeviceChannel", "EngineDevice"]
