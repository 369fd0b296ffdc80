"""WS-Discovery on real sockets: greetings, answers to those who search, and silence towards everybody else."""

from __future__ import annotations

import asyncio
import importlib.util
import socket
import struct
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from network_namespace import in_a_network_of_its_own

from onvif_server.discovery import Announced, Discovery
from onvif_server.discovery.interfaces import Interface, find_interfaces
from onvif_server.discovery.messages import (
    ADDRESSING,
    ASKER,
    DISCOVERY,
    EVERYBODY,
    MAXIMUM_BYTES,
    NETWORK,
    read_question,
)
from onvif_server.discovery.scopes import NONE, RFC2396, RFC3986, STRCMP0, matches
from onvif_server.discovery.service import APP_MAX_DELAY_S, _random_delay
from onvif_server.discovery.sockets import GROUP_IPV4, GROUP_IPV6, PORT
from onvif_server.soap import names

pytestmark = pytest.mark.ledger("ONVIF-5")

YARD = UUID("6f1a4f0e-3a2b-4a5c-9d3e-0123456789ab")
DOME = UUID("6f1a4f0e-3a2b-4a5c-9d3e-0123456789ac")
ROOT = "onvif://www.onvif.org"
NOW = 1_800_000_000.0


class Shown:
    """A device's face, as the test sets it."""

    def __init__(self, *scopes: str) -> None:
        self.announced = False
        self.discoverable = True
        self.listeners: list[Callable[[], None]] = []
        self._scopes = scopes

    def scopes(self) -> tuple[str, ...]:
        return self._scopes

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)

    def change(self, *scopes: str, discoverable: bool = True) -> None:
        self._scopes, self.discoverable = scopes, discoverable
        for listener in self.listeners:
            listener()


class Heard:
    """A received message."""

    def __init__(self, content: bytes, sender: tuple[object, ...]) -> None:
        self.envelope = etree.fromstring(content)
        self.sender = sender
        self.header, self.body = self.envelope
        checked(self.body[0])

    def head(self, name: str) -> str | None:
        return self.header.findtext(f"{{{ADDRESSING}}}{name}")

    @property
    def kind(self) -> str:
        return etree.QName(self.body[0]).localname

    @property
    def sequence(self) -> tuple[int, int]:
        element = self.header.find(f"{{{DISCOVERY}}}AppSequence")
        return int(element.get("InstanceId")), int(element.get("MessageNumber"))

    def text(self, name: str) -> str:
        return self.body.findtext(f".//{{*}}{name}")


def checked(message: etree._Element) -> None:
    """Holds a message against the schema of WS-Discovery, which the client library has in its package."""
    folder = Path(importlib.util.find_spec("onvif").submodule_search_locations[0]) / "wsdl"
    if not hasattr(checked, "schema"):
        document = etree.parse(folder / "ws-discovery.xsd")
        document.find("{*}import").set("schemaLocation", (folder / "addressing").as_uri())
        checked.schema = etree.XMLSchema(document)
    checked.schema.assertValid(etree.fromstring(etree.tostring(message)))


class Asker:
    """Somebody on the network: hears what all are told, asks, and hears the answers to his questions."""

    def __init__(self, port: int, interface: str = "lo", address: str = "127.0.0.1") -> None:
        self.port = port
        self.index = socket.if_nametoindex(interface)
        self.own, self.group = socket.socket(type=socket.SOCK_DGRAM), socket.socket(type=socket.SOCK_DGRAM)
        self.own.bind((address, 0))
        choice = struct.pack("4s4si", b"", socket.inet_aton(address), self.index)
        self.own.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, choice)
        self.group.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.group.bind((GROUP_IPV4, port))
        member = struct.pack("4s4si", socket.inet_aton(GROUP_IPV4), b"", self.index)
        self.group.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
        for each in (self.own, self.group):
            each.setblocking(False)

    def ask(self, content: bytes, address: str = GROUP_IPV4) -> None:
        self.own.sendto(content, (address, self.port))

    async def answer(self, timeout_s: float = 3.0) -> Heard:
        return await self._next(self.own, timeout_s)

    async def overhears(self, timeout_s: float = 3.0) -> Heard:
        """The next thing that a device tells everybody."""
        while True:
            heard = await self._next(self.group, timeout_s)
            if heard.kind in ("Hello", "Bye"):
                return heard

    async def hears_nothing(self, wait_s: float = 0.3) -> None:
        with pytest.raises(TimeoutError):
            await self.answer(wait_s)

    async def _next(self, source: socket.socket, timeout_s: float) -> Heard:
        async with asyncio.timeout(timeout_s):
            return Heard(*await asyncio.get_running_loop().sock_recvfrom(source, 65536))

    def close(self) -> None:
        self.own.close()
        self.group.close()


