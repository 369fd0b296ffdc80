"""The engine's rules and tracks in ONVIF's words."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import pytest

from engine.app.rulebook import RuleRefused, new_rule_id, rule_of
from engine.config import RuleConfig
from engine.core.events import PictureFault, PictureQuality, RuleKind, RuleTriggered
from engine.core.geometry import Box, Point
from engine.core.values import TargetType, Track, TrackUpdate
from engine.onvif_device.analytics import EngineAnalytics
from engine.onvif_device.events import TOPICS, EventTranslator
from engine.onvif_device.numbers import ObjectNumbers
from engine.onvif_device.scene import scene_frame
from engine.rules import RuleEngine
from onvif_server.backend import Caller, LineDirection, Refusal, Refused, Rule
from onvif_server.backend import RuleKind as OnvifKind
from onvif_server.events import topics
from onvif_server.events.broker import Broker, Message, PropertyOperation
from onvif_server.tokens import video_source

pytestmark = pytest.mark.ledger("ONVIF-6")

CALLER = Caller("recorder", "192.0.2.1")
GATE = RuleConfig(
    rule_id="gate",
    name="Gate",
    kind=RuleKind.LINE_CROSSING,
    channel="wide",
    points=(Point(0.5, 1.0), Point(0.5, 0.0)),
    direction="a_to_b",
    min_seconds=0.0,
    targets=(TargetType.PERSON,),
    link="pair",
    priority=70,
)


class Book:
    """Rules in memory."""

    def __init__(self, *rules: RuleConfig) -> None:
        self.kept = {rule.rule_id: rule for rule in rules}
        self.refusal: RuleRefused | None = None

    def rules(self, channel: str | None = None) -> tuple[RuleConfig, ...]:
        return tuple(rule for rule in self.kept.values() if channel in {None, rule.channel})

    async def add(self, rules: Sequence[RuleConfig]) -> None:
        if self.refusal:
            raise self.refusal
        self.kept |= {rule.rule_id: rule for rule in rules}

    async def replace(self, rules: Sequence[RuleConfig]) -> None:
        await self.add(rules)

    async def remove(self, ids: Collection[str]) -> None:
        for rule_id in ids:
            del self.kept[rule_id]


def analytics(book: Book) -> EngineAnalytics:
    return EngineAnalytics("wide", book, new_rule_id, RuleRefused)


def walker(track_id: str, x: float, at: float, *, kind: TargetType = TargetType.PERSON) -> TrackUpdate:
    track = Track(track_id, "wide", kind, Box(x - 0.05, 0.3, 0.1, 0.4), 0.9, at, 0.0, detected=True, confirmed=True)
    return TrackUpdate("wide", at, (track,), 16 / 9)


async def test_a_rule_that_a_client_makes_is_told_back_and_works_in_the_engine() -> None:
    book = Book(GATE)
    points = ((-1.0, -1.0), (1.0, -1.0), (1.0, 1.0))
    made = Rule(name="Front yard", kind=OnvifKind.FIELD_DETECTOR, points=points, classes=("Human",), min_seconds=2.0)
    await analytics(book).create_rules(CALLER, [made])
    assert analytics(book).rules()[1] == made
    kept = book.kept["front-yard"]
    assert kept.points == (Point(0.0, 1.0), Point(1.0, 1.0), Point(1.0, 0.0))
    assert rule_of(kept).kind is RuleKind.INTRUSION


@pytest.mark.parametrize(("direction", "way"), [(LineDirection.RIGHT, 1), (LineDirection.LEFT, -1)])
async def test_left_and_right_are_where_one_walks_to_seen_along_the_line(direction: LineDirection, way: int) -> None:
    # Drawn from the bottom of the picture to its top: its right hand is the right of the picture.
    book = Book()
    line = Rule(name="line", kind=OnvifKind.LINE_DETECTOR, points=((0.0, -1.0), (0.0, 1.0)), direction=direction)
    await analytics(book).create_rules(CALLER, [line])
    found = []
    for side in (1, -1):
        engine = RuleEngine([rule_of(rule) for rule in book.rules()])
        for step in range(-5, 6):
            found += [side for _ in engine.update(walker("t", 0.5 + 0.08 * step * side, 100.0 + step * 0.2))]
    assert found == [way]


async def test_a_change_keeps_what_onvif_has_no_word_for() -> None:
    book = Book(GATE)
    (gate,) = analytics(book).rules()
    assert (gate.name, gate.direction, gate.points) == ("Gate", LineDirection.RIGHT, ((0.0, -1.0), (0.0, 1.0)))
    await analytics(book).modify_rules(CALLER, [replace(gate, classes=("Vehicle", "Bicycle"))])
    assert book.kept["gate"] == replace(GATE, targets=(TargetType.VEHICLE, TargetType.TWO_WHEELER))
    await analytics(book).delete_rules(CALLER, ["Gate"])
    assert book.kept == {}


async def test_names_that_are_there_twice_give_way_to_ids() -> None:
    book = Book(GATE, replace(GATE, rule_id="gate-2"))
    assert [rule.name for rule in analytics(book).rules()] == ["gate", "gate-2"]


@pytest.mark.parametrize(("kind", "refusal"), [("too_many", Refusal.TOO_MANY), ("unavailable", Refusal.UNAVAILABLE)])
async def test_the_engines_refusals_are_passed_on(kind: str, refusal: Refusal) -> None:
    book = Book(GATE)
    book.refusal = RuleRefused("no", kind)  # type: ignore[arg-type]
    with pytest.raises(Refused) as caught:
        await analytics(book).create_rules(CALLER, [Rule(name="x", kind=OnvifKind.OBJECT_DETECTION)])
    assert caught.value.refusal is refusal


async def test_a_rule_that_is_not_there_cannot_be_changed() -> None:
    with pytest.raises(Refused) as caught:
        await analytics(Book()).delete_rules(CALLER, ["none"])
    assert caught.value.refusal is Refusal.NOT_FOUND


def test_tracks_become_objects_with_the_numbers_of_the_events() -> None:
    numbers = ObjectNumbers()
    numbers.of("somebody else")
    frame = scene_frame(walker("t-1", 0.5, 7.0, kind=TargetType.TWO_WHEELER), numbers)
    (found,) = frame.objects
    assert found.object_id == numbers.of("t-1") == 2
    assert found.box == pytest.approx((-0.1, -0.4, 0.1, 0.4))
    assert found.classes == (("Bicycle", 0.9),)
    assert (frame.channel, frame.at) == ("wide", 7.0)


def test_tracks_that_may_be_nothing_are_not_told() -> None:
    update = walker("t-1", 0.5, 7.0)
    unsure = replace(update, tracks=tuple(replace(track, confirmed=False) for track in update.tracks))
    assert scene_frame(unsure, ObjectNumbers()).objects == ()


def told(*, kind: RuleKind, active: bool = True, count: int | None = None) -> list[Message]:
    broker = Broker(TOPICS, lambda: 0.0)
    heard: list[Message] = []
    broker.listen(heard.append)
    translator = EventTranslator(broker, rule_name=str.title)
    event = RuleTriggered(
        at=100.0,
        rule_id="gate",
        rule_kind=kind,
        channel="wide",
        track_id="t",
        target_type=TargetType.VEHICLE,
        box=Box(0.1, 0.1, 0.1, 0.1),
        active=active,
        count=count,
    )
    translator.translate(event)
    return [message for message in heard if message.topic != topics.MOTION_ALARM.path]


def test_loitering_is_a_property_that_ends() -> None:
    (begun,) = told(kind=RuleKind.LOITERING)
    assert (begun.topic, dict(begun.data)) == (topics.OBJECT_LOITERING.path, {"Since": "1970-01-01T00:01:40.000Z"})
    assert dict(begun.source)["Rule"] == "Gate"
    (ended,) = told(kind=RuleKind.LOITERING, active=False)
    assert ended.operation is PropertyOperation.DELETED


def test_a_counter_tells_its_count() -> None:
    (counted,) = told(kind=RuleKind.COUNTING, count=5)
    assert (counted.topic, dict(counted.data)) == (topics.COUNTER.path, {"Count": "5"})


def test_object_detection_tells_classes_and_then_none() -> None:
    (seen,) = told(kind=RuleKind.OBJECT_DETECTION)
    assert dict(seen.data) == {"ClassTypes": "Vehicle", "ObjectId": "1"}
    (gone,) = told(kind=RuleKind.OBJECT_DETECTION, active=False)
    assert dict(gone.data) == {"ClassTypes": "", "ObjectId": ""}


# --- motion, and what pictures are worth ----------------------------------------------------------------------------


async def test_a_motion_region_of_a_client_is_a_rule_of_the_engine_and_back() -> None:
    book = Book()
    points = ((-1.0, -1.0), (0.0, -1.0), (0.0, 1.0), (-1.0, 1.0))
    made = Rule(name="Left", kind=OnvifKind.MOTION_REGION, points=points, sensitivity=80.0, armed=False)
    await analytics(book).create_rules(CALLER, [made, replace(made, name="All", points=())])
    assert analytics(book).rules() == (made, replace(made, name="All", points=()))
    kept = book.kept["left"]
    assert (kept.kind, kept.sensitivity, kept.armed) == (RuleKind.MOTION_REGION, 80.0, False)
    assert kept.points == (Point(0.0, 1.0), Point(0.5, 1.0), Point(0.5, 0.0), Point(0.0, 0.0))
    await analytics(book).modify_rules(CALLER, [replace(made, sensitivity=10.0, armed=True)])
    assert rule_of(book.kept["left"]).sensitivity == 10.0


def test_motion_and_faults_of_pictures_are_properties() -> None:
    broker = Broker(TOPICS, lambda: 0.0)
    translator = EventTranslator(broker, rule_name=str.title)
    moves = replace(GATE, kind=RuleKind.MOTION_REGION, points=(), link=None)
    translator.begin(("wide",))
    translator.set_rules([moves, replace(GATE, rule_id="line")])
    assert state(broker, topics.MOTION_REGION.path) == {"State": "false"}
    assert state(broker, topics.IMAGE_TOO_DARK.path) == {"State": "false"}
    (message,) = [one for one in broker.state() if one.topic == topics.MOTION_REGION.path]
    assert dict(message.source) == {"VideoSource": video_source("wide"), "RuleName": "Gate"}

    motion = RuleTriggered(
        at=5.0,
        rule_id="gate",
        rule_kind=RuleKind.MOTION_REGION,
        channel="wide",
        track_id="",
        target_type=None,
        box=Box(0.1, 0.1, 0.1, 0.1),
        active=True,
    )
    translator.translate(motion)
    translator.translate(PictureQuality(at=6.0, channel="wide", fault=PictureFault.TOO_DARK, active=True))
    for topic in (topics.MOTION_REGION, topics.MOTION_ALARM, topics.IMAGE_TOO_DARK):
        assert state(broker, topic.path) == {"State": "true"}
    assert state(broker, topics.GLOBAL_SCENE_CHANGE.path) == {"State": "false"}

    # The same rules again change nothing; a rule that is gone takes its property with it.
    translator.set_rules([moves])
    assert state(broker, topics.MOTION_REGION.path) == {"State": "true"}
    translator.set_rules([])
    translator.translate(replace(motion, active=False))
    assert state(broker, topics.MOTION_REGION.path) is None
    assert state(broker, topics.MOTION_ALARM.path) == {"State": "false"}


def test_a_device_that_begins_later_knows_what_is() -> None:
    broker = Broker(TOPICS, lambda: 0.0)
    translator = EventTranslator(broker)
    translator.begin(("wide",))
    translator.set_rules([replace(GATE, kind=RuleKind.MOTION_REGION, points=(), link=None)], {"gate"})
    translator.set_faults("wide", {PictureFault.TOO_BLURRY})
    assert state(broker, topics.MOTION_REGION.path) == {"State": "true"}
    assert state(broker, topics.IMAGE_TOO_BLURRY.path) == {"State": "true"}


def state(broker: Broker, topic: str) -> dict[str, str] | None:
    """The data of the one property of a topic; None where there is none."""
    found = [dict(message.data) for message in broker.state() if message.topic == topic]
    return found[0] if found else None


def test_what_the_engine_cannot_do_is_not_offered() -> None:
    offered = {limits.kind for limits in analytics(Book()).limits}
    assert offered == set(OnvifKind) - {OnvifKind.FACE_RECOGNITION}
    assert "HumanFace" not in analytics(Book()).object_classes
