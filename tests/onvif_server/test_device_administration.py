"""The device service's administration: being found, users, power, papers, network; over real HTTP."""

from __future__ import annotations

import base64
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest
from fake_system import FakeSystem
from onvif_host import ACCOUNTS, Host, Running
from onvif_soap_client import Response, SoapClient

from onvif_server import OnvifDevice
from onvif_server.backend import Level, Memory, Refusal, Refused, VolatileMemory
from onvif_server.identity import Identity
from onvif_server.memory import DeviceMemory

pytestmark = pytest.mark.ledger("ONVIF-2")

ROOT = "onvif://www.onvif.org"
LOCATION = f"{ROOT}/location/K%C3%A4sestra%C3%9Fe%201"


@pytest.fixture
def system(host: Host) -> FakeSystem:
    assert isinstance(host.system, FakeSystem)
    return host.system


type Begin = Callable[[Callable[[Host], None]], Awaitable[SoapClient]]


@pytest.fixture
async def begin(session: aiohttp.ClientSession) -> AsyncIterator[Begin]:
    """Starts a device whose host was changed before."""
    started: list[Running] = []

    async def start(change: Callable[[Host], None]) -> SoapClient:
        running = Running()
        change(running.host)
        running.device = OnvifDevice(running.host, running.users, running.settings)
        await running.start()
        started.append(running)
        return SoapClient(running, session)

    yield start
    for running in started:
        await running.device.stop()


async def scopes(client: SoapClient) -> dict[str, str]:
    response = await client.call("<tds:GetScopes/>")
    return dict(zip(response.texts("ScopeItem"), response.texts("ScopeDef"), strict=True))


def set_scopes(*items: str) -> str:
    return "<tds:SetScopes>" + "".join(f"<tds:Scopes>{item}</tds:Scopes>" for item in items) + "</tds:SetScopes>"


def add_scopes(*items: str) -> str:
    return "<tds:AddScopes>" + "".join(f"<tds:ScopeItem>{item}</tds:ScopeItem>" for item in items) + "</tds:AddScopes>"


def remove_scope(item: str) -> str:
    return f"<tds:RemoveScopes><tds:ScopeItem>{item}</tds:ScopeItem></tds:RemoveScopes>"


