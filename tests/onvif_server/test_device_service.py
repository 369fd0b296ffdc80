"""The device service over real HTTP."""

from __future__ import annotations

import pytest
from onvif_host import HandClock, Running
from onvif_soap_client import SoapClient

from onvif_server.soap import names

GET_SERVICES = "<tds:GetServices><tds:IncludeCapability>{}</tds:IncludeCapability></tds:GetServices>"

pytestmark = pytest.mark.ledger("ONVIF-1")


async def test_all_services_are_listed_where_the_client_reached_the_device(client: SoapClient) -> None:
    response = await client.call(GET_SERVICES.format("false"))
    addresses = response.texts("XAddr")
    assert f"{client.running.url}/onvif/device_service" in addresses
    assert f"{client.running.url}/onvif/ptz_service" in addresses
    assert len(addresses) == len(set(addresses)) >= 6


async def test_services_show_their_capabilities_on_request(client: SoapClient) -> None:
    response = await client.call(GET_SERVICES.format("true"))
    for service in response.content:
        namespace = service.findtext("{*}Namespace")
        assert service.find(f"{{*}}Capabilities/{{{namespace}}}Capabilities") is not None
    ptz = response.content.find(f".//{names.tag(names.PTZ, 'Capabilities')}")
    assert ptz.get("MoveStatus") == ptz.get("StatusPosition") == "true"


async def test_a_device_that_does_not_move_has_no_ptz_service(session: object) -> None:
    running = Running()
    running.host.ptz = lambda channel: None  # type: ignore[method-assign]
    running.device = type(running.device)(running.host, running.users, running.settings)
    await running.start()
    try:
        client = SoapClient(running, session)  # type: ignore[arg-type]
        assert "ptz" not in " ".join((await client.call(GET_SERVICES.format("false"))).texts("XAddr"))
        response = await client.call("<tds:GetCapabilities><tds:Category>PTZ</tds:Category></tds:GetCapabilities>")
        assert response.subcodes == ["s:Receiver", "ter:ActionNotSupported", "ter:NoSuchService"]
    finally:
        await running.device.stop()


async def test_a_hostile_host_header_is_not_echoed(client: SoapClient) -> None:
    response = await client.send(
        b'<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body><d:GetServices'
        b' xmlns:d="http://www.onvif.org/ver10/device/wsdl"><d:IncludeCapability>0</d:IncludeCapability>'
        b"</d:GetServices></e:Body></e:Envelope>",
        headers={"Host": "evil/<x>"},
    )
    assert all(address.startswith(client.running.url) for address in response.texts("XAddr"))


async def test_names_in_scopes_are_escaped(client: SoapClient) -> None:
    scopes = (await client.call("<tds:GetScopes/>")).texts("ScopeItem")
    assert "onvif://www.onvif.org/name/Yard%20%26%20gate" in scopes
    assert "onvif://www.onvif.org/location/K%C3%A4sestra%C3%9Fe%201" in scopes


async def test_the_interface_carries_the_hardware_address_that_home_assistant_needs(client: SoapClient) -> None:
    response = await client.call("<tds:GetNetworkInterfaces/>")
    assert response.texts("HwAddress") == ["02:00:00:12:34:56"]
    assert response.texts("Address") == ["127.0.0.1"]


async def test_the_protocols_are_those_in_use(client: SoapClient) -> None:
    response = await client.call("<tds:GetNetworkProtocols/>")
    assert response.texts("Name") == ["HTTP", "RTSP"]
    assert response.texts("Port") == [str(client.running.port), "8554"]


async def test_users_are_listed_without_their_passwords_for_the_administrator_only(client: SoapClient) -> None:
    response = await client.call("<tds:GetUsers/>")
    assert response.texts("Username") == ["admin", "operator", "viewer"]
    assert response.texts("UserLevel") == ["Administrator", "Operator", "User"]
    assert response.texts("Password") == []
    client.username = "operator"
    assert (await client.call("<tds:GetUsers/>")).subcodes[-1] == "ter:NotAuthorized"


async def test_the_time_is_the_devices_own(session: object) -> None:
    running = Running(now=HandClock(1_700_000_000.0))
    await running.start()
    try:
        response = await SoapClient(running, session).call("<tds:GetSystemDateAndTime/>")  # type: ignore[arg-type]
        time = response.content.find(".//{*}UTCDateTime/{*}Time")
        assert [part.text for part in time] == ["22", "13", "20"]
    finally:
        await running.device.stop()


@pytest.mark.parametrize(
    ("body", "subcode"),
    [
        ("<tds:DateTimeType>Manual</tds:DateTimeType>", "ter:InvalidDateTime"),
        ("<tds:DateTimeType>NTP</tds:DateTimeType>", "ter:InvalidTimeZone"),
    ],
)
async def test_the_clock_belongs_to_the_host(client: SoapClient, body: str, subcode: str) -> None:
    rest = "<tds:DaylightSavings>false</tds:DaylightSavings><tds:TimeZone><tt:TZ>CET-1</tt:TZ></tds:TimeZone>"
    response = await client.call(f"<tds:SetSystemDateAndTime>{body}{rest}</tds:SetSystemDateAndTime>")
    assert response.subcodes == ["s:Sender", "ter:InvalidArgVal", subcode]


async def test_the_older_capabilities_say_what_the_services_say(client: SoapClient) -> None:
    older = (await client.call("<tds:GetCapabilities/>")).content
    media = (await client.call("<trt:GetServiceCapabilities/>")).content[0]
    streaming = media.find("{*}StreamingCapabilities")
    for name in ("RTPMulticast", "RTP_TCP", "RTP_RTSP_TCP"):
        assert older.findtext(f".//{{*}}Media//{{*}}{name}") == streaming.get(name)
    profiles = media.find("{*}ProfileCapabilities").get("MaximumNumberOfProfiles")
    assert older.findtext(".//{*}MaximumNumberOfProfiles") == profiles
    terminals = (await client.call("<tmd:GetServiceCapabilities/>")).content[0]
    for name in ("VideoSources", "AudioOutputs", "RelayOutputs"):
        assert older.findtext(f".//{{*}}DeviceIO/{{*}}{name}") == terminals.get(name)


async def test_services_tell_their_capabilities_as_they_are_now(client: SoapClient) -> None:
    client.running.host.terminals = None  # the camera with the relays went away
    services = (await client.call(GET_SERVICES.format("true"))).content
    terminals = services.find(f".//{names.tag(names.DEVICE_IO, 'Capabilities')}")
    assert terminals.get("RelayOutputs") == "0"


async def test_the_algorithms_of_digest_are_told_as_words(client: SoapClient) -> None:
    capabilities = (await client.call("<tds:GetServiceCapabilities/>")).content[0]
    assert capabilities.find("{*}Security").get("HashingAlgorithms") == "MD5"