def question(kind: str, content: str, message_id: str | None = None) -> bytes:
    return (
        f'<s:Envelope xmlns:s="{names.ENVELOPE}" xmlns:a="{ADDRESSING}" xmlns:w="{DISCOVERY}" xmlns:net="{NETWORK}"'
        f' xmlns:tds="{names.DEVICE}"><s:Header><a:Action s:mustUnderstand="1">{DISCOVERY}/{kind}</a:Action>'
        f"<a:MessageID>{message_id or f'uuid:{uuid4()}'}</a:MessageID><a:To>{EVERYBODY}</a:To></s:Header>"
        f"<s:Body><w:{kind}>{content}</w:{kind}></s:Body></s:Envelope>"
    ).encode()


def probe(types: str = "", scopes: str = "", rule: str = "", message_id: str | None = None) -> bytes:
    match_by = f' MatchBy="{rule}"' if rule else ""
    content = (f"<w:Types>{types}</w:Types>" if types else "") + (
        f"<w:Scopes{match_by}>{scopes}</w:Scopes>" if scopes or rule else ""
    )
    return question("Probe", content, message_id)


def resolve(endpoint: str) -> bytes:
    return question("Resolve", f"<a:EndpointReference><a:Address>{endpoint}</a:Address></a:EndpointReference>")


def free_port() -> int:
    with socket.socket(type=socket.SOCK_DGRAM) as one:
        one.bind(("", 0))
        return int(one.getsockname()[1])


@asynccontextmanager
async def discovering(*devices: Announced, **options: object) -> AsyncIterator[tuple[Discovery, Asker]]:
    """Discovery at work on the loopback, without its random delays, after its greetings."""
    options = {"port": free_port(), "interfaces": ("lo",), "delay": lambda: 0.0, "now": lambda: NOW} | options
    asker = Asker(options["port"])
    discovery = Discovery(devices, **options)
    await discovery.start()
    try:
        yield discovery, asker
    finally:
        await discovery.stop()
        asker.close()


def announced(shown: Shown, uuid: UUID = YARD, port: int = 8766, host: str = "127.0.0.1") -> Announced:
    return Announced(uuid=uuid, identity=shown, port=port, host=host)


async def test_a_device_says_hello_and_bye() -> None:
    shown = Shown(f"{ROOT}/name/Yard", f"{ROOT}/Profile/T")
    async with discovering(announced(shown)) as (discovery, asker):
        hello, again = await asker.overhears(), await asker.overhears()
        assert shown.announced
        await discovery.stop()
        bye = await asker.overhears()
    assert not shown.announced
    assert (hello.kind, hello.head("Action"), hello.head("To")) == ("Hello", f"{DISCOVERY}/Hello", EVERYBODY)
    assert hello.text("Address") == f"urn:uuid:{YARD}"
    assert hello.text("Types").split() == ["dn:NetworkVideoTransmitter", "tds:Device"]
    assert (hello.envelope.nsmap["dn"], hello.envelope.nsmap["tds"]) == (NETWORK, names.DEVICE)
    assert hello.text("Scopes") == f"{ROOT}/name/Yard {ROOT}/Profile/T"
    assert hello.text("XAddrs") == "http://127.0.0.1:8766/onvif/device_service"
    assert again.head("MessageID") == hello.head("MessageID"), "a repetition, since datagrams get lost"
    assert (bye.kind, bye.head("Action"), bye.text("Address")) == ("Bye", f"{DISCOVERY}/Bye", f"urn:uuid:{YARD}")
    assert (hello.sequence, bye.sequence) == ((int(NOW), 1), (int(NOW), 2))