class TestBeingFound:
    async def test_what_the_device_is_belongs_to_it_and_its_place_to_the_clients(self, client: SoapClient) -> None:
        found = await scopes(client)
        for part in ("Profile/Streaming", "Profile/T", "type/ptz", "type/audio_encoder", "hardware/Dome%201"):
            assert found[f"{ROOT}/{part}"] == "Fixed"
        assert found[LOCATION] == "Configurable"

    def test_profile_m_is_claimed_only_with_analytics(self) -> None:
        host = Running().host
        for found, analytics in ((True, object()), (False, None)):
            host.analytics = lambda channel, analytics=analytics: analytics  # type: ignore[misc, method-assign]
            identity = Identity(host, DeviceMemory(None))
            assert (f"{ROOT}/Profile/M" in identity.fixed) is found

    async def test_clients_replace_add_and_remove_scopes(self, client: SoapClient) -> None:
        assert (await client.call(set_scopes(f"{ROOT}/location/roof", "urn:x:1"))).status == 200
        assert LOCATION not in await scopes(client)
        await client.call(add_scopes("urn:x:2", "urn:x:1", f"{ROOT}/Profile/T"))
        found = await scopes(client)
        mine = [scope for scope, kind in found.items() if kind == "Configurable"]
        assert mine == [f"{ROOT}/location/roof", "urn:x:1", "urn:x:2"]
        assert (await client.call(remove_scope("urn:x:1"))).texts("ScopeItem") == ["urn:x:1"]
        assert "urn:x:1" not in await scopes(client)

    @pytest.mark.parametrize(
        ("request_", "subcodes"),
        [
            (set_scopes(f"{ROOT}/Profile/T"), ["s:Sender", "ter:OperationProhibited", "ter:ScopeOverwrite"]),
            (remove_scope(f"{ROOT}/Profile/T"), ["s:Sender", "ter:OperationProhibited", "ter:FixedScope"]),
            (remove_scope("urn:nobody"), ["s:Sender", "ter:InvalidArgVal", "ter:NoScope"]),
            (add_scopes("no scheme"), ["s:Sender", "ter:InvalidArgVal"]),
            (add_scopes("urn:" + "x" * 600), ["s:Sender", "ter:InvalidArgVal"]),
            (set_scopes(*(f"urn:x:{i}" for i in range(65))), ["s:Receiver", "ter:Action", "ter:TooManyScopes"]),
            (add_scopes(*(f"urn:x:{i}" for i in range(65))), ["s:Receiver", "ter:Action", "ter:TooManyScopes"]),
        ],
        ids=lambda value: value[:40] if isinstance(value, str) else value[-1],
    )
    async def test_scopes_have_rules(self, client: SoapClient, request_: str, subcodes: list[str]) -> None:
        before = await scopes(client)
        assert (await client.call(request_)).subcodes == subcodes
        assert await scopes(client) == before

    async def test_scopes_and_mode_survive_a_restart(self, begin: Begin) -> None:
        memory = VolatileMemory()

        def remembering(host: Host) -> None:
            host.kept = memory

        first = await begin(remembering)
        await first.call(set_scopes("urn:x:1"))
        await first.call(
            "<tds:SetDiscoveryMode><tds:DiscoveryMode>NonDiscoverable</tds:DiscoveryMode></tds:SetDiscoveryMode>"
        )
        second = await begin(remembering)
        assert (await scopes(second))["urn:x:1"] == "Configurable"
        assert (await second.call("<tds:GetDiscoveryMode/>")).texts("DiscoveryMode") == ["NonDiscoverable"]

    async def test_whoever_announces_the_device_hears_of_changes(self, client: SoapClient) -> None:
        heard: list[bool] = []
        identity = client.running.device.identity
        stop = identity.listen(lambda: heard.append(identity.discoverable))
        mode = "<tds:SetDiscoveryMode><tds:DiscoveryMode>{}</tds:DiscoveryMode></tds:SetDiscoveryMode>"
        await client.call(mode.format("NonDiscoverable"))
        await client.call(mode.format("Discoverable"))
        await client.call(set_scopes("urn:x:1"))
        stop()
        await client.call(set_scopes("urn:x:2"))
        assert heard == [False, True, True]

    async def test_a_memory_that_cannot_be_written_changes_nothing(self, client: SoapClient) -> None:
        class Full(VolatileMemory):
            async def write(self, key: str, text: str) -> None:
                raise OSError("no space")

        full: Memory = Full()
        client.running.device.memory._memory = full
        before = await scopes(client)
        assert (await client.call(set_scopes("urn:x:1"))).subcodes == ["s:Receiver", "ter:Action"]
        assert await scopes(client) == before


class TestPower:
    async def test_an_administrator_restarts_the_host(self, client: SoapClient, system: FakeSystem) -> None:
        assert (await client.call("<tds:SystemReboot/>")).texts("Message") == ["Restarting now"]
        assert system.told == ["reboot by admin"]
        client.username = "operator"
        assert (await client.call("<tds:SystemReboot/>")).subcodes[-1] == "ter:NotAuthorized"

    async def test_a_host_that_may_not_restart_says_so(self, client: SoapClient, system: FakeSystem) -> None:
        system.refusal = Refused(Refusal.NOT_ALLOWED, "not from here")
        assert (await client.call("<tds:SystemReboot/>")).subcodes == ["s:Sender", "ter:OperationProhibited"]

    async def test_the_factory_default_forgets_what_clients_set(self, client: SoapClient, system: FakeSystem) -> None:
        before = await scopes(client)
        await client.call(set_scopes("urn:x:1"))
        request = (
            "<tds:SetSystemFactoryDefault><tds:FactoryDefault>Hard</tds:FactoryDefault></tds:SetSystemFactoryDefault>"
        )
        assert (await client.call(request)).status == 200
        assert system.told == ["Hard default by admin"]
        assert await scopes(client) == before

    async def test_a_forbidden_factory_default_forgets_nothing(self, client: SoapClient, system: FakeSystem) -> None:
        system.factory_default_allowed = False
        await client.call(set_scopes("urn:x:1"))
        request = (
            "<tds:SetSystemFactoryDefault><tds:FactoryDefault>Soft</tds:FactoryDefault></tds:SetSystemFactoryDefault>"
        )
        assert (await client.call(request)).subcodes == ["s:Sender", "ter:OperationProhibited"]
        assert "urn:x:1" in await scopes(client)
        assert system.told == []


