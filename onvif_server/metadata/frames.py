"""Frames and objects as tt:Frame. Many a second are written: plainly by lxml, without zeep."""

from __future__ import annotations

from typing import Final

from lxml import etree

from onvif_server.backend import Module, PtzCapabilities, PtzStatus, Range, SceneFrame, SceneObject
from onvif_server.services.ptz_description import POSITION, ZOOM_POSITION
from onvif_server.soap import names
from onvif_server.soap.values import xml_time

_T: Final = f"{{{names.SCHEMA}}}"


def append_frame(parent: etree._Element, frame: SceneFrame, module: Module, tag: str = f"{_T}Frame") -> None:
    """Appends what a module tells of a picture, be it nothing."""
    element = etree.SubElement(parent, tag, UtcTime=xml_time(frame.at), Source=module.name)
    for one in frame.objects:
        if told(one, module):
            _append_object(element, one)


def told(found: SceneObject, module: Module) -> bool:
    """Whether a module tells of an object: by its likeliest class."""
    if not found.classes:
        return not module.classes
    name, likelihood = found.classes[0]
    return likelihood >= module.confidence and (not module.classes or name in module.classes)


def _append_object(parent: etree._Element, found: SceneObject) -> None:
    element = etree.SubElement(parent, f"{_T}Object", ObjectId=str(found.object_id))
    if found.parent_id is not None:
        element.set("Parent", str(found.parent_id))
    appearance = etree.SubElement(element, f"{_T}Appearance")
    shape = etree.SubElement(appearance, f"{_T}Shape")
    left, bottom, right, top = found.box
    box = {"bottom": _number(bottom), "top": _number(top), "right": _number(right), "left": _number(left)}
    etree.SubElement(shape, f"{_T}BoundingBox", box)
    centre = {"x": _number((left + right) / 2), "y": _number((bottom + top) / 2)}
    etree.SubElement(shape, f"{_T}CenterOfGravity", centre)
    if found.classes:
        classes = etree.SubElement(appearance, f"{_T}Class")
        for name, likelihood in found.classes:
            etree.SubElement(classes, f"{_T}Type", Likelihood=_number(likelihood)).text = name
    if found.geo is not None:
        longitude, latitude, elevation = found.geo
        place = {"lon": f"{longitude:.7f}", "lat": f"{latitude:.7f}", "elevation": f"{elevation:.2f}"}
        etree.SubElement(appearance, f"{_T}GeoLocation", place)
    if found.speed is not None:
        behaviour = etree.SubElement(element, f"{_T}Behaviour")
        etree.SubElement(behaviour, f"{_T}Speed").text = _number(found.speed)


def append_ptz_status(
    parent: etree._Element, status: PtzStatus, capabilities: PtzCapabilities, *, position: bool, moving: bool
) -> None:
    """Appends the tt:PTZStatus in the default absolute spaces."""
    element = etree.SubElement(parent, f"{_T}PTZStatus")
    if position:
        place = etree.SubElement(element, f"{_T}Position")
        pan, tilt = _generic(capabilities.pan_deg, status.pan_deg), _generic(capabilities.tilt_deg, status.tilt_deg)
        etree.SubElement(place, f"{_T}PanTilt", x=_number(pan), y=_number(tilt), space=POSITION)
        if capabilities.zoom:
            etree.SubElement(place, f"{_T}Zoom", x=_number(status.zoom), space=ZOOM_POSITION)
    if moving:
        moves = etree.SubElement(element, f"{_T}MoveStatus")
        etree.SubElement(moves, f"{_T}PanTilt").text = _state(status.pan_tilt_moving)
        if capabilities.zoom:
            etree.SubElement(moves, f"{_T}Zoom").text = _state(status.zoom_moving)
    etree.SubElement(element, f"{_T}UtcTime").text = xml_time(status.at)


def _generic(interval: Range, degrees: float) -> float:
    length = interval.maximum - interval.minimum
    value = 2 * (degrees - interval.minimum) / length - 1 if length else 0.0
    return min(max(value, -1.0), 1.0)


def _state(moving: bool) -> str:
    return "MOVING" if moving else "IDLE"


def _number(value: float) -> str:
    # Four digits tell one pixel from the next in any picture.
    return f"{value:.4f}".rstrip("0").rstrip(".")
