"""PTZ beyond moves and presets: configurations, auxiliary commands, tours, places, tracking, events of presets."""

from __future__ import annotations

import asyncio

import pytest
from fake_ptz import ABLE
from onvif_host import Host, Running
from onvif_soap_client import Response, SoapClient

from onvif_server import tokens
from onvif_server.backend import (
    GeoPosition,
    PtzCapabilities,
    PtzSpeed,
    Refusal,
    Refused,
    TourOperation,
    TourSpot,
    TourState,
)
from onvif_server.events.broker import Message
from onvif_server.services import ptz_description as spaces

pytestmark = pytest.mark.ledger("ONVIF-2")

PROFILE = "<tptz:ProfileToken>dome-profile</tptz:ProfileToken>"
TOUR = "<tptz:PresetTourToken>tour</tptz:PresetTourToken>"


async def ptz(client: SoapClient, operation: str, arguments: str = "") -> Response:
    return await client.call(f"<tptz:{operation}>{PROFILE}{arguments}</tptz:{operation}>")


async def configure(client: SoapClient, settings: str, *, node: str = "dome-ptz-node", name: str = "Dome") -> Response:
    return await client.call(
        f'<tptz:SetConfiguration><tptz:PTZConfiguration token="dome-ptz-config"><tt:Name>{name}</tt:Name>'
        f"<tt:UseCount>1</tt:UseCount><tt:NodeToken>{node}</tt:NodeToken>{settings}</tptz:PTZConfiguration>"
        "<tptz:ForcePersistence>true</tptz:ForcePersistence></tptz:SetConfiguration>"
    )


# --- configurations ---------------------------------------------------------------------------------------------


async def test_defaults_that_a_client_sets_hold_for_the_moves_that_name_nothing(client: SoapClient, host: Host) -> None:
    settings = (
        f"<tt:DefaultAbsolutePantTiltPositionSpace>{spaces.SPHERICAL_POSITION}</tt:DefaultAbsolutePantTiltPositionSpace>"
        f"<tt:DefaultRelativePanTiltTranslationSpace>{spaces.TRANSLATION_FOV}</tt:DefaultRelativePanTiltTranslationSpace>"
        '<tt:DefaultPTZSpeed><tt:PanTilt x="0.5" y="0.25"/><tt:Zoom x="0.75"/></tt:DefaultPTZSpeed>'
        "<tt:DefaultPTZTimeout>PT3S</tt:DefaultPTZTimeout>"
    )
    assert (await configure(client, settings, name="Gate")).status == 200
    shown = await client.call("<tptz:GetConfigurations/>")
    assert shown.texts("Name") == ["Gate"]
    assert shown.texts("DefaultAbsolutePantTiltPositionSpace") == [spaces.SPHERICAL_POSITION]
    assert shown.texts("DefaultPTZTimeout") == ["PT3S"]
    speed = shown.content.find(".//{*}DefaultPTZSpeed/{*}PanTilt")
    assert (speed.get("x"), speed.get("y")) == ("0.5", "0.25")

    await ptz(client, "AbsoluteMove", '<tptz:Position><tt:PanTilt x="-33.5" y="12"/></tptz:Position>')
    await ptz(client, "RelativeMove", '<tptz:Translation><tt:PanTilt x="1" y="0"/></tptz:Translation>')
    await ptz(client, "ContinuousMove", '<tptz:Velocity><tt:PanTilt x="1" y="0"/></tptz:Velocity>')
    speed_half = '<tptz:Speed><tt:PanTilt x="1" y="1"/></tptz:Speed>'
    await ptz(client, "GotoHomePosition", speed_half)
    absolute, relative, continuous, home = host.head.commands
    assert absolute == (
        "absolute",
        {"pan_deg": -33.5, "tilt_deg": 12.0, "zoom": None, "speed": PtzSpeed(0.5, 0.25, 0.75)},
    )
    assert relative[0] == "relative_fov"
    assert continuous[1]["timeout_s"] == 3.0
    assert home == ("goto_home", {"speed": PtzSpeed(1.0, 1.0, 0.75)})


