"""The imaging service: settings, options, focus; and the table between the host's settings and the schema."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from onvif_host import Host
from onvif_soap_client import Response, SoapClient

from onvif_server.backend import Choice, ImagingSettings, Number, Range, Refusal, Refused
from onvif_server.imaging_table import TABLE
from onvif_server.services.imaging_values import options_values, read_settings, settings_values
from onvif_server.soap import names
from onvif_server.soap.faults import Fault
from onvif_server.soap.schema import load_schemas

pytestmark = pytest.mark.ledger("ONVIF-2")

DOME = "<timg:VideoSourceToken>dome-source</timg:VideoSourceToken>"


async def imaging(client: SoapClient, operation: str, arguments: str = "", source: str = DOME) -> Response:
    return await client.call(f"<timg:{operation}>{source}{arguments}</timg:{operation}>")


async def set_imaging(client: SoapClient, content: str, rest: str = "") -> Response:
    return await imaging(client, "SetImagingSettings", f"<timg:ImagingSettings>{content}</timg:ImagingSettings>{rest}")


async def test_the_service_is_listed_where_a_channel_has_a_lens(client: SoapClient) -> None:
    services = await client.call(
        "<tds:GetServices><tds:IncludeCapability>true</tds:IncludeCapability></tds:GetServices>"
    )
    assert names.IMAGING in services.texts("Namespace")


async def test_settings_are_shown_and_changed(client: SoapClient, host: Host) -> None:
    shown = await imaging(client, "GetImagingSettings")
    assert [float(text) for text in shown.texts("Brightness")] == [50.0]
    assert shown.content.findtext(".//{*}NoiseReduction/{*}Level") in ("0.5", "0.5000000")
    asked = (
        "<tt:Brightness>70</tt:Brightness>"
        "<tt:Exposure><tt:Mode>MANUAL</tt:Mode><tt:ExposureTime>1000</tt:ExposureTime></tt:Exposure>"
        "<tt:IrCutFilter>ON</tt:IrCutFilter>"
        "<tt:WhiteBalance><tt:Mode>MANUAL</tt:Mode><tt:CrGain>12</tt:CrGain></tt:WhiteBalance>"
    )
    assert (await set_imaging(client, asked)).status == 200
    expected = {
        "brightness": 70.0,
        "exposure_mode": "MANUAL",
        "exposure_us": 1000.0,
        "ir_cut_filter": "ON",
        "white_balance_cr": 12.0,
    }
    assert host.lens.told == [("set", expected | {"persistent": True})]
    assert (await imaging(client, "GetImagingSettings")).texts("IrCutFilter") == ["ON"]


async def test_a_client_may_say_that_a_setting_shall_not_last(client: SoapClient, host: Host) -> None:
    persistence = "<timg:ForcePersistence>false</timg:ForcePersistence>"
    await set_imaging(client, "<tt:Brightness>70</tt:Brightness>", persistence)
    assert host.lens.told == [("set", {"brightness": 70.0, "persistent": False})]


@pytest.mark.parametrize(
    "asked",
    [
        "<tt:Brightness>101</tt:Brightness>",
        "<tt:Brightness>NaN</tt:Brightness>",
        "<tt:Contrast>1</tt:Contrast>",
        "<tt:Exposure><tt:Mode>AUTO</tt:Mode><tt:Gain>1</tt:Gain></tt:Exposure>",
        '<tt:Exposure><tt:Mode>AUTO</tt:Mode><tt:Window bottom="0" top="1" right="1" left="0"/></tt:Exposure>',
        "<tt:WhiteBalance><tt:Mode>AUTO</tt:Mode><tt:CrGain>12</tt:CrGain></tt:WhiteBalance>",
    ],
)
async def test_settings_outside_the_options_are_refused_all_together(
    client: SoapClient, host: Host, asked: str
) -> None:
    response = await set_imaging(client, asked)
    assert response.subcodes == ["s:Sender", "ter:InvalidArgVal", "ter:SettingsInvalid"]
    assert host.lens.told == []


async def test_the_options_tell_ranges_and_words(client: SoapClient) -> None:
    options = await imaging(client, "GetOptions")
    assert options.content.findtext(".//{*}Brightness/{*}Max") in ("100", "100.0")
    assert options.texts("IrCutFilterModes") == ["ON", "OFF", "AUTO"]
    assert options.content.findtext(".//{*}WhiteBalance/{*}Mode") == "MANUAL"
    assert options.content.findtext(".//{*}NoiseReductionOptions/{*}Level") == "true"


async def test_the_focus_moves_in_the_ways_that_are_offered(client: SoapClient, host: Host) -> None:
    options = await imaging(client, "GetMoveOptions")
    assert [element.tag.partition("}")[2] for element in options.content[0]] == ["Absolute", "Continuous"]
    moves = (
        "<tt:Absolute><tt:Position>0.5</tt:Position><tt:Speed>1</tt:Speed></tt:Absolute>",
        "<tt:Continuous><tt:Speed>-0.5</tt:Speed></tt:Continuous>",
    )
    for move in moves:
        assert (await imaging(client, "Move", f"<timg:Focus>{move}</timg:Focus>")).status == 200
    assert (await imaging(client, "Stop")).status == 200
    assert host.lens.told == [
        ("move", {"absolute": 0.5, "speed": 1.0}),
        ("move", {"continuous": -0.5}),
        ("stop", {}),
    ]
    status = await imaging(client, "GetStatus")
    assert (status.texts("Position"), status.texts("MoveStatus")) == (["0.25"], ["MOVING"])
    assert status.texts("Error") == ["too close"]


@pytest.mark.parametrize(
    "move",
    [
        "",
        "<tt:Relative><tt:Distance>0.1</tt:Distance></tt:Relative>",
        "<tt:Absolute><tt:Position>1.5</tt:Position></tt:Absolute>",
        "<tt:Absolute><tt:Position>1</tt:Position></tt:Absolute><tt:Continuous><tt:Speed>1</tt:Speed></tt:Continuous>",
    ],
)
async def test_other_moves_of_the_focus_are_refused(client: SoapClient, host: Host, move: str) -> None:
    response = await imaging(client, "Move", f"<timg:Focus>{move}</timg:Focus>")
    assert response.subcodes[-1] == "ter:SettingsInvalid"
    assert host.lens.told == []


async def test_sources_without_a_lens_a_focus_or_existence_are_told_apart(client: SoapClient, host: Host) -> None:
    yard = "<timg:VideoSourceToken>yard-source</timg:VideoSourceToken>"
    absent = "<timg:VideoSourceToken>cellar-source</timg:VideoSourceToken>"
    no_imaging = ["s:Receiver", "ter:ActionNotSupported", "ter:NoImagingForSource"]
    assert (await imaging(client, "GetImagingSettings", source=yard)).subcodes == no_imaging
    assert (await imaging(client, "GetOptions", source=absent)).subcodes[1:] == ["ter:InvalidArgVal", "ter:NoSource"]
    host.lens.abilities = None
    assert (await imaging(client, "Stop")).subcodes == no_imaging
    assert list((await imaging(client, "GetMoveOptions")).content[0]) == []


async def test_the_hosts_refusals_become_faults(client: SoapClient, host: Host) -> None:
    for refusal, subcode in ((Refusal.UNAVAILABLE, "ter:Action"), (Refusal.INVALID, "ter:SettingsInvalid")):
        host.lens.refusal = Refused(refusal, "the camera says no")
        response = await set_imaging(client, "<tt:Brightness>1</tt:Brightness>")
        assert response.subcodes[-1] == subcode
        assert response.texts("Text") == ["the camera says no"]


# --- the table ----------------------------------------------------------------------------------------------------

WORDS = {
    "backlight_mode": ("OFF", "ON"),
    "wide_dynamic_range_mode": ("OFF", "ON"),
    "exposure_mode": ("AUTO", "MANUAL"),
    "exposure_priority": ("LowNoise", "FrameRate"),
    "white_balance_mode": ("AUTO", "MANUAL"),
    "focus_mode": ("AUTO", "MANUAL"),
    "ir_cut_filter": ("ON", "OFF", "AUTO"),
    "defogging_mode": ("OFF", "ON", "AUTO"),
    "stabilization_mode": ("OFF", "ON", "AUTO"),
}


def test_the_table_has_every_setting_once() -> None:
    assert sorted(row.field for row in TABLE) == sorted(field.name for field in fields(ImagingSettings))
    assert len({row.path for row in TABLE}) == len({row.option for row in TABLE}) == len(TABLE)


@st.composite
def hosts(draw: st.DrawFn) -> tuple[tuple[Number | Choice, ...], ImagingSettings]:
    offered = draw(st.sets(st.sampled_from([row.field for row in TABLE])))
    options: list[Number | Choice] = []
    values: dict[str, Any] = {}
    for field in sorted(offered):
        if field in WORDS:
            options.append(Choice(field, WORDS[field]))
            values[field] = draw(st.sampled_from(WORDS[field]))
        else:
            options.append(Number(field, Range(-1000.0, 1000.0)))
            values[field] = draw(st.floats(-1000, 1000, width=32))
    return tuple(options), ImagingSettings(**values)


def rendered(operation: str, element: str, values: dict[str, Any]) -> etree._Element:
    schemas = load_schemas()
    known = schemas.operation(names.tag(names.IMAGING, operation))
    assert known is not None
    parent = etree.Element("parent", nsmap=names.PREFIXES)
    schemas.render(known, {element: values}, parent)
    assert schemas.invalidity(parent[0]) is None, f"{schemas.invalidity(parent[0])}: {etree.tostring(parent[0])!r}"
    return parent[0][0]


@settings(max_examples=150, deadline=None)
@given(hosts())
def test_settings_survive_the_way_to_xml_and_back_for_any_host(
    host: tuple[tuple[Number | Choice, ...], ImagingSettings],
) -> None:
    options, now = host
    rendered("GetOptions", "ImagingOptions", options_values(options))
    element = rendered("GetImagingSettings", "ImagingSettings", settings_values(now, options))
    assert read_settings(element, options) == now


@settings(max_examples=50, deadline=None)
@given(hosts(), st.sampled_from([row.field for row in TABLE]))
def test_what_a_host_does_not_offer_is_neither_shown_nor_taken(
    host: tuple[tuple[Number | Choice, ...], ImagingSettings], withheld: str
) -> None:
    options, now = host
    fewer = tuple(option for option in options if option.field != withheld)
    assert getattr(read_settings(rendered_settings(now, fewer), fewer), withheld) is None
    value = asdict(now)[withheld]
    row = next(row for row in TABLE if row.field == withheld)
    if value is None or value == row.otherwise:
        return
    with pytest.raises(Fault):
        read_settings(rendered_settings(now, options), fewer)


def rendered_settings(now: ImagingSettings, options: tuple[Number | Choice, ...]) -> etree._Element:
    return rendered("GetImagingSettings", "ImagingSettings", settings_values(now, options))
