"""DeviceIO and the relays of the device service, over real HTTP."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from fake_terminals import FakeTerminals
from onvif_host import Host, Running
from onvif_soap_client import SoapClient

from onvif_server import OnvifDevice
from onvif_server.backend import Refusal, Refused, VideoChannel

pytestmark = pytest.mark.ledger("ONVIF-2")


@pytest.fixture
def terminals(host: Host) -> FakeTerminals:
    assert isinstance(host.terminals, FakeTerminals)
    return host.terminals


def settings(token: str, mode: str, delay: str, idle: str = "open") -> str:
    return (
        f'<tmd:SetRelayOutputSettings><tmd:RelayOutput token="{token}"><tt:Properties><tt:Mode>{mode}</tt:Mode>'
        f"<tt:DelayTime>{delay}</tt:DelayTime><tt:IdleState>{idle}</tt:IdleState></tt:Properties></tmd:RelayOutput>"
        "</tmd:SetRelayOutputSettings>"
    )


async def test_sources_and_outputs_are_those_of_the_channels(client: SoapClient) -> None:
    assert (await client.call("<tmd:GetVideoSources/>")).texts("Token") == ["yard-source", "dome-source"]
    assert (await client.call("<tmd:GetAudioSources/>")).texts("Token") == ["dome-audio-source"]
    assert (await client.call("<tmd:GetAudioOutputs/>")).texts("Token") == ["dome-audio-output"]


async def test_the_capabilities_count_what_is_there(client: SoapClient) -> None:
    found = (await client.call("<tmd:GetServiceCapabilities/>")).content[0].attrib
    counts = {name: found[name] for name in ("VideoSources", "AudioSources", "AudioOutputs")}
    assert counts == {"VideoSources": "2", "AudioSources": "1", "AudioOutputs": "1"}
    assert found["RelayOutputs"] == found["DigitalInputs"] == "2"


async def test_relays_show_how_they_are_set(client: SoapClient) -> None:
    response = await client.call("<tds:GetRelayOutputs/>", "/onvif/deviceio_service")
    assert response.texts("Mode") == ["Monostable", "Bistable"]
    assert response.texts("DelayTime") == ["PT2.5S", "PT1S"]
    assert response.texts("IdleState") == ["open", "closed"]


async def test_options_tell_modes_and_delays(client: SoapClient) -> None:
    response = await client.call("<tmd:GetRelayOutputOptions/>")
    gate, lamp = response.content
    assert [mode.text for mode in gate.iterfind("{*}Mode")] == ["Bistable", "Monostable"]
    assert gate.findtext("{*}DelayTimes") == "0.5 30.0"
    assert [mode.text for mode in lamp.iterfind("{*}Mode")] == ["Bistable"]
    assert lamp.find("{*}DelayTimes") is None
    token = "<tmd:RelayOutputToken>{}</tmd:RelayOutputToken>"
    one = await client.call(f"<tmd:GetRelayOutputOptions>{token.format('lamp')}</tmd:GetRelayOutputOptions>")
    assert [found.get("token") for found in one.content] == ["lamp"]
    none = await client.call(f"<tmd:GetRelayOutputOptions>{token.format('x')}</tmd:GetRelayOutputOptions>")
    assert none.subcodes[-1] == "ter:RelayToken"


async def test_operators_set_and_switch_relays(client: SoapClient, terminals: FakeTerminals) -> None:
    client.username = "operator"
    assert (await client.call(settings("gate", "Monostable", "PT0.5S", "closed"))).status == 200
    gate = terminals.outputs["gate"]
    assert (gate.bistable, gate.delay_s, gate.idle_open) == (False, 0.5, False)
    state = (
        "<tds:SetRelayOutputState><tds:RelayOutputToken>gate</tds:RelayOutputToken>"
        "<tds:LogicalState>{}</tds:LogicalState></tds:SetRelayOutputState>"
    )
    assert (await client.call(state.format("active"))).status == 200
    assert terminals.outputs["gate"].active
    await client.call(state.format("inactive"))
    assert not terminals.outputs["gate"].active
    assert {caller.username for caller in terminals.callers} == {"operator"}
    client.username = "viewer"
    assert (await client.call(state.format("active"))).subcodes[-1] == "ter:NotAuthorized"


async def test_a_bistable_relay_keeps_its_delay(client: SoapClient, terminals: FakeTerminals) -> None:
    assert (await client.call(settings("gate", "Bistable", "PT0S"))).status == 200
    assert (terminals.outputs["gate"].bistable, terminals.outputs["gate"].delay_s) == (True, 2.5)


@pytest.mark.parametrize(
    ("request_", "subcode"),
    [
        (settings("none", "Bistable", "PT1S"), "ter:RelayToken"),
        (settings("lamp", "Monostable", "PT1S"), "ter:ModeError"),
        (settings("gate", "Monostable", "PT0.1S"), "ter:ModeError"),
        (settings("gate", "Monostable", "PT1H"), "ter:ModeError"),
        (settings("gate", "Monostable", "P9999999999Y"), "ter:ModeError"),
        (
            "<tds:SetRelayOutputState><tds:RelayOutputToken>none</tds:RelayOutputToken>"
            "<tds:LogicalState>active</tds:LogicalState></tds:SetRelayOutputState>",
            "ter:RelayToken",
        ),
    ],
)
async def test_what_a_relay_cannot_is_refused(
    client: SoapClient, terminals: FakeTerminals, request_: str, subcode: str
) -> None:
    response = await client.call(request_)
    assert response.subcodes == ["s:Sender", "ter:InvalidArgVal", subcode]
    assert terminals.callers == []


async def test_a_relay_that_does_not_answer(client: SoapClient, terminals: FakeTerminals) -> None:
    terminals.refusal = Refused(Refusal.UNAVAILABLE, "the camera is offline")
    assert (await client.call(settings("gate", "Bistable", "PT1S"))).subcodes == ["s:Receiver", "ter:Action"]


async def test_digital_inputs(client: SoapClient) -> None:
    inputs = (await client.call("<tmd:GetDigitalInputs/>")).content
    assert [(one.get("token"), one.get("IdleState")) for one in inputs] == [("door", "open"), ("tamper", "closed")]
    options = "<tmd:GetDigitalInputConfigurationOptions>{}</tmd:GetDigitalInputConfigurationOptions>"
    assert (await client.call(options.format(""))).texts("IdleState") == ["closed", "open"]
    assert (await client.call(options.format("<tmd:Token>door</tmd:Token>"))).texts("IdleState") == ["open"]
    assert (await client.call(options.format("<tmd:Token>x</tmd:Token>"))).subcodes[-1] == "ter:NoToken"


class SilentHost(Host):
    """Only the yard, which neither hears nor speaks, and no terminals."""

    def __init__(self) -> None:
        super().__init__()
        self.terminals = None

    @property
    def channels(self) -> Sequence[VideoChannel]:
        return super().channels[:1]


async def test_a_device_without_sound_and_terminals_says_so(session: object) -> None:
    running = Running()
    running.host = SilentHost()
    client = SoapClient(running, session)  # type: ignore[arg-type]
    running.device = OnvifDevice(running.host, running.users, running.settings)
    await running.start()
    try:
        assert (await client.call("<tmd:GetAudioSources/>")).subcodes[-1] == "ter:AudioNotSupported"
        assert (await client.call("<tmd:GetAudioOutputs/>")).subcodes[-1] == "ter:AudioOutputNotSupported"
        assert (await client.call("<tmd:GetRelayOutputOptions/>")).subcodes[-1] == "ter:ActionNotSupported"
        assert (await client.call("<tmd:GetDigitalInputs/>")).subcodes[-1] == "ter:ActionNotSupported"
        found = (await client.call("<tmd:GetServiceCapabilities/>")).content[0].attrib
        assert found["RelayOutputs"] == found["DigitalInputs"] == found["AudioSources"] == "0"
    finally:
        await running.device.stop()
