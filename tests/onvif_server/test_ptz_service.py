"""The PTZ service: spaces, moves, presets, refusals."""

from __future__ import annotations

import pytest
from onvif_host import Host
from onvif_soap_client import Response, SoapClient

from onvif_server.backend import PtzCapabilities, PtzSpeed, Refusal, Refused
from onvif_server.services import ptz_description as spaces

pytestmark = pytest.mark.ledger("ONVIF-6")

PROFILE = "<tptz:ProfileToken>dome-profile</tptz:ProfileToken>"


async def ptz(client: SoapClient, operation: str, arguments: str = "", profile: str = PROFILE) -> Response:
    return await client.call(f"<tptz:{operation}>{profile}{arguments}</tptz:{operation}>")


async def test_the_node_offers_generic_spherical_and_field_of_view_spaces(client: SoapClient) -> None:
    response = await client.call("<tptz:GetNodes/>")
    uris = response.texts("URI")
    for uri in (spaces.POSITION, spaces.SPHERICAL_POSITION, spaces.TRANSLATION, spaces.TRANSLATION_FOV):
        assert uri in uris
    spherical = response.content.findall(".//{*}AbsolutePanTiltPositionSpace")[1]
    assert [float(element.text) for element in spherical.iter("{*}Min", "{*}Max")] == [-180, 180, -20, 90]


async def test_the_configuration_fills_the_default_spaces(client: SoapClient) -> None:
    response = await client.call("<tptz:GetConfigurations/>")
    defaults = [element.tag.partition("}")[2] for element in response.content.iter() if "}Default" in element.tag]
    assert defaults == [
        "DefaultAbsolutePantTiltPositionSpace",
        "DefaultAbsoluteZoomPositionSpace",
        "DefaultRelativePanTiltTranslationSpace",
        "DefaultRelativeZoomTranslationSpace",
        "DefaultContinuousPanTiltVelocitySpace",
        "DefaultContinuousZoomVelocitySpace",
        "DefaultPTZSpeed",
        "DefaultPTZTimeout",
    ]


@pytest.mark.parametrize(
    ("position", "expected"),
    [
        ('<tt:PanTilt x="0.5" y="-1"/><tt:Zoom x="0.25"/>', (90.0, -20.0, 0.25)),
        (f'<tt:PanTilt x="-1" y="1" space="{spaces.POSITION}"/>', (-180.0, 90.0, None)),
        (f'<tt:PanTilt x="-33.5" y="12" space="{spaces.SPHERICAL_POSITION}"/>', (-33.5, 12.0, None)),
        ('<tt:Zoom x="1"/>', (None, None, 1.0)),
    ],
)
async def test_absolute_moves_reach_the_motors_in_degrees(
    client: SoapClient, host: Host, position: str, expected: tuple[float | None, ...]
) -> None:
    assert (await ptz(client, "AbsoluteMove", f"<tptz:Position>{position}</tptz:Position>")).status == 200
    [(command, arguments)] = host.head.commands
    assert command == "absolute"
    assert (arguments["pan_deg"], arguments["tilt_deg"], arguments["zoom"]) == expected
    assert host.head.callers[0].username == "admin"
    assert host.head.callers[0].address == "127.0.0.1"


async def test_speeds_are_fractions_and_may_be_left_out(client: SoapClient, host: Host) -> None:
    position = '<tptz:Position><tt:PanTilt x="0" y="0"/></tptz:Position>'
    await ptz(client, "AbsoluteMove", f'{position}<tptz:Speed><tt:PanTilt x="0.5" y="-0.25"/></tptz:Speed>')
    await ptz(client, "AbsoluteMove", position)
    assert [arguments["speed"] for _, arguments in host.head.commands] == [PtzSpeed(0.5, 0.25, None), PtzSpeed()]


@pytest.mark.parametrize(
    ("position", "subcode"),
    [
        ('<tt:PanTilt x="1.1" y="0"/>', "ter:InvalidPosition"),
        ('<tt:PanTilt x="NaN" y="0"/>', "ter:InvalidPosition"),
        ('<tt:Zoom x="-0.1"/>', "ter:InvalidPosition"),
        ("", "ter:InvalidPosition"),
        ('<tt:PanTilt x="0" y="0" space="urn:other"/>', "ter:SpaceNotSupported"),
        (f'<tt:PanTilt x="0" y="-21" space="{spaces.SPHERICAL_POSITION}"/>', "ter:InvalidPosition"),
    ],
)
async def test_positions_that_cannot_be_are_refused(
    client: SoapClient, host: Host, position: str, subcode: str
) -> None:
    response = await ptz(client, "AbsoluteMove", f"<tptz:Position>{position}</tptz:Position>")
    assert response.subcodes == ["s:Sender", "ter:InvalidArgVal", subcode]
    assert host.head.commands == []


@pytest.mark.parametrize(
    ("operation", "argument", "subcode"),
    [("RelativeMove", "Translation", "ter:InvalidTranslation"), ("ContinuousMove", "Velocity", "ter:InvalidVelocity")],
)
async def test_empty_moves_are_refused(client: SoapClient, operation: str, argument: str, subcode: str) -> None:
    response = await ptz(client, operation, f"<tptz:{argument}/>")
    assert response.subcodes == ["s:Sender", "ter:InvalidArgVal", subcode]


