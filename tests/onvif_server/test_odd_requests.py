"""Requests that are unusual, and yet right by the standards: SOAP, XML Schema, ONVIF."""

from __future__ import annotations

import pytest
from lxml import etree
from onvif_host import Host
from onvif_soap_client import SoapClient

from onvif_server.events.filters import FilterError, parse_filter
from onvif_server.soap import names

pytestmark = pytest.mark.ledger("ONVIF-1")

SOAP = names.ENVELOPE
SCHEMA_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"


# --- names, types, blanks ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "token",
    [
        "<![CDATA[dome-]]>profile",
        "dome<!-- not the yard -->-profile",
        "dome&#45;profile",
        "\n   dome-profile\n",
        "dome<?keep calm?>-profile",
    ],
)
async def test_a_value_is_the_same_however_it_is_written(client: SoapClient, host: Host, token: str) -> None:
    body = f"<tptz:GotoHomePosition><tptz:ProfileToken>{token}</tptz:ProfileToken></tptz:GotoHomePosition>"
    assert (await client.call(body)).status == 200
    assert [name for name, _ in host.head.commands] == ["goto_home"]


async def test_namespaces_may_be_declared_where_they_are_needed(client: SoapClient) -> None:
    document = (
        f'<Envelope xmlns="{SOAP}"><Body><GetServices xmlns="{names.DEVICE}">'
        "<IncludeCapability>1</IncludeCapability></GetServices></Body></Envelope>"
    )
    assert (await client.send(document.encode())).status == 200


async def test_values_may_name_their_types(client: SoapClient, host: Host) -> None:
    response = await client.call(
        f'<timg:SetImagingSettings xmlns:xsi="{SCHEMA_INSTANCE}"><timg:VideoSourceToken>dome-source'
        '</timg:VideoSourceToken><timg:ImagingSettings xsi:type="tt:ImagingSettings20">'
        '<tt:Brightness xsi:type="xs:float">70</tt:Brightness></timg:ImagingSettings></timg:SetImagingSettings>'
    )
    assert response.status == 200
    assert (await host.lens.settings()).brightness == 70.0


async def test_the_blanks_of_a_password_belong_to_it(client: SoapClient) -> None:
    user = "<tt:Username> guard </tt:Username><tt:Password> two words </tt:Password><tt:UserLevel>User</tt:UserLevel>"
    assert (await client.call(f"<tds:CreateUsers><tds:User>{user}</tds:User></tds:CreateUsers>")).status == 200
    assert client.running.users.password_of("guard") == " two words "


# --- newer releases, and vendors ------------------------------------------------------------------------------------


async def test_what_newer_schemas_add_is_ignored_where_the_schema_is_open(client: SoapClient, host: Host) -> None:
    response = await client.call(
        '<tr2:SetVideoEncoderConfiguration><tr2:Configuration token="dome-encoder-config" GovLength="30"'
        ' Profile="Main" Newer="1"><tt:Name>Dome</tt:Name><tt:UseCount>1</tt:UseCount><tt:Encoding>H264</tt:Encoding>'
        "<tt:Resolution><tt:Width>1280</tt:Width><tt:Height>720</tt:Height></tt:Resolution><tt:Quality>5</tt:Quality>"
        '<tt:Newer><tt:Deeper/></tt:Newer><v:Ours xmlns:v="urn:v">1</v:Ours></tr2:Configuration>'
        "</tr2:SetVideoEncoderConfiguration>"
    )
    assert response.status == 200
    assert (host.chip.present.width, host.chip.present.gov_length) == (1280, 30)


async def test_it_is_refused_where_the_schema_is_closed(client: SoapClient, host: Host) -> None:
    response = await client.call(
        "<tptz:GotoHomePosition><tptz:ProfileToken>dome-profile</tptz:ProfileToken><tptz:Newer/>"
        "</tptz:GotoHomePosition>"
    )
    assert response.subcodes == ["s:Sender", "ter:InvalidArgs"]
    assert host.head.commands == []


