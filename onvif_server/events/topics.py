"""Ready descriptions of standard topics (ONVIF Core 9, Analytics annex A, PTZ 6)."""

from __future__ import annotations

from onvif_server.backend import Topic, TopicItem

_RULE_SOURCE = (
    TopicItem("VideoSourceConfigurationToken", "tt:ReferenceToken"),
    TopicItem("VideoAnalyticsConfigurationToken", "tt:ReferenceToken"),
    TopicItem("Rule"),
)

MOTION_ALARM = Topic(
    path="tns1:VideoSource/MotionAlarm",
    is_property=True,
    source=(TopicItem("Source", "tt:ReferenceToken"),),
    data=(TopicItem("State", "xs:boolean"),),
)

OBJECTS_INSIDE = Topic(
    path="tns1:RuleEngine/FieldDetector/ObjectsInside",
    is_property=True,
    source=_RULE_SOURCE,
    key=(TopicItem("ObjectId", "xs:integer"),),
    data=(TopicItem("IsInside", "xs:boolean"),),
)

LINE_CROSSED = Topic(
    path="tns1:RuleEngine/LineDetector/Crossed",
    is_property=False,
    source=_RULE_SOURCE,
    data=(TopicItem("ObjectId", "xs:integer"),),
)


OBJECT_LOITERING = Topic(
    path="tns1:RuleEngine/LoiteringDetector/ObjectIsLoitering",
    is_property=True,
    source=_RULE_SOURCE,
    key=(TopicItem("ObjectId", "xs:integer"),),
    data=(TopicItem("Since", "xs:dateTime"),),
)

COUNTER = Topic(
    path="tns1:RuleEngine/CountAggregation/Counter",
    is_property=True,
    source=_RULE_SOURCE,
    data=(TopicItem("Count", "xs:int"),),
)

OBJECT_DETECTED = Topic(
    path="tns1:RuleEngine/ObjectDetection/Object",
    is_property=False,
    source=_RULE_SOURCE,
    data=(TopicItem("ClassTypes", "tt:StringList"), TopicItem("ObjectId", "tt:StringList")),
)
"""No object any more: both lists are empty."""

MOTION_REGION = Topic(
    path="tns1:RuleEngine/MotionRegionDetector/Motion",
    is_property=True,
    source=(TopicItem("VideoSource", "tt:ReferenceToken"), TopicItem("RuleName")),
    data=(TopicItem("State", "xs:boolean"),),
)


def _picture(what: str) -> Topic:
    return Topic(
        path=f"tns1:VideoSource/{what}/AnalyticsService",
        is_property=True,
        source=(TopicItem("Source", "tt:ReferenceToken"),),
        data=(TopicItem("State", "xs:boolean"),),
    )


IMAGE_TOO_DARK = _picture("ImageTooDark")
IMAGE_TOO_BRIGHT = _picture("ImageTooBright")
IMAGE_TOO_BLURRY = _picture("ImageTooBlurry")
GLOBAL_SCENE_CHANGE = _picture("GlobalSceneChange")
PICTURE_FAULTS = (IMAGE_TOO_DARK, IMAGE_TOO_BRIGHT, IMAGE_TOO_BLURRY, GLOBAL_SCENE_CHANGE)
"""Profile T asks for one of them at least."""


def _preset(what: str) -> Topic:
    return Topic(
        path=f"tns1:PTZController/PTZPresets/{what}",
        is_property=False,
        source=(TopicItem("PTZConfigurationToken", "tt:ReferenceToken"),),
        data=(TopicItem("PresetToken", "tt:ReferenceToken"), TopicItem("PresetName")),
    )


PRESET_INVOKED = _preset("Invoked")
PRESET_REACHED = _preset("Reached")
PRESET_ABORTED = _preset("Aborted")
PRESET_LEFT = _preset("Left")

PRESET_TOURS = Topic(
    path="tns1:PTZController/PTZPresetTours/Configuration",
    is_property=True,
    source=(TopicItem("ProfileToken", "tt:ReferenceToken"), TopicItem("PresetTourToken", "tt:ReferenceToken")),
    data=(TopicItem("StateChange", "xs:boolean"),),
    elements=(TopicItem("PresetTour", "tt:PresetTour"),),
)
"""StateChange: whether it is the tour's state that changed."""

RELAY = Topic(
    path="tns1:Device/Trigger/Relay",
    is_property=True,
    source=(TopicItem("RelayToken", "tt:ReferenceToken"),),
    data=(TopicItem("LogicalState", "tt:RelayLogicalState"),),
)
"""The value of the state is `active` or `inactive`."""

DIGITAL_INPUT = Topic(
    path="tns1:Device/Trigger/DigitalInput",
    is_property=True,
    source=(TopicItem("InputToken", "tt:ReferenceToken"),),
    data=(TopicItem("LogicalState", "xs:boolean"),),
)

PROFILE_CHANGED = Topic(
    path="tns1:Media/ProfileChanged",
    is_property=False,
    source=(TopicItem("Token", "tt:ReferenceToken"),),
)

CONFIGURATION_CHANGED = Topic(
    path="tns1:Media/ConfigurationChanged",
    is_property=False,
    source=(TopicItem("Token", "tt:ReferenceToken"), TopicItem("Type")),
)

LIBRARY_MEDIA = (PROFILE_CHANGED, CONFIGURATION_CHANGED)
"""What the media services send by themselves."""