async def test_who_searches_finds_it() -> None:
    async with discovering(announced(Shown(f"{ROOT}/name/Yard"))) as (_, asker):
        asker.ask(probe("net:NetworkVideoTransmitter", f"{ROOT}/name", message_id="uuid:question-1"))
        found = await asker.answer()
    assert (found.kind, found.head("Action")) == ("ProbeMatches", f"{DISCOVERY}/ProbeMatches")
    assert (found.head("To"), found.head("RelatesTo")) == (ASKER, "uuid:question-1")
    assert found.text("Address") == f"urn:uuid:{YARD}"
    assert found.text("XAddrs") == "http://127.0.0.1:8766/onvif/device_service"
    assert int(found.text("MetadataVersion")) >= NOW


async def test_who_knows_its_identity_finds_its_address() -> None:
    async with discovering(announced(Shown(f"{ROOT}/name/Yard"))) as (_, asker):
        asker.ask(resolve(f"urn:uuid:{str(YARD).upper()}"))
        found = await asker.answer()
        assert (found.kind, found.head("Action")) == ("ResolveMatches", f"{DISCOVERY}/ResolveMatches")
        assert found.text("XAddrs") == "http://127.0.0.1:8766/onvif/device_service"
        asker.ask(resolve(f"urn:uuid:{DOME}"))
        await asker.hears_nothing()


@pytest.mark.parametrize(
    ("types", "found"),
    [
        ("", True),
        ("tds:Device", True),
        ("net:NetworkVideoTransmitter tds:Device", True),
        ("net:NetworkVideoDisplay", False),
        ("tds:Device net:NetworkVideoDisplay", False),
        ("tds:NetworkVideoTransmitter", False),
        ("Device", False),
        ("unknown:Device", False),
    ],
)
async def test_only_who_asks_for_its_types_finds_it(types: str, *, found: bool) -> None:
    async with discovering(announced(Shown())) as (_, asker):
        asker.ask(probe(types))
        await (asker.answer() if found else asker.hears_nothing())


async def test_several_devices_answer_each_for_itself() -> None:
    yard, dome = Shown(f"{ROOT}/name/Yard"), Shown(f"{ROOT}/name/Dome")
    async with discovering(announced(yard), announced(dome, DOME, 8767)) as (_, asker):
        asker.ask(probe())
        both = [await asker.answer(), await asker.answer()]
        assert {one.text("Address"): one.text("XAddrs") for one in both} == {
            f"urn:uuid:{YARD}": "http://127.0.0.1:8766/onvif/device_service",
            f"urn:uuid:{DOME}": "http://127.0.0.1:8767/onvif/device_service",
        }
        asker.ask(probe(scopes=f"{ROOT}/name/Dome"))
        assert (await asker.answer()).text("Address") == f"urn:uuid:{DOME}"
        await asker.hears_nothing()


async def test_changed_scopes_are_told_with_a_higher_version() -> None:
    shown = Shown(f"{ROOT}/name/Yard")
    async with discovering(announced(shown)) as (_, asker):
        first, _ = await asker.overhears(), await asker.overhears()
        shown.change(f"{ROOT}/name/Gate")
        second = await asker.overhears()
        assert (second.kind, second.text("Scopes")) == ("Hello", f"{ROOT}/name/Gate")
        assert int(second.text("MetadataVersion")) == int(first.text("MetadataVersion")) + 1
        assert second.sequence > first.sequence
    assert not shown.listeners