async def test_a_configuration_can_be_written_back_as_it_was_read(client: SoapClient) -> None:
    shown = await client.call("<tptz:GetConfigurations/>")
    limits = "".join(
        f"<tt:{name}><tt:Range><tt:URI>{uri}</tt:URI>{axes}</tt:Range></tt:{name}>"
        for name, uri, axes in (
            (
                "PanTiltLimits",
                spaces.POSITION,
                "<tt:XRange><tt:Min>-INF</tt:Min><tt:Max>INF</tt:Max></tt:XRange>"
                "<tt:YRange><tt:Min>-1</tt:Min><tt:Max>1</tt:Max></tt:YRange>",
            ),
            ("ZoomLimits", spaces.ZOOM_POSITION, "<tt:XRange><tt:Min>0</tt:Min><tt:Max>1</tt:Max></tt:XRange>"),
        )
    )
    assert (await configure(client, limits)).status == 200
    again = await client.call("<tptz:GetConfigurations/>")
    assert [e.text for e in again.content.iter()] == [e.text for e in shown.content.iter()]


@pytest.mark.parametrize(
    "settings",
    [
        "<tt:DefaultAbsolutePantTiltPositionSpace>urn:other</tt:DefaultAbsolutePantTiltPositionSpace>",
        '<tt:DefaultPTZSpeed><tt:PanTilt x="2" y="0"/></tt:DefaultPTZSpeed>',
        "<tt:DefaultPTZTimeout>PT2M</tt:DefaultPTZTimeout>",
        "<tt:DefaultPTZTimeout>PT0S</tt:DefaultPTZTimeout>",
        f"<tt:ZoomLimits><tt:Range><tt:URI>{spaces.ZOOM_POSITION}</tt:URI><tt:XRange><tt:Min>0.2</tt:Min>"
        "<tt:Max>1</tt:Max></tt:XRange></tt:Range></tt:ZoomLimits>",
        "<tt:Extension><tt:PTControlDirection><tt:EFlip><tt:Mode>ON</tt:Mode></tt:EFlip></tt:PTControlDirection>"
        "</tt:Extension>",
    ],
)
async def test_what_cannot_be_set_is_refused_and_changes_nothing(client: SoapClient, settings: str) -> None:
    response = await configure(client, settings, name="Gate")
    assert response.subcodes == ["s:Sender", "ter:InvalidArgVal", "ter:ConfigModify"]
    assert (await client.call("<tptz:GetConfigurations/>")).texts("Name") == ["Dome"]


async def test_another_node_cannot_be_named(client: SoapClient) -> None:
    assert (await configure(client, "", node="yard-ptz-node")).subcodes[-1] == "ter:ConfigModify"


# --- what the node promises ---------------------------------------------------------------------------------------


async def test_the_node_and_the_service_tell_what_the_head_can(client: SoapClient) -> None:
    node = await client.call("<tptz:GetNodes/>")
    assert node.texts("AuxiliaryCommands") == ["tt:Wiper|On", "tt:Wiper|Off"]
    assert node.texts("MaximumNumberOfPresetTours") == ["2"]
    assert node.texts("PTZPresetTourOperation") == ["Start", "Stop", "Pause"]
    assert node.content[0].get("GeoMove") == "true"
    [capabilities] = (await client.call("<tptz:GetServiceCapabilities/>")).content
    assert capabilities.get("MoveAndTrack").split() == ["PresetToken", "GeoLocation", "PTZVector", "ObjectID"]
    assert {capabilities.get(name) for name in ("MoveStatus", "StatusPosition")} == {"true"}
    assert {capabilities.get(name) for name in ("EFlip", "Reverse")} == {"false"}


