"""GetNetworkInterfaces tells what the machine has: held against what `ip` says, in a network made for the test."""

from __future__ import annotations

import json
import subprocess

import aiohttp
import pytest
from network_namespace import in_a_network_of_its_own
from onvif_host import Running
from onvif_soap_client import Response, SoapClient

from onvif_server.network import network_interfaces, own_addresses, parse_address

pytestmark = pytest.mark.ledger("ONVIF-1")

COMMANDS = (
    "link set lo up",
    "link add cam0 mtu 1420 type veth peer name cam1",
    "addr add 192.0.2.10/26 dev cam0",
    "addr add 198.51.100.7/22 dev cam0 valid_lft 600 preferred_lft 600",
    "addr add 169.254.9.9/16 dev cam0",
    "-6 addr add 2001:db8::10/56 dev cam0 nodad",
    "-6 addr add 2001:db8:1::10/64 dev cam0 nodad valid_lft 600 preferred_lft 600",
    "-6 addr add 2001:db8:2::10/128 dev cam0 nodad valid_lft 600 preferred_lft 600",
    "link set cam0 up",
    "link set cam1 up",
)
PATIENCE_S = 100.0


async def asked_at(host: str) -> Response:
    """What a client is told that reaches the device at an address."""
    running = Running()
    running.port = await running.device.start(host)
    try:
        async with aiohttp.ClientSession() as session:
            client = SoapClient(running, session)
            literal = f"[{host}]" if ":" in host else host
            return await client.call(
                "<tds:GetNetworkInterfaces/>", f"http://{literal}:{running.port}/onvif/device_service"
            )
    finally:
        await running.device.stop()


def test_the_interface_is_that_of_the_address_at_which_the_client_came() -> None:
    async def work() -> None:
        for host, version, kind, prefix, dhcp in (
            ("192.0.2.10", "IPv4", "Manual", "26", "false"),
            ("198.51.100.7", "IPv4", "FromDHCP", "22", "true"),
            ("169.254.9.9", "IPv4", "LinkLocal", "16", "false"),
            ("2001:db8::10", "IPv6", "Manual", "56", "Off"),
            ("2001:db8:1::10", "IPv6", "FromRA", "64", "Off"),
            ("2001:db8:2::10", "IPv6", "FromDHCP", "128", "Stateful"),
        ):
            answer = await asked_at(host)
            [interface] = answer.content.iterfind("{*}NetworkInterfaces")
            assert interface.get("token") == interface.findtext(".//{*}Name") == "cam0"
            assert interface.findtext(".//{*}MTU") == "1420"
            assert answer.texts("HwAddress") == ["02:00:00:12:34:56"], "the device's own, whatever the way to it"
            [config] = interface.iterfind(f"{{*}}{version}/{{*}}Config")
            assert config.findtext(f"{{*}}{kind}/{{*}}Address") == host
            assert answer.texts("PrefixLength") == [prefix]
            assert config.findtext("{*}DHCP") == dhcp
        here = await asked_at("127.0.0.1")
        assert (here.texts("Name"), here.texts("PrefixLength")) == (["lo"], ["8"])

    in_a_network_of_its_own(COMMANDS, work, PATIENCE_S)


def test_what_the_kernel_tells_is_what_ip_says() -> None:
    async def work() -> None:
        told = json.loads(subprocess.run(["ip", "-j", "addr"], check=True, capture_output=True).stdout)
        expected = {
            (one["ifname"], one["ifindex"], one["mtu"], "UP" in one["flags"], "LOOPBACK" in one["flags"]): {
                (address["local"], address["prefixlen"]) for address in one["addr_info"] if not address.get("tentative")
            }
            for one in told
        }
        found = {
            (one.name, one.index, one.mtu, one.up, one.loopback): {
                (str(each.address), each.prefix_length) for each in one.addresses
            }
            for one in network_interfaces()
        }
        for key, addresses in expected.items():
            assert addresses <= found[key]
        assert found.keys() == expected.keys()
        assert parse_address("::ffff:192.0.2.10") in own_addresses()
        assert parse_address("192.0.2.11") not in own_addresses()

    in_a_network_of_its_own(COMMANDS, work, PATIENCE_S)


async def test_what_is_not_known_is_left_out(client: SoapClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden() -> None:
        raise PermissionError("no netlink here")

    monkeypatch.setattr("onvif_server.services.device_network.network_interfaces", forbidden)
    answer = await client.call("<tds:GetNetworkInterfaces/>")
    assert answer.texts("HwAddress") == ["02:00:00:12:34:56"]
    for name in ("Name", "MTU", "IPv4", "IPv6"):
        assert not answer.content.findall(f".//{{*}}{name}")
