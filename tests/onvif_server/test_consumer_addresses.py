"""Base notification: the device sends nothing where the client that asks for it could not send itself."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest
from aiohttp import web
from onvif_consumer import ConsumerServer, crossed, subscribe
from onvif_host import Running
from onvif_soap_client import Response, SoapClient

from onvif_server.events.destinations import find_consumer
from onvif_server.network import network_interfaces

pytestmark = [pytest.mark.ledger("ONVIF-2"), pytest.mark.usefixtures("no_tours")]

RECORDER = "192.0.2.77"
HERE = "127.0.0.1"
REFUSED = "wsnt:SubscribeCreationFailedFault"


class From:
    """Lets requests come from another address than they do."""

    def __init__(self) -> None:
        self.address = RECORDER

    @web.middleware
    async def middleware(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        return await handler(request.clone(remote=self.address))


@pytest.fixture
def sender() -> From:
    return From()


@pytest.fixture
async def client(sockets: None, session: aiohttp.ClientSession, sender: From) -> AsyncIterator[SoapClient]:
    running = Running(
        maximum_consumers=3, maximum_consumers_of_user=2, maximum_subscriptions=3, maximum_subscriptions_of_user=2
    )
    running.port = await running.device.start("127.0.0.1", 0, [sender.middleware])
    yield SoapClient(running, session)
    await running.device.stop()


@pytest.fixture
async def consumer(sockets: None) -> AsyncIterator[ConsumerServer]:
    server = ConsumerServer()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Names that stand for addresses; each look-up takes the first away if there are others."""
    known: dict[str, list[str]] = {}
    real = socket.getaddrinfo

    def look_up(host: str, port: object, *args: int, **kwargs: int) -> list[tuple[object, ...]]:
        if host in known:
            found = known[host].pop(0) if len(known[host]) > 1 else known[host][0]
            return [one for address in found.split() for one in real(address, port, *args, **kwargs)]
        if host.endswith(".test"):
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return real(host, port, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return known


def own_address() -> str:
    found = (one.address for interface in network_interfaces() for one in interface.addresses)
    return next((str(one) for one in found if one.version == 4 and not one.is_loopback), "") or pytest.skip(
        "this machine has no address besides the loopback"
    )


def taken(answer: Response) -> bool:
    if answer.status != 200:
        assert answer.subcodes == ["s:Sender", REFUSED]
    return answer.status == 200


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:8123/hook",
        "https://localhost/hook",
        "http://[::1]:8123/hook",
        "http://[::ffff:127.0.0.1]/hook",
        "http://127.1/hook",
        "http://2130706433/hook",
        "http://0x7f.0.0.1/hook",
        "http://0.0.0.0/hook",
        "http://[::]/hook",
        "http://169.254.169.254/latest/meta-data",
        "http://[fe80::1%25lo]/hook",
        "http://224.0.0.1/hook",
        "http://[ff02::1]/hook",
        "http://255.255.255.255/hook",
    ],
)
async def test_a_client_elsewhere_cannot_aim_notifications_at_this_machine_or_its_neighbours(
    client: SoapClient, address: str
) -> None:
    assert not taken(await subscribe(client, address))


async def test_nor_at_the_machines_own_address(client: SoapClient) -> None:
    assert not taken(await subscribe(client, f"http://{own_address()}:8123/hook"))


@pytest.mark.parametrize(
    "address", [f"http://{RECORDER}:8080/hook", "https://192.0.2.78/hook", "http://[2001:db8::5]:1/"]
)
async def test_a_recorder_has_them_sent_to_itself_or_to_another_of_its_network(
    client: SoapClient, address: str
) -> None:
    assert taken(await subscribe(client, address))


async def test_a_neighbour_without_a_router_has_them_sent_to_itself(client: SoapClient, sender: From) -> None:
    sender.address = "169.254.7.7"
    assert taken(await subscribe(client, "http://169.254.7.7/hook"))
    sender.address = "fe80::7%eth0"
    assert taken(await subscribe(client, "http://[fe80::7%25lo]/hook"))


async def test_home_assistant_on_this_machine_gets_them_at_its_webhook(
    client: SoapClient, sender: From, consumer: ConsumerServer
) -> None:
    for sender.address in (HERE, own_address()):
        assert taken(await subscribe(client, f"{consumer.url}/api/webhook/abc"))
    crossed(client, 7)
    await consumer.until(lambda: consumer.values == ["7", "7"])


async def test_nobody_aims_at_what_is_no_single_machine(client: SoapClient, sender: From) -> None:
    sender.address = HERE
    for address in ("http://0.0.0.0:80/", "http://239.255.255.250:3702/", "http://255.255.255.255/"):
        assert not taken(await subscribe(client, address))


async def test_a_name_is_looked_up_once_so_that_it_cannot_become_another_address(
    client: SoapClient, sender: From, consumer: ConsumerServer, names: dict[str, list[str]]
) -> None:
    """The second look-up would give the address of another machine; every message has a connection of its own."""
    names["hook.test"] = [HERE, "192.0.2.99"]
    sender.address = HERE
    consumer.hangs_up = True
    assert taken(await subscribe(client, consumer.url.replace(HERE, "hook.test")))
    for number in range(3):
        crossed(client, number)
        await consumer.until(lambda: len(consumer.values) == number + 1)  # noqa: B023 - awaited at once
    assert names["hook.test"] == ["192.0.2.99"]
    assert consumer.headers[0]["Host"].startswith("hook.test:")


async def test_a_name_of_this_machine_is_refused_as_its_address_is(
    client: SoapClient, names: dict[str, list[str]]
) -> None:
    names["evil.test"] = [HERE]
    assert not taken(await subscribe(client, "http://evil.test/hook"))
    assert not taken(await subscribe(client, "http://unknown.test/hook"))


async def test_of_a_names_addresses_only_those_are_used_that_are_allowed(
    sockets: None, names: dict[str, list[str]]
) -> None:
    names["both.test"] = [f"{HERE} 192.0.2.78 ::1 2001:db8::1"]
    resolver = await find_consumer("http://both.test/", RECORDER, 5.0)
    assert [one["host"] for one in await resolver.resolve("both.test", 80)] == ["192.0.2.78", "2001:db8::1"]


async def test_one_user_does_not_take_all_slots(client: SoapClient, session: aiohttp.ClientSession) -> None:
    viewer = SoapClient(client.running, session, "viewer")
    pull_point = "<tev:CreatePullPointSubscription/>"
    for _ in range(2):
        assert taken(await subscribe(viewer, f"http://{RECORDER}/hook"))
        assert (await viewer.call(pull_point)).status == 200
    for answer in (await subscribe(viewer, f"http://{RECORDER}/hook"), await viewer.call(pull_point)):
        assert answer.subcodes == ["s:Receiver", REFUSED]
    assert taken(await subscribe(client, f"http://{RECORDER}/hook"))
    assert (await client.call(pull_point)).status == 200