async def test_a_plain_head_promises_nothing_of_it_and_refuses_it(client: SoapClient, host: Host) -> None:
    host.head._capabilities = PtzCapabilities()
    node = await client.call("<tptz:GetNodes/>")
    assert node.texts("AuxiliaryCommands") == node.texts("SupportedPresetTour") == []
    assert node.content[0].get("GeoMove") == "false"
    [capabilities] = (await client.call("<tptz:GetServiceCapabilities/>")).content
    assert capabilities.get("MoveAndTrack") is None
    for operation, arguments in (
        ("MoveAndStartTracking", "<tptz:ObjectID>1</tptz:ObjectID>"),
        ("GetPresetTours", ""),
        ("CreatePresetTour", ""),
        ("SendAuxiliaryCommand", "<tptz:AuxiliaryData>tt:Wiper|On</tptz:AuxiliaryData>"),
    ):
        assert (await ptz(client, operation, arguments)).subcodes[:2] == ["s:Receiver", "ter:ActionNotSupported"]
    nowhere = ["s:Sender", "ter:InvalidArgVal", "ter:GeoMoveNotSupported"]
    assert (await ptz(client, "GeoMove", '<tptz:Target lon="7.5" lat="51.5"/>')).subcodes == nowhere
    assert host.head.commands == []


async def test_the_status_is_in_the_default_space_of_positions(client: SoapClient, host: Host) -> None:
    host.head.position = [45.0, 35.0, 0.5]
    await configure(
        client,
        f"<tt:DefaultAbsolutePantTiltPositionSpace>{spaces.SPHERICAL_POSITION}"
        "</tt:DefaultAbsolutePantTiltPositionSpace>",
    )
    place = (await ptz(client, "GetStatus", "")).content.find(".//{*}Position/{*}PanTilt")
    assert (place.get("x"), place.get("y"), place.get("space")) == ("45.0", "35.0", spaces.SPHERICAL_POSITION)


async def test_what_a_configuration_leaves_out_stays_as_it_was(client: SoapClient, host: Host) -> None:
    await configure(
        client,
        '<tt:DefaultPTZSpeed><tt:PanTilt x="0.5" y="0.25"/></tt:DefaultPTZSpeed>'
        "<tt:DefaultPTZTimeout>PT3S</tt:DefaultPTZTimeout>",
    )
    await configure(client, "", name="Gate")
    shown = await client.call("<tptz:GetConfigurations/>")
    assert shown.texts("Name") == ["Gate"]
    assert shown.texts("DefaultPTZTimeout") == ["PT3S"]
    speed = shown.content.find(".//{*}DefaultPTZSpeed/{*}PanTilt")
    assert (speed.get("x"), speed.get("y")) == ("0.5", "0.25")


async def test_only_listed_auxiliary_commands_are_passed_on(client: SoapClient, host: Host) -> None:
    response = await ptz(client, "SendAuxiliaryCommand", "<tptz:AuxiliaryData>tt:Wiper|On</tptz:AuxiliaryData>")
    assert response.texts("AuxiliaryResponse") == ["wiping"]
    response = await ptz(client, "SendAuxiliaryCommand", "<tptz:AuxiliaryData>tt:Bomb|On</tptz:AuxiliaryData>")
    assert response.subcodes[-1] == "ter:AuxiliaryDataNotSupported"
    assert host.head.commands == [("auxiliary", {"data": "tt:Wiper|On"})]


# --- places and tracking ------------------------------------------------------------------------------------------


async def test_a_place_reaches_the_host_with_the_area_that_shall_fill_the_picture(
    client: SoapClient, host: Host
) -> None:
    await ptz(client, "GeoMove", '<tptz:Target lon="7.5" lat="51.5" elevation="80"/><tptz:AreaWidth>6</tptz:AreaWidth>')
    await ptz(client, "GeoMove", '<tptz:Target lon="7.5" lat="51.5"/>')
    place = GeoPosition(latitude=51.5, longitude=7.5, elevation=80.0)
    flat = GeoPosition(latitude=51.5, longitude=7.5)
    assert host.head.commands == [
        ("geo_move", {"target": place, "speed": PtzSpeed(), "area_m": (6.0, 0.0)}),
        ("geo_move", {"target": flat, "speed": PtzSpeed(), "area_m": None}),
    ]


