"""What an ONVIF device asks of the host that it stands for.

The library knows ONVIF; the host knows cameras. A host derives from `Backend`, has a `Ptz` for each channel that moves,
and `Users` (or takes `StaticUsers`). It speaks degrees, fractions and Unix seconds only: spaces, QNames, XML durations
and faults are the library's business. To refuse something, it raises `Refused`.

Everything beyond name plate, channels, stream address and snapshot is optional: what a host does not have is not
advertised.
"""

from __future__ import annotations

from onvif_server.backend.access import Account, Caller, Level, StaticUsers, UserAdministration, Users
from onvif_server.backend.analytics import (
    XY,
    Analytics,
    LineDirection,
    Module,
    Rule,
    RuleKind,
    RuleLimits,
    SceneFrame,
    SceneObject,
)
from onvif_server.backend.device import (
    Certificate,
    DeviceInformation,
    DigitalInput,
    Document,
    FactoryDefault,
    FileMemory,
    Memory,
    RelayOutput,
    System,
    Terminals,
    VolatileMemory,
)
from onvif_server.backend.events import Topic, TopicItem
from onvif_server.backend.host import Backend
from onvif_server.backend.imaging import Choice, FocusAbilities, FocusStatus, Imaging, ImagingSettings, Number
from onvif_server.backend.media import (
    AudioFormat,
    Encoder,
    EncoderOptions,
    EncoderSettings,
    Multicast,
    MulticastTarget,
    Osd,
    OsdKind,
    OsdOptions,
    OsdText,
    StreamingAbilities,
    StreamKind,
    StreamRequest,
    Transport,
    VideoChannel,
)
from onvif_server.backend.ptz import (
    GeoPosition,
    Ptz,
    PtzCapabilities,
    PtzPreset,
    PtzSpeed,
    PtzStatus,
    PtzTourLimits,
    Range,
    Tour,
    TourOperation,
    TourSpot,
    TourState,
)
from onvif_server.backend.refusal import Refusal, Refused

__all__ = [
    "XY",
    "Account",
    "Analytics",
    "AudioFormat",
    "Backend",
    "Caller",
    "Certificate",
    "Choice",
    "DeviceInformation",
    "DigitalInput",
    "Document",
    "Encoder",
    "EncoderOptions",
    "EncoderSettings",
    "FactoryDefault",
    "FileMemory",
    "FocusAbilities",
    "FocusStatus",
    "GeoPosition",
    "Imaging",
    "ImagingSettings",
    "Level",
    "LineDirection",
    "Memory",
    "Module",
    "Multicast",
    "MulticastTarget",
    "Number",
    "Osd",
    "OsdKind",
    "OsdOptions",
    "OsdText",
    "Ptz",
    "PtzCapabilities",
    "PtzPreset",
    "PtzSpeed",
    "PtzStatus",
    "PtzTourLimits",
    "Range",
    "Refusal",
    "Refused",
    "RelayOutput",
    "Rule",
    "RuleKind",
    "RuleLimits",
    "SceneFrame",
    "SceneObject",
    "StaticUsers",
    "StreamKind",
    "StreamRequest",
    "StreamingAbilities",
    "System",
    "Terminals",
    "Topic",
    "TopicItem",
    "Tour",
    "TourOperation",
    "TourSpot",
    "TourState",
    "Transport",
    "UserAdministration",
    "Users",
    "VideoChannel",
    "VolatileMemory",
]
