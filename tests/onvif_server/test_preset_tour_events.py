"""Preset tours in full: positions and durations of their own, and the property that tells what becomes of each."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fake_ptz import ABLE
from onvif_host import Host, Running
from onvif_soap_client import Response, SoapClient

from onvif_server.backend import PtzCapabilities, PtzTourLimits, TourSpot, TourState
from onvif_server.events import topics
from onvif_server.events.broker import Message, PropertyOperation
from onvif_server.soap import names

pytestmark = pytest.mark.ledger("ONVIF-2")

PROFILE = "<tptz:ProfileToken>dome-profile</tptz:ProfileToken>"
TOPIC = topics.PRESET_TOURS.path


async def ptz(client: SoapClient, operation: str, arguments: str = "") -> Response:
    return await client.call(f"<tptz:{operation}>{PROFILE}{arguments}</tptz:{operation}>")


def tour(spots: str, condition: str = "", token: str = "tour") -> str:
    return (
        f'<tptz:PresetTour token="{token}"><tt:Name>Night</tt:Name><tt:Status><tt:State>Idle</tt:State></tt:Status>'
        f"<tt:AutoStart>false</tt:AutoStart><tt:StartingCondition>{condition}</tt:StartingCondition>{spots}"
        "</tptz:PresetTour>"
    )


def position(inside: str) -> str:
    return f"<tt:TourSpot><tt:PresetDetail><tt:PTZPosition>{inside}</tt:PTZPosition></tt:PresetDetail></tt:TourSpot>"


@pytest.fixture
def free(host: Host) -> Host:
    """A head whose tours may have positions and durations."""
    limits = replace(ABLE["tours"], positions=True, maximum_duration_s=7200.0)
    assert isinstance(limits, PtzTourLimits)
    host.head._capabilities = PtzCapabilities(**(ABLE | {"tours": limits}))
    return host


@pytest.fixture
def heard(running: Running) -> list[Message]:
    messages: list[Message] = []
    running.device.broker.listen(lambda message: messages.append(message) if message.topic == TOPIC else None)
    return messages


def told(messages: list[Message]) -> list[tuple[PropertyOperation | None, str, str]]:
    return [
        (one.operation, dict(one.data)["StateChange"], dict(one.elements)["PresetTour"].findtext(".//{*}State"))
        for one in messages
    ]


async def test_a_spot_may_be_a_position_and_a_tour_may_have_a_duration(client: SoapClient, free: Host) -> None:
    spots = position('<tt:PanTilt x="0.5" y="0"/><tt:Zoom x="0.25"/>') + position('<tt:PanTilt x="0" y="0"/>')
    condition = "<tt:RecurringDuration>PT1H</tt:RecurringDuration>"
    assert (await ptz(client, "ModifyPresetTour", tour(spots, condition))).status == 200
    kept = free.head.kept_tours["tour"]
    assert kept.duration_s == 3600.0
    assert kept.spots == (
        TourSpot(preset=None, stay_s=0.0, position=(90.0, 0.0, 0.25)),
        TourSpot(preset=None, stay_s=0.0, position=(0.0, 0.0, None)),
    )
    shown = await ptz(client, "GetPresetTours")
    assert shown.texts("RecurringDuration") == ["PT1H"]
    first, second = shown.content.findall(".//{*}PTZPosition")
    assert first.find("{*}PanTilt").get("x") == "0.5"
    assert first.find("{*}Zoom").get("x") == "0.25"
    assert second.find("{*}Zoom") is None
    options = await ptz(client, "GetPresetTourOptions")
    assert options.content.findtext(".//{*}RecurringDuration/{*}Max") == "PT2H"
    assert options.content.find(".//{*}PanTiltPositionSpace") is not None


@pytest.mark.parametrize(
    ("asked", "subcode"),
    [
        (tour(position('<tt:Zoom x="0.5"/>')), "ter:InvalidPresetTour"),
        (tour(position('<tt:PanTilt x="2" y="0"/>')), "ter:InvalidPosition"),
        (tour(position('<tt:PanTilt x="0" y="0" space="urn:other"/>')), "ter:SpaceNotSupported"),
        (tour("", "<tt:RecurringDuration>PT0S</tt:RecurringDuration>"), "ter:InvalidPresetTour"),
        (tour("", "<tt:RecurringDuration>P1D</tt:RecurringDuration>"), "ter:InvalidPresetTour"),
    ],
)
async def test_positions_and_durations_that_cannot_be_are_refused(
    client: SoapClient, free: Host, asked: str, subcode: str
) -> None:
    assert (await ptz(client, "ModifyPresetTour", asked)).subcodes[-1] == subcode
    assert free.head.kept_tours["tour"].name == "Round"


async def test_the_life_of_a_tour_is_told(client: SoapClient, heard: list[Message]) -> None:
    token = (await ptz(client, "CreatePresetTour")).texts("PresetTourToken")[0]
    named = f"<tptz:PresetTourToken>{token}</tptz:PresetTourToken>"
    home = "<tt:TourSpot><tt:PresetDetail><tt:Home>true</tt:Home></tt:PresetDetail></tt:TourSpot>"
    await ptz(client, "ModifyPresetTour", tour(home, token=token))
    await ptz(client, "OperatePresetTour", f"{named}<tptz:Operation>Start</tptz:Operation>")
    await ptz(client, "RemovePresetTour", named)
    heard[:] = [one for one in heard if dict(one.source)["PresetTourToken"] == token]
    assert told(heard) == [
        (PropertyOperation.INITIALIZED, "false", "Idle"),
        (PropertyOperation.CHANGED, "false", "Idle"),
        (PropertyOperation.CHANGED, "true", "Touring"),
        (PropertyOperation.DELETED, "false", "Touring"),
    ]
    assert dict(heard[0].source)["ProfileToken"] == "dome-profile"


async def test_what_the_host_does_by_itself_is_told_when_it_says_so(
    running: Running, host: Host, heard: list[Message]
) -> None:
    await running.device.tours_changed("dome")
    host.head.kept_tours["tour"] = replace(host.head.kept_tours["tour"], state=TourState.TOURING)
    heard.clear()
    await running.device.tours_changed("dome")
    await running.device.tours_changed("dome")
    assert told(heard) == [(PropertyOperation.CHANGED, "true", "Touring")], "once"


async def test_a_profile_that_comes_to_move_the_head_has_its_tours_too(
    client: SoapClient, running: Running, heard: list[Message]
) -> None:
    await running.device.tours_changed("dome")
    heard.clear()
    created = await client.call(
        "<tr2:CreateProfile><tr2:Name>Second</tr2:Name><tr2:Configuration><tr2:Type>PTZ</tr2:Type>"
        "<tr2:Token>dome-ptz-config</tr2:Token></tr2:Configuration></tr2:CreateProfile>"
    )
    token = created.texts("Token")[0]
    assert [dict(one.source)["ProfileToken"] for one in heard] == [token]
    await client.call(f"<tr2:DeleteProfile><tr2:Token>{token}</tr2:Token></tr2:DeleteProfile>")
    assert heard[-1].operation is PropertyOperation.DELETED


async def test_a_client_that_subscribes_hears_the_tour_as_xml(client: SoapClient, running: Running) -> None:
    created = await client.call(
        '<tev:CreatePullPointSubscription><tev:Filter><wsnt:TopicExpression Dialect="http://www.onvif.org/ver10/tev/'
        f'topicExpression/ConcreteSet">{TOPIC}</wsnt:TopicExpression></tev:Filter>'
        "<tev:InitialTerminationTime>PT60S</tev:InitialTerminationTime></tev:CreatePullPointSubscription>"
    )
    path = "/" + created.texts("Address")[0].split("/", 3)[3]
    pulled = await client.call(
        "<tev:PullMessages><tev:Timeout>PT5S</tev:Timeout><tev:MessageLimit>9</tev:MessageLimit></tev:PullMessages>",
        path=path,
    )
    element = pulled.content.find(".//{*}ElementItem[@Name='PresetTour']/{*}PresetTour")
    assert element.get("token") == "tour"
    assert element.findtext("{*}Name") == "Round"
    described = await client.call("<tev:GetEventProperties/>")
    [node] = described.content.iter("PTZPresetTours")
    [item] = node.iter(names.tag(names.SCHEMA, "ElementItemDescription"))
    assert (item.get("Name"), item.get("Type")) == ("PresetTour", "tt:PresetTour")
