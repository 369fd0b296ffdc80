"""The sample frame of GetSupportedMetadata."""

from __future__ import annotations

from collections.abc import Sequence

from lxml import etree

from onvif_server.analytics.configs import written
from onvif_server.analytics.modules import MODULE_TYPE, ModuleMemory
from onvif_server.backend import SceneFrame, SceneObject
from onvif_server.metadata.frames import append_frame
from onvif_server.soap import names


def sample_metadata(classes: Sequence[str]) -> etree._Element:
    """The response with one frame that shows an object of every class, in the upper left quarter of the picture."""
    response = etree.Element(names.tag(names.ANALYTICS, "GetSupportedMetadataResponse"), nsmap=names.PREFIXES)
    info = etree.SubElement(response, names.tag(names.ANALYTICS, "AnalyticsModule"), Type=written(MODULE_TYPE))
    step = 0.8 / max(len(classes), 1)
    objects = tuple(
        SceneObject(
            object_id=number + 1,
            box=(-0.95 + number * step, 0.2, -0.95 + (number + 0.8) * step, 0.8),
            classes=((name, 0.9),),
        )
        for number, name in enumerate(classes)
    )
    frame = SceneFrame(channel="", at=0.0, objects=objects)
    append_frame(info, frame, ModuleMemory.FIRST, names.tag(names.ANALYTICS, "SampleFrame"))
    return response
