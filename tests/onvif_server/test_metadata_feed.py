"""The documents of the metadata stream."""

from __future__ import annotations

import pytest
from lxml import etree
from onvif_host import Running
from onvif_soap_client import SoapClient

from onvif_server import tokens
from onvif_server.backend import Module, PtzStatus, SceneFrame, SceneObject
from onvif_server.events import topics
from onvif_server.media.metadata_settings import MetadataSetting
from onvif_server.soap.schema import FOLDER, load_schemas

pytestmark = pytest.mark.ledger("ONVIF-2")

WALKER = SceneObject(
    object_id=7,
    box=(-0.5, -1.0, -0.25, 0.5),
    classes=(("Human", 0.875), ("Animal", 0.1)),
    speed=1.5,
    geo=(13.4, 52.5, 35.0),
    parent_id=3,
)
CAR = SceneObject(object_id=8, box=(0.0, 0.0, 0.5, 0.5), classes=(("Vehicle", 0.4),))
STATUS = PtzStatus(pan_deg=90.0, tilt_deg=35.0, zoom=0.5, pan_tilt_moving=True, zoom_moving=False, at=1.7e9)


class Listener:
    """Keeps the documents of a channel; each is valid."""

    def __init__(self, running: Running, channel: str) -> None:
        self.documents: list[etree._Element] = []
        self.times: list[float] = []
        self.cancel = running.device.metadata.listen(channel, self)

    def __call__(self, document: bytes, at: float) -> None:
        root = etree.fromstring(document)
        assert load_schemas().invalidity(root) is None, document.decode()
        self.documents.append(root)
        self.times.append(at)


def frame(*objects: SceneObject, channel: str = "yard", ptz: PtzStatus | None = None) -> SceneFrame:
    return SceneFrame(channel=channel, at=1_700_000_000.25, objects=objects, ptz=ptz)


def attributes(root: etree._Element, name: str) -> list[dict[str, str]]:
    return [dict(one.attrib) for one in root.iterfind(f".//{{*}}{name}")]


async def test_an_object_is_told_with_its_box_classes_number_and_parent(running: Running) -> None:
    listener = Listener(running, "yard")
    running.device.metadata.publish(frame(WALKER))
    (document,) = listener.documents
    assert listener.times == [1_700_000_000.25]
    assert attributes(document, "Frame") == [{"UtcTime": "2023-11-14T22:13:20.250Z", "Source": "ObjectDetector"}]
    assert attributes(document, "Object") == [{"ObjectId": "7", "Parent": "3"}]
    assert attributes(document, "BoundingBox") == [{"bottom": "-1", "top": "0.5", "right": "-0.25", "left": "-0.5"}]
    assert attributes(document, "CenterOfGravity") == [{"x": "-0.375", "y": "-0.25"}]
    assert [(t.text, t.get("Likelihood")) for t in document.iterfind(".//{*}Class/{*}Type")] == [
        ("Human", "0.875"),
        ("Animal", "0.1"),
    ]
    assert document.findtext(".//{*}Speed") == "1.5"


async def test_a_picture_with_nothing_in_it_is_the_heartbeat(running: Running) -> None:
    listener = Listener(running, "yard")
    running.device.metadata.publish(frame())
    assert [len(one) for one in listener.documents[0].iterfind(".//{*}Frame")] == [0]


async def test_modules_say_what_is_told(running: Running) -> None:
    cars = Module(name="cars", classes=("Vehicle",), confidence=0.3)
    sure = Module(name="sure", confidence=0.8)
    await running.device.analytics_modules.set("yard", (cars, sure))
    listener = Listener(running, "yard")
    running.device.metadata.publish(frame(WALKER, CAR))
    told = {
        one.get("Source"): [each.get("ObjectId") for each in one]
        for one in listener.documents[0].iterfind(".//{*}Frame")
    }
    assert told == {"cars": ["8"], "sure": ["7"]}
    await running.device.analytics_modules.set("yard", ())
    running.device.metadata.publish(frame(WALKER, CAR))
    assert len(listener.documents) == 1


async def test_the_head_is_told_where_the_configuration_wants_it(running: Running) -> None:
    listener = Listener(running, "dome")
    running.device.metadata.publish(frame(channel="dome", ptz=STATUS))
    (pan_tilt,) = listener.documents[0].iterfind(".//{*}Position/{*}PanTilt")
    assert (pan_tilt.get("x"), pan_tilt.get("y")) == ("0.5", "0")
    assert listener.documents[0].findtext(".//{*}MoveStatus/{*}PanTilt") == "MOVING"
    await running.device.metadata_settings.set(
        "dome", MetadataSetting(analytics=False, ptz_status=False, ptz_position=False)
    )
    running.device.metadata.publish(frame(channel="dome", ptz=STATUS))
    assert len(listener.documents) == 1