@pytest.mark.parametrize("place", ['lon="7.5"', 'lon="181" lat="0"', 'lon="0" lat="NaN"', 'lon="0" lat="-90.5"'])
async def test_places_that_are_not_on_earth_are_refused(client: SoapClient, host: Host, place: str) -> None:
    assert (await ptz(client, "GeoMove", f"<tptz:Target {place}/>")).subcodes[-1] == "ter:InvalidPosition"
    assert host.head.commands == []


async def test_a_place_that_the_head_cannot_see_has_its_own_fault(client: SoapClient, host: Host) -> None:
    host.head.refusal = Refused(Refusal.INVALID_POSITION, "behind the wall")
    response = await ptz(client, "GeoMove", '<tptz:Target lon="7.5" lat="51.5"/>')
    assert response.subcodes == ["s:Sender", "ter:InvalidArgVal", "ter:UnreachablePosition"]


@pytest.mark.parametrize(
    ("goal", "told"),
    [
        ("<tptz:PresetToken>p1</tptz:PresetToken>", {"preset": "p1"}),
        ('<tptz:TargetPosition><tt:PanTilt x="0.5" y="1"/></tptz:TargetPosition>', {"position": (90.0, 90.0, None)}),
        ('<tptz:GeoLocation lon="1" lat="2"/>', {"geo": GeoPosition(latitude=2.0, longitude=1.0)}),
        ("<tptz:ObjectID>7</tptz:ObjectID>", {"object_id": 7}),
        ("<tptz:PresetToken>p1</tptz:PresetToken><tptz:ObjectID>7</tptz:ObjectID>", {"preset": "p1", "object_id": 7}),
    ],
)
async def test_tracking_starts_at_any_kind_of_goal(
    client: SoapClient, host: Host, goal: str, told: dict[str, object]
) -> None:
    assert (await ptz(client, "MoveAndStartTracking", goal)).status == 200
    assert host.head.commands == [("move_and_track", told)]


@pytest.mark.parametrize(
    ("goal", "subcode"),
    [
        ("", "ter:InvalidArgs"),
        ('<tptz:PresetToken>p1</tptz:PresetToken><tptz:GeoLocation lon="1" lat="2"/>', "ter:InvalidArgs"),
        ('<tptz:TargetPosition><tt:PanTilt x="1.5" y="0"/></tptz:TargetPosition>', "ter:InvalidPosition"),
        ("<tptz:TargetPosition/>", "ter:InvalidArgs"),
    ],
)
async def test_goals_that_cannot_be_are_refused(client: SoapClient, host: Host, goal: str, subcode: str) -> None:
    assert (await ptz(client, "MoveAndStartTracking", goal)).subcodes[-1] == subcode
    assert host.head.commands == []


# --- tours --------------------------------------------------------------------------------------------------------


def tour(spots: str, *, condition: str = "<tt:StartingCondition/>", token: str = "tour") -> str:
    return (
        f'<tptz:PresetTour token="{token}"><tt:Name>Night</tt:Name><tt:Status><tt:State>Idle</tt:State></tt:Status>'
        f"<tt:AutoStart>false</tt:AutoStart>{condition}{spots}</tptz:PresetTour>"
    )


def spot(detail: str, rest: str = "") -> str:
    return f"<tt:TourSpot><tt:PresetDetail>{detail}</tt:PresetDetail>{rest}</tt:TourSpot>"


