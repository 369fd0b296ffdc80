"""Base notification: messages go to a real HTTP server, whatever that does with them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from onvif_consumer import ConsumerServer, crossed, subscribe
from onvif_host import Running
from onvif_soap_client import SoapClient

from onvif_server.events.topics import MOTION_ALARM
from onvif_server.soap import names

pytestmark = [pytest.mark.ledger("ONVIF-2"), pytest.mark.usefixtures("no_tours")]


@pytest.fixture
async def consumer(sockets: None) -> AsyncIterator[ConsumerServer]:
    server = ConsumerServer()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def hasty(sockets: None) -> AsyncIterator[Running]:
    """A device with short pauses and little patience."""
    device = Running(
        notify_pause_s=0.01, notify_maximum_pause_s=0.02, notify_attempts=4, notify_timeout_s=0.3, maximum_consumers=2
    )
    await device.start()
    yield device
    await device.device.stop()


@pytest.fixture
def client(hasty: Running, session: aiohttp.ClientSession) -> SoapClient:
    return SoapClient(hasty, session)


def motion(client: SoapClient, state: bool) -> None:
    client.running.device.broker.publish(MOTION_ALARM.path, source={"Source": "yard"}, data={"State": state})


async def ended(client: SoapClient) -> None:
    async with asyncio.timeout(20):
        while len(client.running.device._subscriptions):
            await asyncio.sleep(0.01)


async def test_messages_reach_the_consumer_in_order_after_the_state(
    client: SoapClient, consumer: ConsumerServer
) -> None:
    motion(client, True)
    answer = await subscribe(client, f"{consumer.url}/hook")
    assert answer.status == 200
    assert answer.texts("CurrentTime")
    assert answer.texts("TerminationTime")[0].endswith("Z")
    for number in range(100):
        crossed(client, number)
    await consumer.until(lambda: len(consumer.values) == 101)
    assert consumer.values == ["true", *map(str, range(100))]
    first = consumer.envelopes[0]
    assert first.find(".//{*}Message/{*}Message").get("PropertyOperation") == "Initialized"
    assert first.findtext(".//{*}SubscriptionReference/{*}Address") == answer.texts("Address")[0]
    assert first.findtext(".//{*}Topic") == MOTION_ALARM.path


async def test_the_envelope_is_addressed(client: SoapClient, consumer: ConsumerServer) -> None:
    parameters = '<wsa:ReferenceParameters><x:Key xmlns:x="urn:x">k 1</x:Key></wsa:ReferenceParameters>'
    await subscribe(client, f"{consumer.url}/hook", parameters=parameters)
    crossed(client, 1)
    await consumer.until(lambda: bool(consumer.envelopes))
    header = consumer.envelopes[0].find(names.tag(names.ENVELOPE, "Header"))
    assert header.findtext("{*}Action") == "http://docs.oasis-open.org/wsn/bw-2/NotificationConsumer/Notify"
    assert header.findtext("{*}To") == f"{consumer.url}/hook"
    assert header.findtext("{*}MessageID").startswith("urn:uuid:")
    [key] = consumer.parameters
    assert key.text == "k 1"
    assert key.get(names.tag(names.ADDRESSING, "IsReferenceParameter")) == "true"
    assert consumer.headers[0]["Content-Type"].startswith("application/soap+xml")


async def test_filters_hold_for_consumers_too(client: SoapClient, consumer: ConsumerServer) -> None:
    wanted = (
        f'<wsnt:MessageContent Dialect="{names.ITEM_FILTER}">boolean(//tt:SimpleItem[@Value="2"])</wsnt:MessageContent>'
    )
    await subscribe(client, consumer.url, f"<wsnt:Filter>{wanted}</wsnt:Filter>")
    for number in range(4):
        crossed(client, number)
    await consumer.until(lambda: bool(consumer.values))
    assert consumer.values == ["2"]


async def test_a_synchronization_point_sends_the_state_again(client: SoapClient, consumer: ConsumerServer) -> None:
    motion(client, True)
    manager = (await subscribe(client, consumer.url)).texts("Address")[0]
    await consumer.until(lambda: len(consumer.values) == 1)
    await client.call("<tev:SetSynchronizationPoint/>", manager)
    await consumer.until(lambda: len(consumer.values) == 2)


async def test_the_manager_renews_and_ends(client: SoapClient, consumer: ConsumerServer) -> None:
    manager = (await subscribe(client, consumer.url)).texts("Address")[0]
    renewal = "<wsnt:Renew><wsnt:TerminationTime>PT2M</wsnt:TerminationTime></wsnt:Renew>"
    assert (await client.call(renewal, manager)).status == 200
    pull = "<tev:PullMessages><tev:Timeout>PT0S</tev:Timeout><tev:MessageLimit>1</tev:MessageLimit></tev:PullMessages>"
    assert (await client.call(pull, manager)).subcodes[-1] == "ter:ActionNotSupported"
    assert (await client.call("<wsnt:Unsubscribe/>", manager)).status == 200
    assert (await client.call(renewal, manager)).subcodes[-1] == "wsrf-r:ResourceUnknownFault"
    crossed(client, 1)
    await asyncio.sleep(0.05)
    assert consumer.requests == 0


async def test_a_message_that_is_refused_comes_again(client: SoapClient, consumer: ConsumerServer) -> None:
    async def refuse() -> web.StreamResponse:
        if consumer.requests == 3:
            consumer.answer = None
        return web.Response(status=503)

    consumer.answer = refuse
    await subscribe(client, consumer.url)
    crossed(client, 1)
    crossed(client, 2)
    await consumer.until(lambda: len(consumer.values) == 2)
    assert consumer.values == ["1", "2"]


async def test_a_consumer_that_always_refuses_loses_its_subscription(
    client: SoapClient, consumer: ConsumerServer
) -> None:
    async def refuse() -> web.StreamResponse:
        return web.Response(status=500)

    consumer.answer = refuse
    await subscribe(client, consumer.url)
    crossed(client, 1)
    await ended(client)
    assert consumer.requests == 4


async def test_a_consumer_that_hangs_is_given_up_and_others_are_not_kept_waiting(
    client: SoapClient, consumer: ConsumerServer
) -> None:
    hanging = ConsumerServer()

    async def hang() -> web.StreamResponse:
        await asyncio.sleep(60)
        return web.Response()

    hanging.answer = hang
    await hanging.start()
    await subscribe(client, hanging.url)
    manager = (await subscribe(client, consumer.url)).texts("Address")[0]
    crossed(client, 1)
    await consumer.until(lambda: consumer.values == ["1"])
    await client.call("<wsnt:Unsubscribe/>", manager)
    await ended(client)
    await hanging.stop()


async def test_a_long_answer_is_cut_off_and_blocks_nothing(client: SoapClient, consumer: ConsumerServer) -> None:
    async def drip() -> web.StreamResponse:
        return web.Response(body=b"x" * (1 << 20))

    consumer.answer = drip
    await subscribe(client, consumer.url)
    crossed(client, 1)
    await consumer.until(lambda: consumer.requests == 1)
    consumer.answer = None
    crossed(client, 2)
    await consumer.until(lambda: consumer.values == ["2"])  # a long answer is an answer, and does not block


async def test_redirects_are_not_followed(client: SoapClient, consumer: ConsumerServer) -> None:
    elsewhere = ConsumerServer()
    await elsewhere.start()

    async def redirect() -> web.StreamResponse:
        return web.Response(status=307, headers={"Location": elsewhere.url})

    consumer.answer = redirect
    await subscribe(client, consumer.url)
    crossed(client, 1)
    await ended(client)
    assert elsewhere.requests == 0
    await elsewhere.stop()


async def test_a_consumer_that_vanished_loses_its_subscription(client: SoapClient) -> None:
    with socket.socket() as reserved:  # bound, but not listening: connections are refused
        reserved.bind(("127.0.0.1", 0))
        await subscribe(client, f"http://127.0.0.1:{reserved.getsockname()[1]}")
        crossed(client, 1)
        await ended(client)


@pytest.mark.parametrize(
    "address",
    [
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "urn:x",
        "http://",
        "http://a:b@127.0.0.1/",
        pytest.param("http://h/" + "a" * 3000, id="long"),
    ],
)
async def test_addresses_that_cannot_be_used_are_refused(client: SoapClient, address: str) -> None:
    answer = await subscribe(client, address)
    assert answer.subcodes[-1] in ("wsnt:SubscribeCreationFailedFault", "ter:InvalidArgs")


async def test_reference_parameters_cannot_forge_headers(client: SoapClient, consumer: ConsumerServer) -> None:
    forged = "<wsa:ReferenceParameters><wsa:To>http://elsewhere/</wsa:To></wsa:ReferenceParameters>"
    answer = await subscribe(client, consumer.url, parameters=forged)
    assert answer.subcodes[-1] == "wsnt:SubscribeCreationFailedFault"


async def test_there_are_so_many_and_no_more(client: SoapClient, consumer: ConsumerServer) -> None:
    for _ in range(2):
        assert (await subscribe(client, consumer.url)).status == 200
    assert (await subscribe(client, consumer.url)).subcodes[-1] == "wsnt:SubscribeCreationFailedFault"
    # Pull points have slots of their own.
    assert (await client.call("<tev:CreatePullPointSubscription/>")).status == 200


async def test_the_limits_are_told(client: SoapClient) -> None:
    answer = await client.call("<tev:GetServiceCapabilities/>")
    capabilities = answer.content.find("{*}Capabilities")
    assert capabilities.get("MaxNotificationProducers") == "2"
    assert int(capabilities.get("MaxPullPoints")) >= 32


async def test_thirty_two_pull_points_at_once(client: SoapClient) -> None:
    for _ in range(32):
        assert (await client.call("<tev:CreatePullPointSubscription/>")).status == 200
