"""What the cameras behind our ONVIF device can do beside showing and moving, as the facets that hand it on."""

from __future__ import annotations

from collections.abc import Mapping

from engine.app.rooms import Rooms
from engine.cameras.extras import Extras, TerminalAbilities, TerminalControl
from engine.onvif_device.auxiliary import ChannelAuxiliary, DeviceAuxiliary
from engine.onvif_device.encoder import CameraEncoder
from engine.onvif_device.imaging import CameraImaging
from engine.onvif_device.osd import CameraOsd
from engine.onvif_device.terminals import CameraTerminals


def imaging_facets(rooms: Rooms, extras: Mapping[str, Extras]) -> dict[str, CameraImaging]:
    """Picture settings and focus of the channels whose cameras have any."""
    return {
        channel: CameraImaging(control, extra.imaging)
        for channel, extra in extras.items()
        if extra.imaging is not None and (control := rooms.camera_of(channel).imaging(channel)) is not None
    }


def auxiliary_facets(rooms: Rooms, extras: Mapping[str, Extras]) -> dict[str, ChannelAuxiliary]:
    """Wipers, washers and lamps of the channels whose heads have any."""
    return {
        channel: ChannelAuxiliary(rooms.camera_of(channel), channel, extra.auxiliary_commands)
        for channel, extra in extras.items()
        if extra.auxiliary_commands
    }


def device_auxiliary_facet(rooms: Rooms, extras: Mapping[str, Extras]) -> DeviceAuxiliary | None:
    """The same, of cameras as a whole; None where there is nothing."""
    cameras = {rooms.camera_of(channel): extra.device_auxiliary_commands for channel, extra in extras.items()}
    facet = DeviceAuxiliary(cameras)
    return facet if facet.commands else None


def terminal_facet(rooms: Rooms, extras: Mapping[str, Extras]) -> CameraTerminals | None:
    """Relays and inputs of the channels' cameras; None where there are none."""
    cameras: dict[str, TerminalControl] = {}
    for channel, extra in extras.items():
        control = rooms.camera_of(channel).terminals
        if control is not None and extra.terminals != TerminalAbilities():
            cameras[rooms.channels[channel].camera_id] = control
    return CameraTerminals(cameras) if cameras else None


def encoder_facets(rooms: Rooms, extras: Mapping[str, Extras]) -> dict[str, CameraEncoder]:
    """The encoders that can be set."""
    controls = {
        channel: rooms.camera_of(channel).encoder(channel) for channel, extra in extras.items() if extra.encoder
    }
    return {channel: CameraEncoder(control) for channel, control in controls.items() if control is not None}


def osd_facets(rooms: Rooms, extras: Mapping[str, Extras]) -> dict[str, CameraOsd]:
    """The texts of the channels whose cameras write some."""
    controls = {channel: rooms.camera_of(channel).osd(channel) for channel, extra in extras.items() if extra.osd}
    return {channel: CameraOsd(control, channel) for channel, control in controls.items() if control is not None}
