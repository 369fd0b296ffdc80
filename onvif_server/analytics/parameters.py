"""Which parameters each kind of rule has, how they read and write, and what they may be: one table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from lxml import etree

from onvif_server.analytics import shapes
from onvif_server.analytics.configs import ConfigError, Parameter
from onvif_server.backend import XY, LineDirection, Rule, RuleKind, RuleLimits
from onvif_server.events import topics
from onvif_server.soap import names

type Fields = dict[str, Any]
"""Fields of a `Rule` by name."""

_WHOLE_PICTURE: Final[tuple[XY, ...]] = ((-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0))
_MIDDLE_LINE: Final[tuple[XY, ...]] = ((0.0, -1.0), (0.0, 1.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleParameter:
    """One parameter: its name and type (a QName with our prefixes), and its way to a `Rule` and back.

    `write` returns None where there is nothing to tell; `options` are the values that are possible, as an element.
    """

    name: str
    type: str
    is_element: bool = False
    optional: bool = True
    read: Callable[[Parameter, RuleLimits], Fields]
    write: Callable[[Rule], Parameter | None]
    options: Callable[[RuleLimits], etree._Element]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleType:
    """A kind of rule: its parameters, the topic of its events, and what a rule without any parameter is like."""

    kind: RuleKind
    topic: str
    parameters: tuple[RuleParameter, ...]
    defaults: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The full name of the type."""
        return names.tag(names.SCHEMA, self.kind.value)


def _int_range(low: int, high: int, name: str = "IntRange") -> etree._Element:
    minimum, maximum = shapes.element("Min", text=str(low)), shapes.element("Max", text=str(high))
    return shapes.element(name, minimum, maximum)


def _float_range(low: float, high: float) -> etree._Element:
    texts = (("Min", low), ("Max", high))
    return shapes.element("FloatRange", *(shapes.element(n, text=shapes.write_number(v)) for n, v in texts))


def _polygon_options(limits: RuleLimits) -> etree._Element:
    only = shapes.element("RectangleOnly", text="false")
    return shapes.element("PolygonOptions", only, _int_range(3, limits.maximum_points, "VertexLimits"))


def _field(*, optional: bool) -> RuleParameter:
    def write(rule: Rule) -> Parameter | None:
        points = rule.points or (() if optional else _WHOLE_PICTURE)
        return shapes.write_points("Polygon", points) if points else None

    return RuleParameter(
        name="Field",
        type="tt:Polygon",
        is_element=True,
        optional=optional,
        read=lambda value, limits: {
            "points": shapes.read_points(value, "Field", "Polygon", (3, limits.maximum_points))
        },
        write=write,
        options=_polygon_options,
    )


def _seconds(name: str) -> RuleParameter:
    return RuleParameter(
        name=name,
        type="xs:duration",
        read=lambda value, limits: {"min_seconds": shapes.read_seconds(value, name, limits.maximum_seconds)},
        write=lambda rule: shapes.write_seconds(rule.min_seconds),
        options=lambda limits: shapes.element(
            "DurationRange",
            shapes.element("Min", text="PT0S"),
            shapes.element("Max", text=shapes.write_seconds(limits.maximum_seconds)),
        ),
    )


def _confidence(name: str) -> RuleParameter:
    return RuleParameter(
        name=name,
        type="xs:float",
        read=lambda value, _: {"confidence": shapes.read_number(value, name, 0, 1)},
        write=lambda rule: shapes.write_number(rule.confidence),
        options=lambda _: _float_range(0, 1),
    )


_SEGMENTS: Final = RuleParameter(
    name="Segments",
    type="tt:Polyline",
    is_element=True,
    optional=False,
    read=lambda value, limits: {
        "points": shapes.read_points(value, "Segments", "Polyline", (2, limits.maximum_points))
    },
    write=lambda rule: shapes.write_points("Polyline", rule.points or _MIDDLE_LINE),
    options=lambda limits: _int_range(2, limits.maximum_points),
)


def _read_direction(value: Parameter, _: RuleLimits) -> Fields:
    words = shapes.read_words(value, "Direction", [*LineDirection])
    if len(words) != 1:
        raise ConfigError(f"Direction is one of {', '.join(LineDirection)}")
    return {"direction": LineDirection(words[0])}


_DIRECTION: Final = RuleParameter(
    name="Direction",
    type="tt:Direction",
    read=_read_direction,
    write=lambda rule: rule.direction.value,
    options=lambda _: shapes.element("StringList", text=" ".join(LineDirection)),
)

_CLASS_FILTER: Final = RuleParameter(
    name="ClassFilter",
    type="tt:StringList",
    read=lambda value, limits: {"classes": shapes.read_words(value, "ClassFilter", limits.classes)},
    write=lambda rule: " ".join(rule.classes),
    options=lambda limits: shapes.element("StringList", text=" ".join(limits.classes)),
)


