"""The ONVIF services that the driver uses, and what old cameras call them."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from importlib.resources import files
from pathlib import Path
from typing import Any


def _description(folder: str, path: str) -> Path:
    return Path(str(files(folder).joinpath("wsdl", path)))


class Service(Enum):
    """The ONVIF services that the driver uses: namespace, service description, binding."""

    DEVICE = ("http://www.onvif.org/ver10/device/wsdl", _description("onvif", "devicemgmt.wsdl"), "DeviceBinding")
    MEDIA1 = ("http://www.onvif.org/ver10/media/wsdl", _description("onvif", "media.wsdl"), "MediaBinding")
    # onvif-zeep-async carries no description of Media2; our own library has the official one.
    MEDIA2 = (
        "http://www.onvif.org/ver20/media/wsdl",
        _description("onvif_server", "ver20/media/wsdl/media.wsdl"),
        "Media2Binding",
    )
    PTZ = ("http://www.onvif.org/ver20/ptz/wsdl", _description("onvif", "ptz.wsdl"), "PTZBinding")
    # The client library's description is older than defogging and noise reduction.
    IMAGING = (
        "http://www.onvif.org/ver20/imaging/wsdl",
        _description("onvif_server", "ver20/imaging/wsdl/imaging.wsdl"),
        "ImagingBinding",
    )
    EVENTS = ("http://www.onvif.org/ver10/events/wsdl", _description("onvif", "events.wsdl"), "EventBinding")
    # These two the camera makes for us: `SoapClient.place` says where they are. With the official description zeep
    # would lose the text of the topics.
    PULL_POINT = (
        "http://www.onvif.org/ver10/events/wsdl",
        _description("onvif", "events.wsdl"),
        "PullPointSubscriptionBinding",
    )
    SUBSCRIPTION = (
        "http://www.onvif.org/ver10/events/wsdl",
        _description("onvif", "events.wsdl"),
        "SubscriptionManagerBinding",
    )
    DEVICE_IO = (
        "http://www.onvif.org/ver10/deviceIO/wsdl",
        _description("onvif_server", "ver10/deviceio.wsdl"),
        "DeviceIOBinding",
    )

    @property
    def namespace(self) -> str:
        """The service's XML namespace."""
        return self.value[0]


def capability_addresses(capabilities: Any, fault: Callable[[str], Exception]) -> dict[str, str]:
    """Namespace to address, of the services that an answer to GetCapabilities names.

    Raises what `fault` makes for an answer that names none.
    """
    if capabilities is None:
        raise fault("it lists no services")
    names = {"Media": Service.MEDIA1, "PTZ": Service.PTZ, "Imaging": Service.IMAGING, "Events": Service.EVENTS}
    addresses = {}
    for name, service in names.items():
        address = getattr(getattr(capabilities, name, None), "XAddr", None)
        if address:
            addresses[service.namespace] = str(address)
    return addresses