async def test_the_generic_translation_is_a_part_of_the_whole_range(client: SoapClient, host: Host) -> None:
    translation = '<tptz:Translation><tt:PanTilt x="0.25" y="-0.5"/><tt:Zoom x="0.1"/></tptz:Translation>'
    await ptz(client, "RelativeMove", translation)
    [(command, arguments)] = host.head.commands
    assert command == "relative"
    assert (arguments["pan_deg"], arguments["tilt_deg"], arguments["zoom"]) == (90.0, -55.0, 0.1)


async def test_the_field_of_view_translation_is_a_part_of_the_picture(client: SoapClient, host: Host) -> None:
    pan_tilt = f'<tt:PanTilt x="1" y="-0.5" space="{spaces.TRANSLATION_FOV}"/>'
    await ptz(client, "RelativeMove", f"<tptz:Translation>{pan_tilt}</tptz:Translation>")
    [(command, arguments)] = host.head.commands
    assert command == "relative_fov"
    assert (arguments["x"], arguments["y"], arguments["zoom"]) == (1.0, -0.5, None)


@pytest.mark.parametrize("relative", [True, False], ids=["generic space", "only the field of view"])
async def test_an_axis_that_a_move_leaves_out_is_left_out_towards_the_motors(
    client: SoapClient, host: Host, relative: bool
) -> None:
    host.head._capabilities = PtzCapabilities(relative=relative)
    only_zoom, only_pan_tilt = '<tt:Zoom x="0.25"/>', '<tt:PanTilt x="0" y="0.5"/>'
    for axes in (only_zoom, only_pan_tilt):
        assert (await ptz(client, "RelativeMove", f"<tptz:Translation>{axes}</tptz:Translation>")).status == 200
        assert (await ptz(client, "ContinuousMove", f"<tptz:Velocity>{axes}</tptz:Velocity>")).status == 200
        assert (await ptz(client, "AbsoluteMove", f"<tptz:Position>{axes}</tptz:Position>")).status == 200
    told = [tuple(arguments.values())[:3] for _, arguments in host.head.commands]
    assert told == [
        *[(None, None, 0.25)] * 3,
        (0.0, 90.0 if relative else 0.5, None),
        (0.0, 0.5, None),
        (0.0, 45.0, None),
    ]


async def test_a_continuous_move_has_a_time_out(client: SoapClient, host: Host) -> None:
    velocity = '<tptz:Velocity><tt:PanTilt x="-1" y="0.5"/></tptz:Velocity>'
    for timeout in ("", "<tptz:Timeout>PT2.5S</tptz:Timeout>", "<tptz:Timeout>PT1M</tptz:Timeout>"):
        await ptz(client, "ContinuousMove", f"{velocity}{timeout}")
    assert [arguments["timeout_s"] for _, arguments in host.head.commands] == [10.0, 2.5, 60.0]
    assert host.head.commands[0][1] == {"pan": -1.0, "tilt": 0.5, "zoom": None, "timeout_s": 10.0}


@pytest.mark.parametrize("timeout", ["PT60.1S", "PT1H", "P1Y", "PT0.05S", "PT0S", "-PT1S"])
async def test_a_time_out_that_is_not_within_the_range_on_offer_is_refused(
    client: SoapClient, host: Host, timeout: str
) -> None:
    token = (await client.call("<tptz:GetConfigurations/>")).content[0].get("token")
    asked = f"<tptz:ConfigurationToken>{token}</tptz:ConfigurationToken>"
    offered = await ptz(client, "GetConfigurationOptions", asked, profile="")
    assert [offered.content.findtext(f".//{{*}}PTZTimeout/{{*}}{end}") for end in ("Min", "Max")] == ["PT0.1S", "PT1M"]
    move = f'<tptz:Velocity><tt:PanTilt x="1" y="0"/></tptz:Velocity><tptz:Timeout>{timeout}</tptz:Timeout>'
    response = await ptz(client, "ContinuousMove", move)
    assert response.subcodes == ["s:Sender", "ter:InvalidArgVal", "ter:TimeoutNotSupported"]
    assert host.head.commands == []


async def test_the_status_tells_position_and_motion(client: SoapClient, host: Host) -> None:
    host.head.position = [45.0, 35.0, 0.5]
    await ptz(client, "ContinuousMove", '<tptz:Velocity><tt:PanTilt x="1" y="0"/></tptz:Velocity>')
    response = await ptz(client, "GetStatus")
    pan_tilt = response.content.find(".//{*}Position/{*}PanTilt")
    assert (float(pan_tilt.get("x")), float(pan_tilt.get("y"))) == (0.25, 0.0)
    assert pan_tilt.get("space") == spaces.POSITION
    assert response.content.findtext(".//{*}MoveStatus/{*}PanTilt") == "MOVING"
    assert response.texts("UtcTime") == ["2023-11-14T22:13:20.000Z"]
    await ptz(client, "Stop", "<tptz:PanTilt>true</tptz:PanTilt><tptz:Zoom>false</tptz:Zoom>")
    assert (await ptz(client, "GetStatus")).content.findtext(".//{*}MoveStatus/{*}PanTilt") == "IDLE"
    assert host.head.commands[-1] == ("stop", {"pan_tilt": True, "zoom": False})