async def test_a_device_that_does_not_want_to_be_found_is_silent() -> None:
    shown = Shown(f"{ROOT}/name/Yard")
    shown.discoverable = False
    async with discovering(announced(shown)) as (discovery, asker):
        asker.ask(probe())
        asker.ask(resolve(f"urn:uuid:{YARD}"))
        await asker.hears_nothing()
        shown.change(f"{ROOT}/name/Yard", discoverable=True)
        assert (await asker.overhears()).kind == "Hello", "it wants to be found now"
        assert (await asker.overhears()).kind == "Hello"
        shown.change(f"{ROOT}/name/Yard", discoverable=False)
        await discovery.stop()
        with pytest.raises(TimeoutError):
            await asker.overhears(0.3)


async def test_a_question_that_is_repeated_is_answered_once() -> None:
    async with discovering(announced(Shown())) as (_, asker):
        for _ in range(3):
            asker.ask(probe(message_id="uuid:question-2"))
        await asker.answer()
        await asker.hears_nothing()


async def test_answers_are_limited() -> None:
    async with discovering(announced(Shown()), answers_per_s=5.0) as (_, asker):
        for _ in range(50):
            asker.ask(probe())
        answers = 0
        with pytest.raises(TimeoutError):
            while True:
                await asker.answer(0.15)
                answers += 1
        assert 5 <= answers <= 10


async def test_answers_go_to_the_asker_only() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as victim:
        victim.bind(("127.0.0.1", 0))
        victim.setblocking(False)
        address = f"soap.udp://127.0.0.1:{victim.getsockname()[1]}"
        async with discovering(announced(Shown())) as (_, asker):
            reply_to = f"<a:ReplyTo><a:Address>{address}</a:Address></a:ReplyTo></s:Header>".encode()
            asker.ask(probe().replace(b"</s:Header>", reply_to))
            await asker.answer()
        with pytest.raises(BlockingIOError):
            victim.recv(1)


async def test_the_answer_waits_a_random_time() -> None:
    waited: list[float] = []

    def delay() -> float:
        waited.append(0.2)
        return 0.2

    async with discovering(announced(Shown()), delay=delay) as (_, asker):
        await asker.overhears()
        began = asyncio.get_running_loop().time()
        asker.ask(probe())
        await asker.answer()
        assert asyncio.get_running_loop().time() - began >= 0.19
    assert len(waited) == 2
    delays = [_random_delay() for _ in range(200)]
    assert 0.0 <= min(delays) < max(delays) <= APP_MAX_DELAY_S == 0.5


NOT_QUESTIONS = {
    "nothing": b"",
    "no xml": b"Probe Probe Probe",
    "another document": b"<Probe/>",
    "no message id": probe().replace(b"MessageID", b"Something"),
    "a hello": question("Hello", ""),
    "an action that is not what the body says": probe().replace(b"discovery/Probe<", b"discovery/Resolve<"),
    "two bodies' worth": probe().replace(b"</s:Body>", b"<x/></s:Body>"),
    "a document type": b'<!DOCTYPE x [<!ENTITY e "e">]>' + probe(),
    "an entity": b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>' + probe("&e;"),
    "very deep": probe(types="<x>" * 100 + "</x>" * 100),
    "very long": probe(scopes="x" * MAXIMUM_BYTES),
    "very many scopes": probe(scopes="a:b " * 100),
    "a very long message id": probe(message_id="x" * 2000),
    "soap 1.1": probe().replace(names.ENVELOPE.encode(), names.ENVELOPE_11.encode()),
    "no endpoint": question("Resolve", ""),
    "an unknown encoding": b'<?xml version="1.0" encoding="latin-17"?>' + probe(),
}


@pytest.mark.parametrize("content", NOT_QUESTIONS.values(), ids=NOT_QUESTIONS)
def test_what_is_no_question_gets_no_answer(content: bytes) -> None:
    assert read_question(content) is None


