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

PRESET_REACHED = Topic(
    path="tns1:PTZController/PTZPresets/Reached",
    is_property=False,
    source=(TopicItem("PTZConfigurationToken", "tt:ReferenceToken"),),
    data=(TopicItem("PresetToken", "tt:ReferenceToken"), TopicItem("PresetName")),
)