def _axt(name: str) -> str:
    return names.tag(names.ANALYTICS_TYPES, name)


def _read_region(value: Parameter, limits: RuleLimits) -> Fields:
    if isinstance(value, str) or value.tag != _axt("MotionRegionConfig"):
        raise ConfigError("MotionRegion must hold an axt:MotionRegionConfig")
    found: Fields = {}
    armed, sensitivity = value.get("Armed"), value.get("Sensitivity")
    if armed is not None:
        found["armed"] = shapes.read_boolean(armed.strip(), "Armed")
    if sensitivity is not None:
        found["sensitivity"] = shapes.read_number(sensitivity, "Sensitivity", 0, 1) * 100
    polygon = value.find(shapes.tt("Polygon"))
    if polygon is not None:
        found["points"] = shapes.read_points(polygon, "MotionRegion", "Polygon", (3, limits.maximum_points))
    if value.find(_axt("PresetToken")) is not None:
        raise ConfigError("a motion region cannot be bound to a preset")
    return found


def _write_region(rule: Rule) -> Parameter:
    region = etree.Element(
        _axt("MotionRegionConfig"),
        {"Armed": str(rule.armed).lower(), "Sensitivity": shapes.write_number(rule.sensitivity / 100)},
        nsmap={"axt": names.ANALYTICS_TYPES, "tt": names.SCHEMA},
    )
    if rule.points:
        region.append(shapes.write_points("Polygon", rule.points))
    return region


def _region_options(limits: RuleLimits) -> etree._Element:
    options = etree.Element(
        _axt("MotionRegionConfigOptions"),
        {"PTZPresetMotionSupport": "false"},
        nsmap={"axt": names.ANALYTICS_TYPES, "tt": names.SCHEMA},
    )
    etree.SubElement(options, _axt("DisarmSupport")).text = "true"
    etree.SubElement(options, _axt("PolygonSupport")).text = "true"
    bounds = etree.SubElement(options, _axt("PolygonLimits"))
    bounds.extend(_int_range(3, limits.maximum_points))
    etree.SubElement(options, _axt("SingleSensitivitySupport")).text = "false"
    etree.SubElement(options, _axt("RuleNotification")).text = "true"
    return options


_MOTION_REGION: Final = RuleParameter(
    name="MotionRegion",
    type="axt:MotionRegionConfig",
    is_element=True,
    optional=False,
    read=_read_region,
    write=_write_region,
    options=_region_options,
)

_TYPES: Final = (
    RuleType(
        kind=RuleKind.FIELD_DETECTOR,
        topic=topics.OBJECTS_INSIDE.path,
        # The standard has no dwell time here and lets devices add parameters; it goes by the name it has elsewhere.
        parameters=(_CLASS_FILTER, _seconds("DwellTime"), _field(optional=False)),
        defaults={"points": _WHOLE_PICTURE},
    ),
    RuleType(
        kind=RuleKind.LINE_DETECTOR,
        topic=topics.LINE_CROSSED.path,
        parameters=(_DIRECTION, _CLASS_FILTER, _SEGMENTS),
        defaults={"points": _MIDDLE_LINE},
    ),
    RuleType(
        kind=RuleKind.LOITERING_DETECTOR,
        topic="tns1:RuleEngine/LoiteringDetector/ObjectIsLoitering",
        parameters=(_seconds("TimeThreshold"), _CLASS_FILTER, _field(optional=True)),
        defaults={"min_seconds": 30.0},
    ),
    RuleType(
        kind=RuleKind.COUNTING,
        topic="tns1:RuleEngine/CountAggregation/Counter",
        parameters=(_DIRECTION, _CLASS_FILTER, _SEGMENTS),
        defaults={"points": _MIDDLE_LINE},
    ),
    RuleType(
        kind=RuleKind.OBJECT_DETECTION,
        topic="tns1:RuleEngine/ObjectDetection/Object",
        parameters=(_CLASS_FILTER, _confidence("ConfidenceLevel"), _seconds("DwellTime"), _field(optional=True)),
        defaults={},
    ),
    RuleType(
        kind=RuleKind.MOTION_REGION,
        topic="tns1:RuleEngine/MotionRegionDetector/Motion",
        parameters=(_MOTION_REGION,),
        defaults={},
    ),
    RuleType(
        kind=RuleKind.FACE_RECOGNITION,
        topic="tns1:RuleEngine/Recognition/Face",
        parameters=(_confidence("Threshold"),),
        defaults={},
    ),
)
RULE_TYPES: Final[Mapping[RuleKind, RuleType]] = {one.kind: one for one in _TYPES}