async def test_what_is_no_question_disturbs_nobody() -> None:
    async with discovering(announced(Shown())) as (_, asker):
        for content in NOT_QUESTIONS.values():
            asker.ask(content)
        asker.ask(probe(message_id="uuid:after-all"))
        assert (await asker.answer()).head("RelatesTo") == "uuid:after-all"


@given(st.binary(max_size=400), st.integers(0, 2000), st.integers(0, 40))
@settings(max_examples=300, deadline=None)
def test_foreign_bytes_never_raise(noise: bytes, at: int, cut: int) -> None:
    real = probe("tds:Device", f"{ROOT}/name")
    read_question(noise)
    read_question(real[:at] + noise + real[at + cut :])


# --- scopes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (f"{ROOT}/type/ptz", True),
        (f"{ROOT}/type", True),
        (f"{ROOT}/type/", True),
        (ROOT, True),
        ("ONVIF://WWW.onvif.ORG/type/ptz", True),
        (f"{ROOT}/type/%70tz", True),
        (f"{ROOT}/type/ptz?query=1#part", True),
        (f"{ROOT}/ty", False),
        (f"{ROOT}/Type", False),
        (f"{ROOT}/type/ptz/more", False),
        (f"{ROOT}/x/../type", False),
        (f"{ROOT}/./type", False),
        ("http://www.onvif.org/type", False),
        ("onvif://onvif.org/type", False),
        ("/type", False),
        ("onvif://[broken/type", False),
    ],
)
def test_a_scope_matches_segment_by_segment(wanted: str, *, found: bool) -> None:
    offered = (f"{ROOT}/Profile/T", f"{ROOT}/type/ptz")
    assert all(matches((wanted,), offered, rule) is found for rule in ("", RFC3986, RFC2396))


def test_all_wanted_scopes_must_match() -> None:
    offered = (f"{ROOT}/Profile/T", f"{ROOT}/type/ptz")
    assert matches((f"{ROOT}/type", f"{ROOT}/Profile/T"), offered)
    assert not matches((f"{ROOT}/type", f"{ROOT}/Profile/G"), offered)
    assert matches((), offered)


def test_the_other_rules() -> None:
    offered = (f"{ROOT}/type/ptz",)
    assert matches(offered, offered, STRCMP0)
    assert not matches((f"{ROOT}/type",), offered, STRCMP0)
    assert not matches((f"{ROOT}/Type/ptz",), offered, STRCMP0)
    assert not matches((), offered, NONE)
    assert matches((), (), NONE)
    assert not matches(offered, offered, f"{DISCOVERY}/ldap")


SEGMENTS = st.lists(st.text("abcXYZ%20-_~é", min_size=1, max_size=5).filter(lambda s: s not in {".", ".."}), max_size=5)


@given(SEGMENTS, SEGMENTS)
def test_any_beginning_of_a_scope_matches_and_nothing_else(first: list[str], second: list[str]) -> None:
    def scope(segments: list[str]) -> str:
        # Encoded, so that each stays the segment that it is.
        return "/".join([ROOT, *("".join(f"%{byte:02X}" for byte in one.encode()) for one in segments)])

    assert matches((scope(first),), (scope(first + second),))
    assert matches((scope(first),), (scope(second),)) is (second[: len(first)] == first)


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=10))
def test_no_text_makes_the_comparison_raise(wanted: str, offered: str, rule: str) -> None:
    matches((wanted,), (offered,), rule)


# --- addresses ------------------------------------------------------------------------------------------------------

LAN = Interface("lan0", 2, loopback=False, ipv4="192.0.2.9", ipv6=("2001:db8::9", "fe80::9"))
LOOPBACK = Interface("lo", 1, loopback=True, ipv4="127.0.0.1", ipv6=("::1",))