class TestPapers:
    async def test_the_log_comes_as_text(self, client: SoapClient) -> None:
        response = await client.call("<tds:GetSystemLog><tds:LogType>System</tds:LogType></tds:GetSystemLog>")
        assert response.texts("String") == ["12:00 started\n12:01 Käse"]
        response = await client.call("<tds:GetSystemLog><tds:LogType>Access</tds:LogType></tds:GetSystemLog>")
        assert response.subcodes == ["s:Sender", "ter:InvalidArgs", "ter:AccesslogUnavailable"]

    async def test_papers_that_are_not_there_have_their_faults(self, client: SoapClient, system: FakeSystem) -> None:
        system.log = system.support = None
        response = await client.call("<tds:GetSystemLog><tds:LogType>System</tds:LogType></tds:GetSystemLog>")
        assert response.subcodes[-1] == "ter:SystemlogUnavailable"
        response = await client.call("<tds:GetSystemSupportInformation/>")
        assert response.subcodes[-1] == "ter:SupportInformationUnavailable"

    async def test_log_and_support_information_can_be_downloaded(self, client: SoapClient) -> None:
        response = await client.call("<tds:GetSystemUris/>")
        assert response.texts("Type") == ["System"]
        log, support = response.texts("Uri")[0], response.texts("SupportInfoUri")[0]
        async with await self._get("admin", log) as answer:
            assert (answer.status, await answer.text()) == (200, "12:00 started\n12:01 Käse\x00")
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
        async with await self._get("admin", support) as answer:
            assert (answer.content_type, await answer.json()) == ("application/json", {"version": 1})

    @pytest.mark.parametrize("paper", ["log", "support"])
    async def test_downloads_are_for_administrators(self, client: SoapClient, paper: str) -> None:
        url = f"{client.running.url}/onvif/system/{paper}"
        async with client.session.get(url) as answer:
            assert answer.status == 401
            assert answer.headers["WWW-Authenticate"].startswith("Digest")
        for username in ("operator", "viewer"):
            async with await self._get(username, url) as answer:
                assert answer.status == 403

    async def test_a_download_that_is_not_there(self, client: SoapClient, system: FakeSystem) -> None:
        system.log = None
        async with await self._get("admin", f"{client.running.url}/onvif/system/log") as answer:
            assert answer.status == 404
        system.refusal = Refused(Refusal.UNAVAILABLE)
        async with await self._get("admin", f"{client.running.url}/onvif/system/log") as answer:
            assert answer.status == 503

    @pytest.fixture(autouse=True)
    async def _sessions(self) -> AsyncIterator[None]:
        self._open: list[aiohttp.ClientSession] = []
        yield
        for one in self._open:
            await one.close()

    async def _get(self, username: str, url: str) -> aiohttp.ClientResponse:
        digest = aiohttp.DigestAuthMiddleware(username, ACCOUNTS[username].password)
        session = aiohttp.ClientSession(middlewares=(digest,))
        self._open.append(session)
        return await session.get(url)

    async def test_certificates_are_shown_without_keys(self, client: SoapClient, system: FakeSystem) -> None:
        response = await client.call("<tds:GetCertificates/>")
        assert response.texts("CertificateID") == ["web"]
        assert ssl.DER_cert_to_PEM_cert(base64.b64decode(response.texts("Data")[0])).encode() == system.pem
        assert (await client.call("<tds:GetCertificatesStatus/>")).texts("Status") == ["true"]
        client.username = "operator"
        assert (await client.call("<tds:GetCertificates/>")).subcodes[-1] == "ter:NotAuthorized"