# --- headers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "understood"),
    [
        (f"{SOAP}/role/none", True),
        ("urn:somebody-else", True),
        (f"{SOAP}/role/next", False),
        (f"{SOAP}/role/ultimateReceiver", False),
        ("", False),
    ],
)
async def test_only_headers_for_us_must_be_understood(client: SoapClient, role: str, understood: bool) -> None:
    header = f'<v:Strange xmlns:v="urn:v" s:mustUnderstand="true" s:role="{role}"/>'
    response = await client.call("<tds:GetDiscoveryMode/>", header=header)
    assert (response.status == 200) is understood
    if not understood:
        assert response.subcodes == ["s:MustUnderstand"]


# --- events -----------------------------------------------------------------------------------------------------------


async def test_who_wants_to_wait_too_long_is_told_how_long_is_possible(client: SoapClient) -> None:
    created = await client.call("<tev:CreatePullPointSubscription/>")
    [address] = created.texts("Address")
    pull = "<tev:PullMessages><tev:Timeout>PT2H</tev:Timeout><tev:MessageLimit>9</tev:MessageLimit></tev:PullMessages>"
    refused = await client.call(pull, address, header="<wsa:MessageID>urn:uuid:1</wsa:MessageID>")
    assert refused.subcodes == ["s:Sender", "ter:InvalidArgVal"]
    [detail] = refused.content.find("{*}Detail")
    assert detail.tag == names.tag(names.EVENTS, "PullMessagesFaultResponse")
    assert (detail.findtext("{*}MaxTimeout"), detail.findtext("{*}MaxMessageLimit")) == ("PT3600S", "1000")
    action = refused.envelope.findtext(".//{*}Action")
    assert action == f"{names.EVENTS}/PullPointSubscription/PullMessages/Fault/PullMessagesFaultResponse"


def current(topic: str, dialect: str = names.CONCRETE_TOPIC) -> str:
    return f'<wsnt:GetCurrentMessage><wsnt:Topic Dialect="{dialect}">{topic}</wsnt:Topic></wsnt:GetCurrentMessage>'


async def test_the_newest_state_of_a_property_can_be_asked_for(client: SoapClient) -> None:
    broker = client.running.device.broker
    motion = "tns1:VideoSource/MotionAlarm"
    assert (await client.call(current(motion))).subcodes == ["s:Sender", "wsnt:NoCurrentMessageOnTopicFault"]
    broker.publish(motion, source={"Source": "yard-source"}, data={"State": True}, utc=2000.0)
    broker.publish(motion, source={"Source": "dome-source"}, data={"State": False}, utc=1000.0)
    response = await client.call(current(motion))
    items = {item.get("Name"): item.get("Value") for item in response.content.iterfind(".//{*}SimpleItem")}
    assert items == {"Source": "yard-source", "State": "true"}


@pytest.mark.parametrize(
    ("request_", "fault"),
    [
        (current("tns1:Nothing"), "TopicNotSupportedFault"),
        (current("tns1:VideoSource/MotionAlarm", "urn:other"), "TopicExpressionDialectUnknownFault"),
        (current("motion please"), "InvalidTopicExpressionFault"),
    ],
)
async def test_a_topic_that_cannot_be_is_told(client: SoapClient, request_: str, fault: str) -> None:
    assert (await client.call(request_)).subcodes == ["s:Sender", f"wsnt:{fault}"]


def filter_of(expression: str) -> etree._Element:
    element = etree.Element(names.tag(names.NOTIFICATION, "Filter"), nsmap=names.PREFIXES)
    topic = etree.SubElement(element, names.tag(names.NOTIFICATION, "TopicExpression"), Dialect=names.CONCRETE_SET)
    topic.text = expression
    return element


def test_the_steps_of_a_topic_may_be_somebody_elses() -> None:
    known = ["tns1:VideoSource/MotionAlarm"]
    both = "tns1:RuleEngine/vendor:Special//. | tns1:VideoSource//."
    assert parse_filter(filter_of(both), known).matches("tns1:VideoSource/MotionAlarm")
    with pytest.raises(FilterError) as refused:
        parse_filter(filter_of("tns1:VideoSource/vendor:MotionAlarm"), known)
    assert refused.value.fault == "TopicNotSupportedFault"