async def test_a_tour_is_created_changed_started_paused_and_removed(client: SoapClient, host: Host) -> None:
    await ptz(client, "SetPreset", "<tptz:PresetName>Gate</tptz:PresetName>")
    token = (await ptz(client, "CreatePresetTour")).texts("PresetTourToken")[0]
    named = f"<tptz:PresetTourToken>{token}</tptz:PresetTourToken>"
    rest = '<tt:Speed><tt:PanTilt x="0.5" y="0.5"/></tt:Speed><tt:StayTime>PT7.5S</tt:StayTime>'
    spots = spot("<tt:PresetToken>p1</tt:PresetToken>", rest) + spot("<tt:Home>true</tt:Home>")
    condition = (
        "<tt:StartingCondition><tt:RecurringTime>3</tt:RecurringTime><tt:Direction>Backward</tt:Direction>"
        "</tt:StartingCondition>"
    )
    assert (await ptz(client, "ModifyPresetTour", tour(spots, condition=condition, token=token))).status == 200
    kept = host.head.kept_tours[token]
    assert kept.spots == (
        TourSpot(preset="p1", stay_s=7.5, speed=PtzSpeed(0.5, 0.5, None)),
        TourSpot(preset=None, stay_s=0.0),
    )
    assert (kept.name, kept.rounds, kept.backward) == ("Night", 3, True)
    for operation, state in (("Start", "Touring"), ("Pause", "Paused"), ("Stop", "Idle")):
        await ptz(client, "OperatePresetTour", f"{named}<tptz:Operation>{operation}</tptz:Operation>")
        shown = await ptz(client, "GetPresetTour", named)
        assert shown.texts("State") == [state]
    assert shown.texts("StayTime") == ["PT7.5S", "P0D"]
    assert shown.texts("PresetToken") == ["p1"]
    assert (await ptz(client, "RemovePresetTour", named)).status == 200
    assert (await ptz(client, "GetPresetTour", named)).subcodes[-1] == "ter:NoToken"


async def test_the_options_list_presets_and_limits(client: SoapClient) -> None:
    await ptz(client, "SetPreset", "<tptz:PresetName>Gate</tptz:PresetName>")
    options = await ptz(client, "GetPresetTourOptions")
    assert options.texts("PresetToken") == ["p1"]
    assert options.texts("Home") == ["true"]
    assert options.texts("Direction") == ["Forward", "Backward"]
    assert options.content.findtext(".//{*}StayTime/{*}Max") == "PT10M"


@pytest.mark.parametrize(
    "asked",
    [
        tour(spot("<tt:PresetToken>none</tt:PresetToken>")),
        tour(spot("<tt:Home>false</tt:Home>")),
        tour(spot('<tt:PTZPosition><tt:PanTilt x="0" y="0"/></tt:PTZPosition>')),
        tour(spot("<tt:Home>true</tt:Home>", "<tt:StayTime>PT1H</tt:StayTime>")),
        tour("", condition='<tt:StartingCondition RandomPresetOrder="true"/>'),
        tour("", condition="<tt:StartingCondition><tt:RecurringTime>0</tt:RecurringTime></tt:StartingCondition>"),
    ],
)
async def test_tours_that_cannot_be_are_refused(client: SoapClient, host: Host, asked: str) -> None:
    response = await ptz(client, "ModifyPresetTour", asked)
    assert response.subcodes == ["s:Sender", "ter:InvalidArgVal", "ter:InvalidPresetTour"]
    assert host.head.kept_tours["tour"].name == "Round"


async def test_too_many_spots_tours_and_wrong_tokens_have_their_faults(client: SoapClient, host: Host) -> None:
    spots = spot("<tt:Home>true</tt:Home>") * 4
    assert (await ptz(client, "ModifyPresetTour", tour(spots))).subcodes[-1] == "ter:TooManyPresets"
    assert (await ptz(client, "ModifyPresetTour", tour("", token="none"))).subcodes[-1] == "ter:NoToken"
    token = (await ptz(client, "CreatePresetTour")).texts("PresetTourToken")[0]
    assert (await ptz(client, "CreatePresetTour")).subcodes[-1] == "ter:TooManyPresetTours"
    empty = f"<tptz:PresetTourToken>{token}</tptz:PresetTourToken><tptz:Operation>Start</tptz:Operation>"
    assert (await ptz(client, "OperatePresetTour", empty)).subcodes[-1] == "ter:ActivationFailed"
    assert host.head.kept_tours["tour"].state is TourState.IDLE
    assert ("operate_tour", {"token": "tour", "operation": TourOperation.START}) not in host.head.commands


# --- events of presets --------------------------------------------------------------------------------------------