async def test_events_of_the_channel_are_told_and_the_others_are_not(running: Running) -> None:
    listener, broker = Listener(running, "yard"), running.device.broker
    broker.publish(topics.MOTION_ALARM.path, source={"Source": tokens.video_source("yard")}, data={"State": True})
    broker.publish(topics.MOTION_ALARM.path, source={"Source": tokens.video_source("dome")}, data={"State": True})
    (document,) = listener.documents
    assert document.findtext(".//{*}Topic") == topics.MOTION_ALARM.path
    assert "tns1" in document.nsmap
    running.device.metadata.synchronize("yard")
    states = [one.get("PropertyOperation") for one in listener.documents[1].iterfind(".//{*}Message/{*}Message")]
    assert states == ["Initialized"]


async def test_events_can_be_switched_off(running: Running) -> None:
    await running.device.metadata_settings.set("yard", MetadataSetting(event_topics=None, events=None))
    listener = Listener(running, "yard")
    running.device.broker.publish(topics.MOTION_ALARM.path, source={}, data={"State": True})
    assert listener.documents == []


async def test_who_left_hears_nothing_and_a_listener_that_fails_harms_nobody(running: Running) -> None:
    gone, stays = Listener(running, "yard"), Listener(running, "yard")
    gone.cancel()
    gone.cancel()

    def fails(document: bytes, at: float) -> None:
        raise RuntimeError("out of order")

    running.device.metadata.listen("yard", fails)
    running.device.metadata.publish(frame(WALKER))
    running.device.metadata.publish(frame(WALKER))
    assert (len(gone.documents), len(stays.documents)) == (0, 2)


async def test_the_schema_as_published_agrees(running: Running) -> None:
    xmlschema = pytest.importorskip("xmlschema")
    schema = xmlschema.XMLSchema11(str(FOLDER / "ver10/schema/metadatastream.xsd"), allow="local")
    documents: list[bytes] = []
    running.device.metadata.listen("yard", lambda document, at: documents.append(document))
    running.device.metadata.publish(frame(WALKER, CAR))
    schema.validate(etree.fromstring(documents[0]))


# --- by SetMetadataConfiguration ------------------------------------------------------------------------------------


def told(listener: Listener) -> set[str]:
    """The parts and topics since the last look."""
    found = {str(etree.QName(part).localname) for document in listener.documents for part in document}
    found |= {str(topic.text) for document in listener.documents for topic in document.iter("{*}Topic")}
    listener.documents.clear()
    return found


def everything(running: Running) -> None:
    """A frame with an object and a place, and two events."""
    broker = running.device.broker
    running.device.metadata.publish(frame(WALKER, channel="dome", ptz=STATUS))
    source = {"VideoSourceConfigurationToken": tokens.video_source_configuration("dome")}
    broker.publish(topics.LINE_CROSSED.path, source=source, data={"ObjectId": 1})
    broker.publish(topics.MOTION_ALARM.path, source={"Source": tokens.video_source("dome")}, data={"State": True})


async def test_a_client_decides_by_the_configuration_what_the_stream_tells(
    client: SoapClient, running: Running
) -> None:
    listener = Listener(running, "dome")
    events = {topics.LINE_CROSSED.path, topics.MOTION_ALARM.path}
    everything(running)
    assert told(listener) == {"VideoAnalytics", "PTZ", "Event", *events}

    only_rules = (
        "<tt:Events><tt:Filter><wsnt:TopicExpression "
        'Dialect="http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet">tns1:RuleEngine//.'
        "</wsnt:TopicExpression></tt:Filter></tt:Events>"
    )
    for content, expected in (
        (f"{PLACE}{only_rules}<tt:Analytics>false</tt:Analytics>", {"PTZ", "Event", topics.LINE_CROSSED.path}),
        ("<tt:Analytics>true</tt:Analytics>", {"VideoAnalytics"}),
        (f"{PLACE}<tt:Events/><tt:Analytics>false</tt:Analytics>", {"PTZ", "Event", *events}),
    ):
        answer = await client.call(
            "<tr2:SetMetadataConfiguration>"
            f'<tr2:Configuration token="{tokens.metadata_configuration("dome")}">'
            f"<tt:Name>Dome</tt:Name><tt:UseCount>1</tt:UseCount>{content}{MULTICAST}</tr2:Configuration>"
            "</tr2:SetMetadataConfiguration>"
        )
        assert answer.status == 200, answer.subcodes
        told(listener)
        everything(running)
        assert told(listener) == expected

    assert (
        await client.call(
            "<tr2:SetSynchronizationPoint><tr2:ProfileToken>dome-profile</tr2:ProfileToken>"
            "</tr2:SetSynchronizationPoint>"
        )
    ).status == 200
    assert topics.MOTION_ALARM.path in told(listener)


PLACE = "<tt:PTZStatus><tt:Status>false</tt:Status><tt:Position>true</tt:Position></tt:PTZStatus>"
MULTICAST = (
    "<tt:Multicast><tt:Address><tt:Type>IPv4</tt:Type><tt:IPv4Address>0.0.0.0</tt:IPv4Address></tt:Address>"
    "<tt:Port>0</tt:Port><tt:TTL>0</tt:TTL><tt:AutoStart>false</tt:AutoStart></tt:Multicast>"
    "<tt:SessionTimeout>PT60S</tt:SessionTimeout>"
)