class TestNetwork:
    async def test_the_hosts_network_is_shown(self, client: SoapClient) -> None:
        dns = await client.call("<tds:GetDNS/>")
        assert dns.texts("IPv4Address") == ["192.0.2.53"]
        assert dns.texts("IPv6Address") == ["2001:db8::53"]
        ntp = await client.call("<tds:GetNTP/>")
        assert ntp.texts("DNSname") + ntp.texts("IPv4Address") == ["ntp.example.org", "192.0.2.123"]
        gateway = await client.call("<tds:GetNetworkDefaultGateway/>")
        assert gateway.texts("IPv4Address") + gateway.texts("IPv6Address") == ["192.0.2.1", "2001:db8::1"]

    @pytest.mark.parametrize(
        ("request_", "subcode"),
        [
            ("<tds:SetHostname><tds:Name>other</tds:Name></tds:SetHostname>", "ter:ActionNotSupported"),
            ("<tds:SetHostname><tds:Name>-bad_</tds:Name></tds:SetHostname>", "ter:InvalidHostname"),
            ("<tds:SetDNS><tds:FromDHCP>true</tds:FromDHCP></tds:SetDNS>", "ter:ActionNotSupported"),
            (
                "<tds:SetDNS><tds:FromDHCP>false</tds:FromDHCP><tds:DNSManual><tt:Type>IPv4</tt:Type>"
                "<tt:IPv4Address>1.2.3.999</tt:IPv4Address></tds:DNSManual></tds:SetDNS>",
                "ter:InvalidIPv4Address",
            ),
            (
                "<tds:SetNTP><tds:FromDHCP>false</tds:FromDHCP><tds:NTPManual><tt:Type>DNS</tt:Type>"
                "<tt:DNSname>a b</tt:DNSname></tds:NTPManual></tds:SetNTP>",
                "ter:InvalidDnsName",
            ),
            ("<tds:SetNTP><tds:FromDHCP>true</tds:FromDHCP></tds:SetNTP>", "ter:ActionNotSupported"),
            (
                "<tds:SetNetworkDefaultGateway><tds:IPv4Address>x</tds:IPv4Address></tds:SetNetworkDefaultGateway>",
                "ter:InvalidGatewayAddress",
            ),
            ("<tds:SetNetworkDefaultGateway/>", "ter:ActionNotSupported"),
            (
                "<tds:SetNetworkInterfaces><tds:InterfaceToken>wlan9</tds:InterfaceToken><tds:NetworkInterface/>"
                "</tds:SetNetworkInterfaces>",
                "ter:InvalidNetworkInterface",
            ),
            (
                "<tds:SetNetworkInterfaces><tds:InterfaceToken>lo</tds:InterfaceToken><tds:NetworkInterface>"
                "<tt:MTU>1400</tt:MTU></tds:NetworkInterface></tds:SetNetworkInterfaces>",
                "ter:ActionNotSupported",
            ),
            (
                "<tds:SetNetworkProtocols><tds:NetworkProtocols><tt:Name>HTTPS</tt:Name><tt:Enabled>true</tt:Enabled>"
                "<tt:Port>443</tt:Port></tds:NetworkProtocols></tds:SetNetworkProtocols>",
                "ter:ServiceNotSupported",
            ),
            (
                "<tds:SetNetworkProtocols><tds:NetworkProtocols><tt:Name>RTSP</tt:Name><tt:Enabled>true</tt:Enabled>"
                "<tt:Port>554</tt:Port></tds:NetworkProtocols></tds:SetNetworkProtocols>",
                "ter:ActionNotSupported",
            ),
        ],
    )
    async def test_the_hosts_network_is_not_changed(self, client: SoapClient, request_: str, subcode: str) -> None:
        response = await client.call(request_)
        assert response.subcodes[-1] == subcode


def user(name: str, password: str | None, level: str = "Operator") -> str:
    secret = "" if password is None else f"<tt:Password>{password}</tt:Password>"
    return f"<tds:User><tt:Username>{name}</tt:Username>{secret}<tt:UserLevel>{level}</tt:UserLevel></tds:User>"