class Heard:
    """What the device published of presets."""

    def __init__(self, running: Running) -> None:
        self.messages: list[Message] = []
        self._came = asyncio.Event()
        running.device.broker.listen(self._hear)

    def _hear(self, message: Message) -> None:
        if "/PTZPresets/" in message.topic:
            self.messages.append(message)
            self._came.set()

    @property
    def names(self) -> list[str]:
        return [f"{message.topic.rpartition('/')[2]} {dict(message.data)['PresetName']}" for message in self.messages]

    async def until(self, count: int) -> list[str]:
        async with asyncio.timeout(5):
            while len(self.messages) < count:
                self._came.clear()
                await self._came.wait()
        return self.names


async def two_presets(client: SoapClient, host: Host) -> None:
    for name, pan in (("Gate", 90.0), ("Door", -90.0)):
        host.head.position = [pan, 0.0, 0.0]
        await ptz(client, "SetPreset", f"<tptz:PresetName>{name}</tptz:PresetName>")
    host.head.position = [0.0, 0.0, 0.0]


GOTO_GATE = "<tptz:PresetToken>p1</tptz:PresetToken>"
GOTO_DOOR = "<tptz:PresetToken>p2</tptz:PresetToken>"


async def test_a_preset_is_invoked_reached_and_left(running: Running, client: SoapClient, host: Host) -> None:
    await two_presets(client, host)
    heard = Heard(running)
    host.head.moving = True
    await ptz(client, "GotoPreset", GOTO_GATE)
    assert heard.names == ["Invoked Gate"]
    host.head.position, host.head.moving = [90.4, 0.0, 0.0], False
    assert await heard.until(2) == ["Invoked Gate", "Reached Gate"]
    await ptz(client, "Stop")
    assert heard.names[2:] == []
    await ptz(client, "GotoHomePosition")
    assert heard.names[2:] == ["Left Gate"]
    assert dict(heard.messages[0].source) == {"PTZConfigurationToken": tokens.ptz_configuration("dome")}


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("AbsoluteMove", '<tptz:Position><tt:Zoom x="1"/></tptz:Position>'),
        ("ContinuousMove", '<tptz:Velocity><tt:PanTilt x="1" y="0"/></tptz:Velocity>'),
        ("Stop", ""),
        ("OperatePresetTour", f"{TOUR}<tptz:Operation>Start</tptz:Operation>"),
        ("GeoMove", '<tptz:Target lon="7.5" lat="51.5"/>'),
    ],
)
async def test_another_move_aborts_the_way_to_a_preset(
    running: Running, client: SoapClient, host: Host, operation: str, arguments: str
) -> None:
    await two_presets(client, host)
    heard = Heard(running)
    host.head.moving = True
    await ptz(client, "GotoPreset", GOTO_GATE)
    await ptz(client, operation, arguments)
    assert heard.names == ["Invoked Gate", "Aborted Gate"]


async def test_another_preset_aborts_the_first(running: Running, client: SoapClient, host: Host) -> None:
    await two_presets(client, host)
    heard = Heard(running)
    host.head.moving = True
    await ptz(client, "GotoPreset", GOTO_GATE)
    await ptz(client, "GotoPreset", GOTO_DOOR)
    assert heard.names == ["Invoked Gate", "Aborted Gate", "Invoked Door"]


async def test_a_head_that_stands_still_elsewhere_has_given_up(
    running: Running, client: SoapClient, host: Host
) -> None:
    await two_presets(client, host)
    heard = Heard(running)
    await ptz(client, "GotoPreset", GOTO_GATE)
    assert await heard.until(2) == ["Invoked Gate", "Aborted Gate"]


async def test_a_refused_move_tells_nothing(running: Running, client: SoapClient, host: Host) -> None:
    await two_presets(client, host)
    heard = Heard(running)
    host.head.refusal = Refused(Refusal.BUSY)
    await ptz(client, "GotoPreset", GOTO_GATE)
    assert heard.names == []


def test_the_fake_can_all(host: Host) -> None:
    assert all(getattr(host.head.capabilities, name) == value for name, value in ABLE.items())
