"""Event brokers: JSON as the standard says, to a real Mosquitto."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest
from onvif_host import Running
from onvif_soap_client import SoapClient
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from onvif_server.backend import Topic, TopicItem
from onvif_server.events.broker import Broker, Message, PropertyOperation
from onvif_server.events.event_brokers import EventBroker, EventBrokerError, EventBrokers, publication
from onvif_server.events.topics import LINE_CROSSED, MOTION_ALARM
from onvif_server.memory import DeviceMemory

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
        self._process = subprocess.Popen(
            ["/usr/sbin/mosquitto", "-c", self.folder / "mosquitto.conf"], stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 20
        while socket.socket().connect_ex(("127.0.0.1", self.port)):
            assert time.monotonic() < deadline, "mosquitto did not start"
            time.sleep(0.02)

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
        self._client.on_message = lambda _client, _data, found: self.heard.append(
            (found.topic, found.payload, found.retain, found.qos)
        )
        self._client.on_connect = lambda client, *_: client.subscribe("#", 2)
        self._client.on_subscribe = lambda *_: setattr(self, "ready", True)
        self.ready = False
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

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


async def test_tls_without_a_policy_for_certificates(client: SoapClient, mosquitto: Mosquitto) -> None:
    await client.call(request(f"mqtts://127.0.0.1:{mosquitto.tls_port}"))
    await status(client, "Connected")


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
    assert json.loads(found.payload)["Key"] == {"ObjectId": "7"}
    bare = Message(topic=topic.path, at=NOW)
    assert publication("p", topic, bare).topic == "p/onvif-ej/Device/acme:Lens"