def create(*users: str) -> str:
    return f"<tds:CreateUsers>{''.join(users)}</tds:CreateUsers>"


def change(*users: str) -> str:
    return f"<tds:SetUser>{''.join(users)}</tds:SetUser>"


def delete(*users: str) -> str:
    return f"<tds:DeleteUsers>{''.join(f'<tds:Username>{one}</tds:Username>' for one in users)}</tds:DeleteUsers>"


class TestUsers:
    def levels(self, client: SoapClient) -> dict[str, Level]:
        return {name: client.running.users.level_of(name) for name in client.running.users.usernames()}

    async def test_administrators_add_change_and_remove_users(self, client: SoapClient) -> None:
        assert (await client.call(create(user("ann", "long enough"), user("ben", "long enough", "User")))).status == 200
        assert self.levels(client) | {"ann": Level.OPERATOR, "ben": Level.USER} == self.levels(client)
        assert (await client.call(change(user("ben", None, "Operator"), user("ann", "even longer")))).status == 200
        assert self.levels(client)["ben"] is Level.OPERATOR
        assert client.running.users.password_of("ben") == "long enough"
        assert client.running.users.password_of("ann") == "even longer"
        assert (await client.call(delete("ann", "ben"))).status == 200
        assert set(self.levels(client)) == set(ACCOUNTS)

    async def test_a_new_user_can_log_in_at_once(self, client: SoapClient, monkeypatch: pytest.MonkeyPatch) -> None:
        await client.call(create(user("ann", "secret-x", "User")))
        monkeypatch.setitem(ACCOUNTS, "ann", type(ACCOUNTS["admin"])("secret-x", Level.USER))
        client.username = "ann"
        assert (await client.call("<tds:GetScopes/>")).status == 200

    async def test_nobody_else_changes_users(self, client: SoapClient) -> None:
        client.username = "operator"
        for request in (create(user("ann", "long enough")), change(user("viewer", None)), delete("viewer")):
            assert (await client.call(request)).subcodes[-1] == "ter:NotAuthorized"

    @pytest.mark.parametrize(
        ("request_", "subcodes"),
        [
            (create(user("viewer", "long enough")), ["ter:OperationProhibited", "ter:UsernameClash"]),
            (
                create(user("a", "long enough"), user("a", "long enough")),
                ["ter:OperationProhibited", "ter:UsernameClash"],
            ),
            (create(user("ann", "short")), ["ter:OperationProhibited", "ter:PasswordTooWeak"]),
            (create(user("ann", None)), ["ter:OperationProhibited", "ter:PasswordTooWeak"]),
            (create(user("ann", "x" * 129)), ["ter:OperationProhibited", "ter:PasswordTooLong"]),
            (create(user("", "long enough")), ["ter:OperationProhibited", "ter:UsernameTooShort"]),
            (create(user("x" * 65, "long enough")), ["ter:OperationProhibited", "ter:UsernameTooLong"]),
            (create(user("ann", "long enough", "Anonymous")), ["ter:OperationProhibited", "ter:AnonymousNotAllowed"]),
            (create(*(user(f"u{i}", "long enough") for i in range(4))), ["ter:Action", "ter:TooManyUsers"]),
            (
                create(user("ann", "long enough"), user("ben", "short")),
                ["ter:OperationProhibited", "ter:PasswordTooWeak"],
            ),
            (change(user("nobody", None)), ["ter:InvalidArgVal", "ter:UsernameMissing"]),
            (change(user("admin", None)), ["ter:InvalidArgVal", "ter:FixedUser"]),
            (
                change(user("viewer", None), user("operator", "short")),
                ["ter:OperationProhibited", "ter:PasswordTooWeak"],
            ),
            (delete("nobody"), ["ter:InvalidArgVal", "ter:UsernameMissing"]),
            (delete("viewer", "viewer"), ["ter:InvalidArgVal"]),
            (delete("admin"), ["ter:InvalidArgVal", "ter:FixedUser"]),
        ],
    )
    async def test_all_changes_of_a_request_are_made_or_none(
        self, client: SoapClient, request_: str, subcodes: list[str]
    ) -> None:
        before = dict(client.running.users._accounts)
        response = await client.call(request_)
        assert response.subcodes[1:] == subcodes
        assert client.running.users._accounts == before

    async def test_a_half_finished_removal_is_taken_back(self, client: SoapClient) -> None:
        client.running.users._accounts["ann"] = type(ACCOUNTS["admin"])("long enough", Level.OPERATOR)
        response = await client.call(delete("ann", "admin"))
        assert response.subcodes[-1] == "ter:FixedUser"
        assert client.running.users.password_of("ann") == "long enough"