@pytest.mark.parametrize(
    ("host", "interface", "hosts"),
    [
        ("0.0.0.0", LAN, ["192.0.2.9"]),
        ("::", LAN, ["[2001:db8::9]", "[fe80::9]"]),
        ("", LAN, ["192.0.2.9", "[2001:db8::9]", "[fe80::9]"]),
        ("192.0.2.10", LAN, ["192.0.2.10"]),
        ("127.0.0.1", LAN, []),
        ("localhost", LAN, []),
        ("localhost", LOOPBACK, ["127.0.0.1"]),
        ("192.0.2.10", LOOPBACK, []),
        ("camera.example", LOOPBACK, ["127.0.0.1", "[::1]"]),
    ],
)
def test_the_address_can_be_reached_from_where_the_question_came(
    host: str, interface: Interface, hosts: list[str]
) -> None:
    device = announced(Shown(), host=host, port=80)
    assert list(device.addresses(interface)) == [f"http://{one}:80/onvif/device_service" for one in hosts]


def test_of_several_addresses_that_which_faces_the_asker_is_told() -> None:
    device = announced(Shown(), host="0.0.0.0", port=80)
    assert device.addresses(LAN, "198.51.100.9") == ("http://198.51.100.9:80/onvif/device_service",)


def test_the_loopback_is_used_on_wish_only() -> None:
    assert "lo" not in {one.name for one in find_interfaces()}
    [loopback] = find_interfaces(["lo"])
    assert (loopback.loopback, loopback.ipv4) == (True, "127.0.0.1")


# --- a network of our own -------------------------------------------------------------------------------------------


NETWORK_COMMANDS = (
    "link set lo up",
    "link add cam0 type veth peer name cam1",
    "addr add 192.0.2.10/24 dev cam0",
    "-6 addr add 2001:db8::10/64 dev cam0 nodad",
    "link set cam0 up",
    "link set cam1 up",
)


def test_on_a_network_it_answers_at_the_standard_port_by_ipv4_and_ipv6() -> None:
    async def work() -> None:
        interface = next(one for one in find_interfaces() if one.ipv4)
        assert (interface.name, interface.ipv4, interface.ipv6[0]) == ("cam0", "192.0.2.10", "2001:db8::10")
        discovery = Discovery([announced(Shown(f"{ROOT}/name/Yard"), host="")], delay=lambda: 0.0)
        asker = Asker(PORT, "cam0", "192.0.2.10")
        await discovery.start()
        hello = await asker.overhears()
        assert hello.sender == ("192.0.2.10", PORT)
        expected = [f"http://{host}:8766/onvif/device_service" for host in ("192.0.2.10", "[2001:db8::10]")]
        assert hello.text("XAddrs").split()[:2] == expected
        asker.ask(probe())
        assert (await asker.answer()).text("XAddrs").split()[:2] == expected
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as other:
            other.setblocking(False)
            other.sendto(probe(), (GROUP_IPV6, PORT, 0, asker.index))
            async with asyncio.timeout(3):
                found = Heard(*await asyncio.get_running_loop().sock_recvfrom(other, 65536))
            assert found.text("XAddrs").split()[:2] == expected
        await discovery.stop()
        asker.close()

    in_a_network_of_its_own(NETWORK_COMMANDS, work)


def test_a_new_address_is_told() -> None:
    async def work() -> None:
        discovery = Discovery([announced(Shown(), host="0.0.0.0")], delay=lambda: 0.0, watch_s=0.05)
        asker = Asker(PORT, "cam0", "192.0.2.10")
        await discovery.start()
        first = await asker.overhears()
        for command in ("addr add 198.51.100.11/24 dev cam0", "addr del 192.0.2.10/24 dev cam0"):
            # Its thread is a child of this one, and so in the same network.
            await asyncio.to_thread(subprocess.run, ["ip", *command.split()], check=True, capture_output=True)
        while True:
            hello = await asker.overhears()
            if "198.51.100.11" in hello.text("XAddrs"):
                break
        assert int(hello.text("MetadataVersion")) > int(first.text("MetadataVersion"))
        await discovery.stop()
        asker.close()

    in_a_network_of_its_own(NETWORK_COMMANDS, work)
