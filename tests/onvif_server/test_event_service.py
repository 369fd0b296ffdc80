"""Events: the broker, pull points over real HTTP, filters, life and death of subscriptions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from onvif_host import HandClock, Running
from onvif_soap_client import Response, SoapClient

from onvif_server import PropertyOperation
from onvif_server.events.broker import Broker
from onvif_server.events.filters import FilterError, parse_filter
from onvif_server.events.topics import LINE_CROSSED, MOTION_ALARM, OBJECTS_INSIDE
from onvif_server.soap import names

pytestmark = [pytest.mark.ledger("ONVIF-1", "EVT-4"), pytest.mark.usefixtures("no_tours")]

NOW = 1_700_000_000.0


@pytest.fixture
async def timed(sockets: None) -> AsyncIterator[Running]:
    device = Running(now=HandClock(NOW), maximum_subscriptions=3)
    await device.start()
    yield device
    await device.device.stop()


@pytest.fixture
def timed_client(timed: Running, session: aiohttp.ClientSession) -> SoapClient:
    return SoapClient(timed, session)


@dataclass
class Puller:
    """A pull point as its client sees it."""

    client: SoapClient
    address: str

    async def pull(self, timeout: str = "PT0S", limit: int = 100) -> Response:
        body = f"<tev:Timeout>{timeout}</tev:Timeout><tev:MessageLimit>{limit}</tev:MessageLimit>"
        return await self.client.call(f"<tev:PullMessages>{body}</tev:PullMessages>", self.address)

    async def messages(self, timeout: str = "PT0S", limit: int = 100) -> list[tuple[str, str | None, dict[str, str]]]:
        """Topic, property operation and data of each message."""
        response = await self.pull(timeout, limit)
        assert response.status == 200
        return [
            (
                found.findtext("{*}Topic"),
                found.find(".//{*}Message/{*}Message").get("PropertyOperation"),
                {item.get("Name"): item.get("Value") for item in found.iterfind(".//{*}Data/{*}SimpleItem")},
            )
            for found in response.content.iterfind("{*}NotificationMessage")
        ]


async def subscribe(client: SoapClient, topics: str = "", lifetime: str = "") -> Puller:
    response = await create(client, topics, lifetime)
    assert response.status == 200, response.texts("Text")
    return Puller(client, response.texts("Address")[0])


async def create(client: SoapClient, topics: str = "", lifetime: str = "") -> Response:
    dialect = names.CONCRETE_SET
    wanted = f'<wsnt:TopicExpression Dialect="{dialect}">{topics}</wsnt:TopicExpression>' if topics else ""
    body = (f"<tev:Filter>{wanted}</tev:Filter>" if wanted else "") + (
        f"<tev:InitialTerminationTime>{lifetime}</tev:InitialTerminationTime>" if lifetime else ""
    )
    return await client.call(f"<tev:CreatePullPointSubscription>{body}</tev:CreatePullPointSubscription>")


def motion(broker: Broker, state: bool, source: str = "yard-source") -> None:
    broker.publish(MOTION_ALARM.path, source={"Source": source}, data={"State": state})


def crossed(broker: Broker, number: int = 1) -> None:
    source = {"VideoSourceConfigurationToken": "yard", "VideoAnalyticsConfigurationToken": "a", "Rule": "gate"}
    broker.publish(LINE_CROSSED.path, source=source, data={"ObjectId": number})


async def test_an_event_reaches_the_client_at_once(client: SoapClient) -> None:
    puller = await subscribe(client)
    pull = asyncio.create_task(puller.messages("PT30S"))
    while not any(point._puller for point in client.running.device._subscriptions._points.values()):
        await asyncio.sleep(0)
    crossed(client.running.device.broker)
    assert await asyncio.wait_for(pull, 20) == [(LINE_CROSSED.path, None, {"ObjectId": "1"})]


async def test_a_pull_without_events_waits_for_its_time_out(client: SoapClient) -> None:
    puller = await subscribe(client)
    loop = asyncio.get_running_loop()
    before = loop.time()
    assert await puller.messages("PT0.2S") == []
    assert loop.time() - before >= 0.19


async def test_a_new_subscriber_is_told_the_state_of_properties_first(client: SoapClient) -> None:
    broker = client.running.device.broker
    motion(broker, True)
    motion(broker, True, "dome-source")
    motion(broker, False)
    crossed(broker)  # not a property: nobody listened, so it is gone
    puller = await subscribe(client)
    assert await puller.messages() == [
        (MOTION_ALARM.path, "Initialized", {"State": "false"}),
        (MOTION_ALARM.path, "Initialized", {"State": "true"}),
    ]
    motion(broker, True)
    assert await puller.messages() == [(MOTION_ALARM.path, "Changed", {"State": "true"})]


async def test_a_synchronization_point_sends_the_state_again(client: SoapClient) -> None:
    motion(client.running.device.broker, True)
    puller = await subscribe(client)
    assert len(await puller.messages()) == 1
    await client.call("<tev:SetSynchronizationPoint/>", puller.address)
    assert await puller.messages() == [(MOTION_ALARM.path, "Initialized", {"State": "true"})]


async def test_the_message_limit_is_kept_and_the_order_too(client: SoapClient) -> None:
    puller = await subscribe(client)
    for number in range(5):
        crossed(client.running.device.broker, number)
    assert [data["ObjectId"] for _, _, data in await puller.messages(limit=2)] == ["0", "1"]
    assert [data["ObjectId"] for _, _, data in await puller.messages()] == ["2", "3", "4"]


async def test_the_message_is_as_home_assistant_reads_it(client: SoapClient) -> None:
    puller = await subscribe(client)
    client.running.device.broker.publish(
        OBJECTS_INSIDE.path,
        source={
            "VideoSourceConfigurationToken": "s",
            "VideoAnalyticsConfigurationToken": "a",
            "Rule": "Yard \x01& gate",
        },
        key={"ObjectId": 7},
        data={"IsInside": True},
        utc=NOW,
    )
    response = await puller.pull()
    message = response.content.find(".//{*}Message/{*}Message")
    assert message.get("UtcTime") == "2023-11-14T22:13:20.000Z"
    first = message.find("{*}Data/{*}SimpleItem")
    assert (first.get("Name"), first.get("Value")) == ("IsInside", "true")
    assert message.find("{*}Source").findall("{*}SimpleItem")[2].get("Value") == "Yard & gate"
    assert message.find("{*}Key/{*}SimpleItem").get("Value") == "7"
    # The prefix in the topic's text is declared.
    assert response.content.nsmap["tns1"] == names.TOPICS


async def test_every_subscription_has_its_own_queue(client: SoapClient) -> None:
    first, second = await subscribe(client), await subscribe(client)
    crossed(client.running.device.broker)
    assert len(await first.messages()) == 1
    assert len(await second.messages()) == 1
    assert await first.messages() == []


async def test_only_wanted_topics_are_queued(client: SoapClient) -> None:
    rules = await subscribe(client, "tns1:RuleEngine//.")
    one_or_other = await subscribe(client, f"{LINE_CROSSED.path}|{MOTION_ALARM.path}")
    broker = client.running.device.broker
    motion(broker, True)
    crossed(broker)
    assert [topic for topic, _, _ in await rules.messages()] == [LINE_CROSSED.path]
    assert len(await one_or_other.messages()) == 2


@pytest.mark.parametrize(
    ("topics", "fault"),
    [
        ("tns1:RuleEngine[1]", "wsnt:InvalidTopicExpressionFault"),
        ("nope:RuleEngine//.", "wsnt:InvalidTopicExpressionFault"),
        ("RuleEngine//.", "wsnt:InvalidTopicExpressionFault"),
        ("tns1:Cheese//.", "wsnt:TopicNotSupportedFault"),
        ("tt:RuleEngine//.", "wsnt:TopicNotSupportedFault"),
    ],
)
async def test_filters_that_cannot_be_used_are_refused(client: SoapClient, topics: str, fault: str) -> None:
    response = await create(client, topics)
    assert response.subcodes == ["s:Sender", fault]
    assert response.content.find(f".//{{{names.NOTIFICATION}}}{fault.partition(':')[2]}") is not None


async def test_other_filters_and_dialects_are_refused(client: SoapClient) -> None:
    content = '<wsnt:MessageContent Dialect="urn:x">boolean(//a)</wsnt:MessageContent>'
    xpath = '<wsnt:TopicExpression Dialect="urn:x">tns1:RuleEngine//.</wsnt:TopicExpression>'
    for body, fault in (
        (content, "InvalidMessageContentExpressionFault"),
        (xpath, "TopicExpressionDialectUnknownFault"),
    ):
        response = await client.call(
            f"<tev:CreatePullPointSubscription><tev:Filter>{body}</tev:Filter></tev:CreatePullPointSubscription>"
        )
        assert response.subcodes[-1] == f"wsnt:{fault}"


@given(text=st.text(max_size=60))
def test_any_topic_expression_is_parsed_or_refused(text: str) -> None:
    element = etree.Element(names.tag(names.EVENTS, "Filter"), nsmap=names.PREFIXES)
    expression = etree.SubElement(element, names.tag(names.NOTIFICATION, "TopicExpression"))
    try:
        expression.text = text
    except ValueError:
        return  # nothing that XML could carry
    try:
        found = parse_filter(element, [LINE_CROSSED.path])
    except FilterError:
        return  # any other error fails the test
    assert found.matches(LINE_CROSSED.path)


async def test_a_subscription_ends_at_its_time_and_frees_its_slot(timed_client: SoapClient, timed: Running) -> None:
    puller = await subscribe(timed_client, lifetime="PT30S")
    timed.settings.now.at += 31
    response = await puller.pull()
    assert response.subcodes == ["s:Sender", "wsrf-r:ResourceUnknownFault"]
    for _ in range(3):
        await subscribe(timed_client)
    full = await create(timed_client)
    assert full.subcodes == ["s:Receiver", "wsnt:SubscribeCreationFailedFault"]
    timed.settings.now.at += 61
    await subscribe(timed_client)


async def test_pulling_keeps_a_subscription_alive(timed_client: SoapClient, timed: Running) -> None:
    puller = await subscribe(timed_client, lifetime="PT30S")
    for _ in range(5):
        timed.settings.now.at += 29
        assert (await puller.pull()).status == 200


async def test_renewing_sets_the_time_of_the_end(timed_client: SoapClient, timed: Running) -> None:
    puller = await subscribe(timed_client)
    renewal = "<wsnt:Renew><wsnt:TerminationTime>{}</wsnt:TerminationTime></wsnt:Renew>"
    response = await timed_client.call(renewal.format("PT10M"), puller.address)
    assert response.texts("TerminationTime") == ["2023-11-14T22:23:20.000Z"]
    response = await timed_client.call(renewal.format("2023-11-14T22:15:20Z"), puller.address)
    assert response.texts("TerminationTime") == ["2023-11-14T22:15:20.000Z"]
    response = await timed_client.call(renewal.format("P1000Y"), puller.address)
    assert response.texts("TerminationTime") == ["2023-11-14T23:13:20.000Z"]  # no longer than we grant
    timed.settings.now.at += 3599
    assert (await puller.pull()).status == 200


@pytest.mark.parametrize("lifetime", ["-PT1S", "PT0S", "2001-01-01T00:00:00Z"])
async def test_a_time_that_has_passed_is_refused(timed_client: SoapClient, lifetime: str) -> None:
    response = await create(timed_client, lifetime=lifetime)
    assert response.subcodes == ["s:Sender", "wsnt:UnacceptableInitialTerminationTimeFault"]


async def test_unsubscribing_ends_a_subscription(client: SoapClient) -> None:
    puller = await subscribe(client)
    assert (await client.call("<wsnt:Unsubscribe/>", puller.address)).status == 200
    assert (await puller.pull()).subcodes[-1] == "wsrf-r:ResourceUnknownFault"


async def test_a_pull_elsewhere_than_at_a_subscription_is_told_so(client: SoapClient) -> None:
    puller = Puller(client, "/onvif/event_service")
    assert (await puller.pull()).subcodes[-1] == "wsrf-r:ResourceUnknownFault"


async def test_a_second_pull_takes_the_place_of_the_first(client: SoapClient) -> None:
    puller = await subscribe(client)
    points = client.running.device._subscriptions._points.values()
    first = asyncio.create_task(puller.messages("PT60S"))
    while not any(point._puller for point in points):
        await asyncio.sleep(0)
    second = asyncio.create_task(puller.messages("PT60S"))
    assert await asyncio.wait_for(first, 20) == []
    crossed(client.running.device.broker)
    assert len(await asyncio.wait_for(second, 20)) == 1


async def test_a_client_that_went_away_takes_no_messages_with_it(client: SoapClient) -> None:
    puller = await subscribe(client)
    [point] = client.running.device._subscriptions._points.values()
    pull = asyncio.create_task(puller.pull("PT60S"))
    while not point._puller:
        await asyncio.sleep(0)
    pull.cancel()
    await asyncio.gather(pull, return_exceptions=True)
    # The next pull comes after the device has seen the connection close, or takes its place: either way it gets all.
    second = asyncio.create_task(puller.messages("PT60S"))
    first_pull = point._puller
    while point._puller is first_pull:
        await asyncio.sleep(0)
    crossed(client.running.device.broker)
    assert len(await asyncio.wait_for(second, 20)) == 1


async def test_stopping_the_device_answers_the_pulls_that_wait(client: SoapClient) -> None:
    puller = await subscribe(client)
    [point] = client.running.device._subscriptions._points.values()
    pull = asyncio.create_task(puller.messages("PT60S"))
    while not point._puller:
        await asyncio.sleep(0)
    await client.running.device.stop()
    assert await asyncio.wait_for(pull, 20) == []


async def test_the_topic_set_describes_every_topic(client: SoapClient) -> None:
    response = await client.call("<tev:GetEventProperties/>")
    inside = response.content.find(f".//{{{names.TOPICS}}}RuleEngine/FieldDetector/ObjectsInside")
    assert inside.get(names.tag(names.TOPIC, "topic")) == "true"
    description = inside.find("{*}MessageDescription")
    assert description.get("IsProperty") == "true"
    items = {item.get("Name"): item.get("Type") for item in description.iter("{*}SimpleItemDescription")}
    assert items["Rule"] == "xs:string"
    assert items["IsInside"] == "xs:boolean"
    assert len(response.content.findall(f".//{{{names.TOPICS}}}RuleEngine")) == 1


class TestBroker:
    def test_a_topic_that_was_not_declared_is_the_hosts_mistake(self) -> None:
        with pytest.raises(ValueError, match="tns1:Cheese"):
            Broker([MOTION_ALARM], HandClock(NOW)).publish("tns1:Cheese")

    def test_a_deleted_property_has_no_state(self) -> None:
        broker = Broker([MOTION_ALARM], HandClock(NOW))
        heard = []
        stop = broker.listen(heard.append)
        motion(broker, True)
        broker.publish(
            MOTION_ALARM.path, source={"Source": "yard-source"}, data={}, operation=PropertyOperation.DELETED
        )
        stop()
        motion(broker, True)
        assert [message.operation for message in heard] == [PropertyOperation.INITIALIZED, PropertyOperation.DELETED]
        assert [message.operation for message in broker.state()] == [PropertyOperation.INITIALIZED]

    def test_a_host_that_never_deletes_does_not_fill_the_memory(self) -> None:
        broker = Broker([MOTION_ALARM], HandClock(NOW))
        for number in range(1500):
            motion(broker, True, str(number))
        assert len(broker.state()) == 1000


@pytest.mark.parametrize(
    ("body", "action"),
    [
        (
            "<tev:CreatePullPointSubscription><tev:InitialTerminationTime>-PT1S</tev:InitialTerminationTime>"
            "</tev:CreatePullPointSubscription>",
            "http://docs.oasis-open.org/wsn/fault",
        ),
        ("<wsnt:Unsubscribe/>", "http://docs.oasis-open.org/wsrf/fault"),
        ("<tev:Nothing/>", "http://www.w3.org/2005/08/addressing/soap/fault"),
    ],
)
async def test_an_addressed_fault_has_the_action_of_the_standard_that_defines_it(
    client: SoapClient, body: str, action: str
) -> None:
    response = await client.call(body, header="<wsa:MessageID>urn:uuid:1</wsa:MessageID>")
    assert response.envelope.findtext(f".//{names.tag(names.ADDRESSING, 'Action')}") == action
    assert response.envelope.findtext(f".//{names.tag(names.ADDRESSING, 'RelatesTo')}") == "urn:uuid:1"


async def test_a_message_id_that_is_no_uri_is_not_repeated(client: SoapClient) -> None:
    response = await client.call("<tds:GetHostname/>", header="<wsa:MessageID>boolean(//a:b[@c])</wsa:MessageID>")
    assert response.status == 200
    assert response.envelope.find(f".//{names.tag(names.ADDRESSING, 'RelatesTo')}") is None