async def test_a_stop_that_names_nothing_stops_all(client: SoapClient, host: Host) -> None:
    await ptz(client, "Stop")
    assert host.head.commands == [("stop", {"pan_tilt": True, "zoom": True})]


async def test_presets_are_stored_listed_called_and_removed(client: SoapClient, host: Host) -> None:
    host.head.position = [90.0, 35.0, 1.0]
    token = (await ptz(client, "SetPreset", "<tptz:PresetName>Tor &amp; Weg</tptz:PresetName>")).texts("PresetToken")[0]
    listed = await ptz(client, "GetPresets")
    assert listed.texts("Name") == ["Tor & Weg"]
    assert listed.content[0].get("token") == token
    assert listed.content.find(".//{*}PTZPosition/{*}PanTilt").get("x") == "0.5"
    named = f"<tptz:PresetToken>{token}</tptz:PresetToken>"
    assert (await ptz(client, "GotoPreset", named)).status == 200
    assert (await ptz(client, "SetPreset", f"<tptz:PresetName>Tor</tptz:PresetName>{named}")).status == 200
    assert (await ptz(client, "RemovePreset", named)).status == 200
    assert (await ptz(client, "GetPresets")).texts("Name") == []


async def test_what_is_wrong_with_a_preset_is_told(client: SoapClient) -> None:
    unknown = "<tptz:PresetToken>none</tptz:PresetToken>"
    for operation in ("GotoPreset", "RemovePreset", "SetPreset"):
        assert (await ptz(client, operation, unknown)).subcodes == ["s:Sender", "ter:InvalidArgVal", "ter:NoToken"]
    for _ in range(3):
        await ptz(client, "SetPreset")
    assert (await ptz(client, "SetPreset")).subcodes == ["s:Receiver", "ter:Action", "ter:TooManyPresets"]
    name = f"<tptz:PresetName>{'x' * 65}</tptz:PresetName>"
    assert (await ptz(client, "SetPreset", name)).subcodes[-1] == "ter:InvalidPresetName"


@pytest.mark.parametrize(
    ("refusal", "codes"),
    [
        (Refusal.BUSY, ["s:Receiver", "ter:Action"]),
        (Refusal.UNAVAILABLE, ["s:Receiver", "ter:Action"]),
        (Refusal.NO_HOME, ["s:Receiver", "ter:Action", "ter:NoHomePosition"]),
        (Refusal.MOVING, ["s:Receiver", "ter:Action", "ter:MovingPTZ"]),
    ],
)
async def test_the_hosts_refusals_become_faults(
    client: SoapClient, host: Host, refusal: Refusal, codes: list[str]
) -> None:
    host.head.refusal = Refused(refusal, "the guard holds it")
    response = await ptz(client, "GotoHomePosition")
    assert response.subcodes == codes
    assert response.texts("Text") == ["the guard holds it"]


async def test_profiles_that_do_not_move_or_are_not_there_are_told_apart(client: SoapClient) -> None:
    fixed = "<tptz:ProfileToken>yard-profile</tptz:ProfileToken>"
    absent = "<tptz:ProfileToken>cellar-profile</tptz:ProfileToken>"
    assert (await ptz(client, "Stop", profile=fixed)).subcodes[-1] == "ter:NoPTZProfile"
    assert (await ptz(client, "Stop", profile=absent)).subcodes[-1] == "ter:NoProfile"


async def test_a_simple_head_offers_and_does_only_what_it_can(client: SoapClient, host: Host) -> None:
    host.head._capabilities = PtzCapabilities(
        absolute=False, relative=False, relative_fov=False, zoom=False, home=False, maximum_presets=0
    )
    response = await client.call("<tptz:GetConfigurations/>")
    assert response.texts("DefaultContinuousPanTiltVelocitySpace") == [spaces.VELOCITY]
    assert response.texts("DefaultAbsolutePantTiltPositionSpace") == []
    position = '<tptz:Position><tt:PanTilt x="0" y="0"/></tptz:Position>'
    assert (await ptz(client, "AbsoluteMove", position)).subcodes == ["s:Receiver", "ter:ActionNotSupported"]
    assert (await ptz(client, "GotoHomePosition")).subcodes[-1] == "ter:NoHomePosition"
    assert (await ptz(client, "SetPreset")).subcodes == ["s:Receiver", "ter:ActionNotSupported"]


async def test_a_fixed_home_is_not_overwritten(client: SoapClient, host: Host) -> None:
    host.head._capabilities = PtzCapabilities(fixed_home=True)
    assert (await ptz(client, "SetHomePosition")).subcodes[-1] == "ter:CannotOverwriteHome"