class TestAuxiliaryCommands:
    async def test_known_commands_reach_the_host(self, client: SoapClient, host: Host) -> None:
        client.username = "operator"
        request = "<tds:SendAuxiliaryCommand><tds:AuxiliaryCommand>{}</tds:AuxiliaryCommand></tds:SendAuxiliaryCommand>"
        response = await client.call(request.format("tt:Wiper|Off"))
        assert response.texts("AuxiliaryCommandResponse") == ["wiping"]
        assert host.auxiliaries == ["tt:Wiper|Off"]
        response = await client.call(request.format("tt:Siren|On"))
        assert response.subcodes == ["s:Sender", "ter:InvalidArgVal", "ter:AuxiliaryDataNotSupported"]


class TestCapabilities:
    async def test_what_the_host_has_is_advertised(self, client: SoapClient) -> None:
        capabilities = (await client.call("<tds:GetServiceCapabilities/>")).content[0]
        security, system, misc = (capabilities.find(f"{{*}}{name}") for name in ("Security", "System", "Misc"))
        assert security.get("TLS1.2") == "true"
        assert system.get("SystemLogging") == system.get("HttpSupportInformation") == "true"
        assert system.get("UserConfigNotSupported") == "false"
        assert system.get("NetworkConfigNotSupported") == system.get("DiscoveryNotSupported") == "true"
        assert misc.get("AuxiliaryCommands") == "tt:Wiper|On tt:Wiper|Off"
        old = await client.call("<tds:GetCapabilities><tds:Category>Device</tds:Category></tds:GetCapabilities>")
        assert old.texts("AuxiliaryCommands") == ["tt:Wiper|On", "tt:Wiper|Off"]
        assert (old.texts("RelayOutputs"), old.texts("InputConnectors")) == (["2"], ["2"])

    async def test_discovery_is_advertised_while_it_runs(self, client: SoapClient) -> None:
        client.running.device.identity.announced = True
        system = (await client.call("<tds:GetServiceCapabilities/>")).content[0].find("{*}System")
        assert system.get("DiscoveryResolve") == system.get("DiscoveryBye") == "true"
        assert system.get("DiscoveryNotSupported") == "false"

    async def test_what_the_host_lacks_is_refused_and_not_advertised(self, begin: Begin) -> None:
        def bare(host: Host) -> None:
            host.system = host.user_administration = host.terminals = None
            host.auxiliary_commands = ()

        client = await begin(bare)
        answers: list[Response] = [
            await client.call(request)
            for request in (
                "<tds:SystemReboot/>",
                "<tds:GetSystemUris/>",
                "<tds:GetCertificates/>",
                create(user("ann", "long enough")),
                "<tds:GetRelayOutputs/>",
                "<tds:SendAuxiliaryCommand><tds:AuxiliaryCommand>x</tds:AuxiliaryCommand></tds:SendAuxiliaryCommand>",
            )
        ]
        assert all(answer.subcodes == ["s:Receiver", "ter:ActionNotSupported"] for answer in answers)
        async with client.session.get(f"{client.running.url}/onvif/system/log") as reply:
            assert reply.status == 404
        capabilities = (await client.call("<tds:GetServiceCapabilities/>")).content[0]
        assert capabilities.find("{*}Misc") is None
        assert capabilities.find("{*}System").get("UserConfigNotSupported") == "true"
        assert capabilities.find("{*}System").get("SystemLogging") == "false"
        assert (await client.call("<tds:GetDNS/>")).texts("DNSManual") == []
