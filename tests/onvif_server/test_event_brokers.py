"""Event brokers: JSON as the standard says, to a real Mosquitto."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from lxml import etree
from onvif_host import Running
from onvif_soap_client import SoapClient
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from onvif_server.backend import PtzStatus, SceneFrame, SceneObject, Topic, TopicItem
from onvif_server.events.broker import Broker, Message, PropertyOperation
from onvif_server.events.broker_values import EventBroker
from onvif_server.events.event_brokers import EventBrokerError, EventBrokers, publication
from onvif_server.events.topics import LINE_CROSSED, MOTION_ALARM, OBJECTS_INSIDE
from onvif_server.memory import DeviceMemory
from onvif_server.settings import BrokerTrust

pytestmark = pytest.mark.ledger("ONVIF-2")

NOW = 1_700_000_000.0
PASSWORD = "broker-secret"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Mosquitto:
    """A broker on loopback that knows one user, with and without TLS."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, self.tls_port = free_port(), free_port()
        passwords = folder / "passwords"
        passwords.touch()
        subprocess.run(["mosquitto_passwd", "-b", passwords, "device", PASSWORD], check=True, timeout=20)
        subprocess.run(
            [
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-days",
                "1",
                "-subj",
                "/CN=broker",
                "-addext",
                "subjectAltName=IP:127.0.0.1",
                "-keyout",
                folder / "key.pem",
                "-out",
                folder / "certificate.pem",
            ],
            check=True,
            capture_output=True,
            timeout=60,
        )
        (folder / "mosquitto.conf").write_text(
            f"user root\nallow_anonymous false\npassword_file {passwords}\nlistener {self.port} 127.0.0.1\n"
            f"listener {self.tls_port} 127.0.0.1\ncertfile {folder}/certificate.pem\nkeyfile {folder}/key.pem\n"
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                ["/usr/sbin/mosquitto", "-v", "-c", self.folder / "mosquitto.conf"], stderr=log
            )
        deadline = time.monotonic() + 20
        while socket.socket().connect_ex(("127.0.0.1", self.port)):
            assert time.monotonic() < deadline, "mosquitto did not start"
            time.sleep(0.02)

    def log(self) -> str:
        """What it has told about its clients."""
        return (self.folder / "log").read_text()

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)
            self._process = None

    @property
    def address(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"


class Listener:
    """A client of the broker that hears everything."""

    def __init__(self, port: int) -> None:
        self.heard: list[tuple[str, bytes, bool, int]] = []
        self._client = paho.Client(CallbackAPIVersion.VERSION2)
        self._client.username_pw_set("device", PASSWORD)
        self._client.on_message = self._hear
        self._client.on_connect = lambda client, *_: client.subscribe("#", 2)
        self._client.on_subscribe = lambda *_: setattr(self, "ready", True)
        self.ready = False
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def _hear(self, _client: object, _data: object, found: paho.MQTTMessage) -> None:
        # The host's preset tour has a state too, which each new connection is told.
        if "/PTZController/" not in found.topic:
            self.heard.append((found.topic, found.payload, found.retain, found.qos))

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    async def until(self, count: int) -> list[tuple[str, bytes, bool, int]]:
        async with asyncio.timeout(20):
            while len(self.heard) < count or not self.ready:
                await asyncio.sleep(0.02)
        return self.heard


@pytest.fixture
def mosquitto(sockets: None, tmp_path: Path) -> Iterator[Mosquitto]:
    server = Mosquitto(tmp_path)
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def listener(mosquitto: Mosquitto) -> AsyncIterator[Listener]:
    found = Listener(mosquitto.port)
    await found.until(0)
    yield found
    found.stop()


def request(address: str, more: str = "", prefix: str = "site/yard", password: str = PASSWORD) -> str:
    login = f"<tev:UserName>device</tev:UserName><tev:Password>{password}</tev:Password>" if password else ""
    return (
        f"<tev:AddEventBroker><tev:EventBroker><tev:Address>{address}</tev:Address>"
        f"<tev:TopicPrefix>{prefix}</tev:TopicPrefix>{login}{more}</tev:EventBroker></tev:AddEventBroker>"
    )


async def status(client: SoapClient, expected: str) -> None:
    async with asyncio.timeout(20):
        while (await client.call("<tev:GetEventBrokers/>")).texts("Status") != [expected]:
            await asyncio.sleep(0.02)


def motion(running: Running, state: bool) -> None:
    running.device.broker.publish(MOTION_ALARM.path, source={"Source": "yard"}, data={"State": state}, utc=NOW)


def crossed(running: Running, number: int) -> None:
    # Not in the order of the topic's description.
    source = {"Rule": "gate", "VideoSourceConfigurationToken": "v", "VideoAnalyticsConfigurationToken": "a"}
    running.device.broker.publish(LINE_CROSSED.path, source=source, data={"ObjectId": number}, utc=NOW)


async def test_events_are_published_as_the_standard_says(
    client: SoapClient, running: Running, mosquitto: Mosquitto, listener: Listener
) -> None:
    motion(running, True)
    assert (await client.call(request(mosquitto.address, "<tev:QoS>1</tev:QoS>"))).status == 200
    await listener.until(1)
    crossed(running, 7)
    (await listener.until(2)).sort()
    line, alarm = listener.heard
    assert alarm[0] == "site/yard/onvif-ej/VideoSource/MotionAlarm/&yard"
    assert json.loads(alarm[1]) == {
        "UtcTime": "2023-11-14T22:13:20.000Z",
        "Source": {"Source": "yard"},
        "Data": {"State": "true"},
    }
    assert line[0] == "site/yard/onvif-ej/RuleEngine/LineDetector/Crossed/&v/a/gate"
    assert json.loads(line[1])["Data"] == {"ObjectId": "7"}
    assert line[3] == alarm[3] == 1
    await status(client, "Connected")


async def test_properties_are_retained_until_they_are_deleted(
    client: SoapClient, running: Running, mosquitto: Mosquitto, listener: Listener
) -> None:
    await client.call(request(mosquitto.address, "<tev:QoS>2</tev:QoS>"))
    await status(client, "Connected")
    motion(running, True)
    crossed(running, 1)
    await listener.until(2)
    late = Listener(mosquitto.port)
    [(topic, _, retained, _)] = await late.until(1)
    assert retained
    assert topic.endswith("/MotionAlarm/&yard")
    late.stop()
    running.device.broker.publish(MOTION_ALARM.path, source={"Source": "yard"}, operation=PropertyOperation.DELETED)
    assert (await listener.until(3))[-1][1] == b""
    late = Listener(mosquitto.port)
    await late.until(0)
    await asyncio.sleep(0.1)
    assert late.heard == []
    late.stop()


async def test_only_what_passes_the_filter_is_published(
    client: SoapClient, running: Running, mosquitto: Mosquitto, listener: Listener
) -> None:
    expression = '<wsnt:TopicExpression Dialect="{}">tns1:RuleEngine//.</wsnt:TopicExpression>'.format(
        "http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet"
    )
    await client.call(request(mosquitto.address, f"<tev:PublishFilter>{expression}</tev:PublishFilter>"))
    motion(running, True)
    crossed(running, 1)
    [(topic, *_)] = await listener.until(1)
    assert "/RuleEngine/" in topic
    answer = await client.call("<tev:GetEventBrokers/>")
    assert answer.texts("TopicExpression") == ["tns1:RuleEngine//."]


async def test_what_happens_while_the_broker_is_away_comes_later_in_order(
    client: SoapClient, running: Running, mosquitto: Mosquitto
) -> None:
    await client.call(request(mosquitto.address, "<tev:QoS>1</tev:QoS>"))
    await status(client, "Connected")
    mosquitto.stop()
    await status(client, "Offline")
    mosquitto.start()
    found = Listener(mosquitto.port)
    await found.until(0)
    for number in range(5):
        crossed(running, number)
    await status(client, "Connected")
    await found.until(5)
    assert [json.loads(payload)["Data"]["ObjectId"] for _, payload, _, _ in found.heard] == list("01234")
    found.stop()


async def test_a_wrong_password_is_never_connected(client: SoapClient, mosquitto: Mosquitto) -> None:
    await client.call(request(mosquitto.address, password="wrong"))
    await status(client, "Offline")
    # The same address again, with the right one.
    await client.call(request(mosquitto.address))
    await status(client, "Connected")


async def test_tls_without_a_known_authority_is_refused_and_no_password_is_sent(
    client: SoapClient, mosquitto: Mosquitto
) -> None:
    """The broker's certificate is its own authority, which no system knows."""
    await client.call(request(f"mqtts://127.0.0.1:{mosquitto.tls_port}"))
    await status(client, "Connecting")
    await status(client, "Offline")
    assert "device" not in mosquitto.log()


@pytest.mark.parametrize(
    ("known", "always", "policy", "host", "connects"),
    [
        (True, True, "", "127.0.0.1", True),
        (True, False, "CertificateAuthorities", "127.0.0.1", True),
        # The certificate is for the address, and for no name.
        (True, True, "", "localhost", False),
        (False, False, "CertificateAuthorities", "127.0.0.1", False),
        # The letter of the standard: without a policy nothing is checked.
        (False, False, "", "127.0.0.1", True),
    ],
)
async def test_whose_certificate_is_trusted(
    mosquitto: Mosquitto, known: bool, always: bool, policy: str, host: str, connects: bool
) -> None:
    trust = BrokerTrust(authorities=mosquitto.folder / "certificate.pem" if known else None, always=always)
    brokers = EventBrokers(Broker([MOTION_ALARM], lambda: NOW), DeviceMemory(None), 4, trust)
    address = f"mqtts://{host}:{mosquitto.tls_port}"
    brokers.start()
    try:
        await brokers.add(
            EventBroker(address=address, topic_prefix="p", username="device", password=PASSWORD, policy=policy)
        )
        async with asyncio.timeout(30):
            while brokers.status(address) != ("Connected" if connects else "Offline"):
                await asyncio.sleep(0.02)
    finally:
        await brokers.stop()


async def test_a_policy_that_is_not_there_is_refused_and_one_that_is_is_told(client: SoapClient) -> None:
    policy = "<tev:CertPathValidationPolicyID>{}</tev:CertPathValidationPolicyID>"
    assert (await client.call(request("mqtts://127.0.0.1:1", policy.format("mine")))).subcodes[
        -1
    ] == "ter:InvalidCertificateID"
    assert (await client.call(request("mqtts://127.0.0.1:1", policy.format("CertificateAuthorities")))).status == 200
    answer = await client.call("<tev:GetEventBrokers/>")
    assert answer.texts("CertPathValidationPolicyID") == ["CertificateAuthorities"]


# --- metadata -------------------------------------------------------------------------------------------------------


WALKER = SceneFrame(
    channel="yard",
    at=NOW,
    objects=(SceneObject(object_id=15, box=(-0.5, -0.25, 0.5, 0.75), classes=(("Human", 0.8),)),),
)


def metadata_filter(expression: str) -> str:
    dialect = "http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet"
    return (
        f'<tev:MetadataFilter><wsnt:TopicExpression Dialect="{dialect}">{expression}</wsnt:TopicExpression>'
        "</tev:MetadataFilter>"
    )


async def test_metadata_is_published_as_json(
    client: SoapClient, running: Running, mosquitto: Mosquitto, listener: Listener
) -> None:
    assert not running.device.metadata.mirrored
    await client.call(request(mosquitto.address))
    await status(client, "Connected")
    assert running.device.metadata.mirrored
    running.device.metadata.publish(WALKER)
    running.device.metadata.publish(replace(WALKER, objects=()))
    (topic, payload, retained, _), (_, empty, _, _) = await listener.until(2)
    assert topic == "site/yard/onvif-mj/VideoAnalytics/yard-profile/ObjectDetector"
    assert not retained
    assert json.loads(payload) == {
        "Frame": [
            {
                "@UtcTime": "2023-11-14T22:13:20.000Z",
                "@Source": "ObjectDetector",
                "Object": [
                    {
                        "@ObjectId": "15",
                        "Appearance": {
                            "Shape": {
                                "BoundingBox": {"@bottom": "-0.25", "@top": "0.75", "@right": "0.5", "@left": "-0.5"},
                                "CenterOfGravity": {"@x": "0", "@y": "0.25"},
                            },
                            "Class": {"Type": [{"@Likelihood": "0.8", "#text": "Human"}]},
                        },
                    }
                ],
            }
        ]
    }
    assert json.loads(empty)["Frame"][0].keys() == {"@UtcTime", "@Source"}


async def test_where_a_camera_looks_is_metadata_of_its_own(
    client: SoapClient, running: Running, mosquitto: Mosquitto, listener: Listener
) -> None:
    await client.call(request(mosquitto.address, metadata_filter("tns1:PTZ//.")))
    await status(client, "Connected")
    looking = PtzStatus(pan_deg=0.0, tilt_deg=0.0, zoom=0.5, at=NOW, pan_tilt_moving=True, zoom_moving=False)
    running.device.metadata.publish(replace(WALKER, channel="dome", ptz=looking))
    [(topic, payload, _, _)] = await listener.until(1)
    assert topic == "site/yard/onvif-mj/PTZ/dome-profile/dome-ptz-config"
    assert json.loads(payload)["PTZStatus"]["MoveStatus"] == {"PanTilt": "MOVING", "Zoom": "IDLE"}
    answer = await client.call("<tev:GetEventBrokers/>")
    assert answer.texts("TopicExpression") == ["tns1:PTZ//."]


async def test_a_filter_for_metadata_that_is_not_there_is_refused(client: SoapClient) -> None:
    wrong = request("mqtt://h:1", metadata_filter("tns1:Weather//."))
    assert (await client.call(wrong)).subcodes[-1] == "ter:InvalidFilter"


def test_the_key_of_an_event_is_among_its_data() -> None:
    """The payload's grammar has a time, a source and data, and nothing else."""
    message = Message(
        topic=OBJECTS_INSIDE.path,
        at=NOW,
        source=(("Rule", "gate"),),
        key=(("ObjectId", "7"),),
        data=(("IsInside", "true"),),
        operation=PropertyOperation.CHANGED,
    )
    content = json.loads(publication("p", OBJECTS_INSIDE, message).payload)
    assert content == {
        "UtcTime": "2023-11-14T22:13:20.000Z",
        "Source": {"Rule": "gate"},
        "Data": {"IsInside": "true", "ObjectId": "7"},
    }


def test_an_element_among_the_data_is_an_object() -> None:
    tour = etree.fromstring(
        '<tt:PresetTour xmlns:tt="http://www.onvif.org/ver10/schema" token="t"><tt:Name>Round</tt:Name>'
        "<tt:Status><tt:State>Idle</tt:State></tt:Status><tt:TourSpot/><tt:TourSpot/></tt:PresetTour>"
    )
    message = Message(topic=LINE_CROSSED.path, at=NOW, elements=(("PresetTour", tour),))
    assert json.loads(publication("p", LINE_CROSSED, message).payload)["Data"] == {
        "PresetTour": {"@token": "t", "Name": "Round", "Status": {"State": "Idle"}, "TourSpot": [None, None]}
    }


async def test_a_changed_broker_keeps_the_password_that_nobody_is_told(
    client: SoapClient, mosquitto: Mosquitto
) -> None:
    await client.call(request(mosquitto.address))
    login = "<tev:UserName>device</tev:UserName>"
    await client.call(request(mosquitto.address, f"{login}<tev:QoS>1</tev:QoS>", password=""))
    await status(client, "Connected")
    answer = await client.call("<tev:GetEventBrokers/>")
    assert answer.texts("QoS") == ["1"]
    assert answer.texts("UserName") == ["device"]
    assert answer.texts("Password") == []
    assert PASSWORD not in repr(running_broker(client))


def running_broker(client: SoapClient) -> EventBroker:
    return client.running.device._event_brokers.all()[0]


async def test_a_deleted_broker_gets_nothing_more(
    client: SoapClient, running: Running, mosquitto: Mosquitto, listener: Listener
) -> None:
    await client.call(request(mosquitto.address))
    await status(client, "Connected")
    address = f"<tev:Address>{mosquitto.address}</tev:Address>"
    assert (await client.call(f"<tev:DeleteEventBroker>{address}</tev:DeleteEventBroker>")).status == 200
    crossed(running, 1)
    await asyncio.sleep(0.1)
    assert listener.heard == []
    answer = await client.call(f"<tev:DeleteEventBroker>{address}</tev:DeleteEventBroker>")
    assert answer.subcodes == ["s:Sender", "ter:InvalidArgVal", "ter:InvalidAddress"]
    answer = await client.call(f"<tev:GetEventBrokers>{address}</tev:GetEventBrokers>")
    assert answer.subcodes[-1] == "ter:InvalidAddress"


@pytest.mark.parametrize(
    ("address", "more", "subcode"),
    [
        ("amqp://127.0.0.1:1", "", "ter:InvalidProtocol"),
        ("mqtt://:1", "", "ter:InvalidAddress"),
        ("mqtt://a:b@h:1", "", "ter:InvalidAddress"),
        ("mqtt://h:99999", "", "ter:InvalidAddress"),
        ("mqtt://h:1/path", "", "ter:InvalidAddress"),
        ("mqtt://h:1", "<tev:QoS>3</tev:QoS>", "ter:InvalidArgVal"),
        (
            "mqtt://h:1",
            '<tev:PublishFilter><wsnt:TopicExpression Dialect="urn:x">a</wsnt:TopicExpression></tev:PublishFilter>',
            "ter:InvalidFilter",
        ),
    ],
)
async def test_what_cannot_be_is_refused(client: SoapClient, address: str, more: str, subcode: str) -> None:
    assert (await client.call(request(address, more))).subcodes[-1] == subcode
    assert (await client.call("<tev:GetEventBrokers/>")).texts("Address") == []


async def test_a_prefix_of_wildcards_is_none(client: SoapClient) -> None:
    assert (await client.call(request("mqtt://h:1", prefix="#/+"))).subcodes[-1] == "ter:InvalidArgVal"


async def test_only_administrators_change_brokers(client: SoapClient) -> None:
    client.username = "operator"
    assert (await client.call(request("mqtt://127.0.0.1:9"))).subcodes[-1] == "ter:NotAuthorized"


async def test_the_protocols_and_the_number_are_told(client: SoapClient, session: aiohttp.ClientSession) -> None:
    answer = await client.call("<tev:GetServiceCapabilities/>")
    capabilities = answer.content.find("{*}Capabilities")
    assert capabilities.get("EventBrokerProtocols") == "mqtt mqtts"
    assert capabilities.get("MaxEventBrokers") == "4"
    for number in range(4):
        await client.call(request(f"mqtt://127.0.0.1:{number + 1}"))
    refused = await client.call(request("mqtt://127.0.0.1:9"))
    assert refused.subcodes == ["s:Receiver", "ter:Action", "ter:TooManyEventBrokers"]


async def test_brokers_survive_a_restart_and_are_forgotten_with_all_else() -> None:
    memory = DeviceMemory(None)
    broker = Broker([MOTION_ALARM], lambda: NOW)
    first = EventBrokers(broker, memory, 4)
    await first.add(EventBroker(address="mqtt://h:1", topic_prefix="p", username="u", password="s", qos=2))
    again = EventBrokers(broker, memory, 4)
    assert again.all() == first.all()
    again.forget()
    assert again.all() == ()
    with pytest.raises(EventBrokerError):
        await again.delete("mqtt://h:1")


def test_without_the_library_there_are_no_brokers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onvif_server.events.event_brokers.find_spec", lambda _name: None)
    assert EventBrokers(Broker([], lambda: NOW), DeviceMemory(None), 4).maximum == 0


def test_topics_hold_no_wildcards_and_keep_foreign_prefixes() -> None:
    topic = Topic(path="tns1:Device/acme:Lens+#", is_property=False, source=(TopicItem("A"),))
    message = Message(topic=topic.path, at=NOW, source=(("A", "x#+y"),), key=(("ObjectId", "7"),))
    found = publication("p", topic, message)
    assert found.topic == "p/onvif-ej/Device/acme:Lens/&xy"
    assert json.loads(found.payload)["Data"] == {"ObjectId": "7"}
    bare = Message(topic=topic.path, at=NOW)
    assert publication("p", topic, bare).topic == "p/onvif-ej/Device/acme:Lens"
