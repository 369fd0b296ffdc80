"""Whoever sets PTZ, rules or modules is heard by all others; analytics set as a whole; what a reset forgets."""

from __future__ import annotations

import pytest
from lxml import etree
from onvif_host import Host, Running
from onvif_soap_client import Response, SoapClient
from sample_media import ANALYTICS, HEAD, configuration

from onvif_server.backend import Module
from onvif_server.events import topics
from onvif_server.soap import names

pytestmark = pytest.mark.ledger("ONVIF-2")

PTZ = (
    '<tptz:SetConfiguration><tptz:PTZConfiguration token="dome-ptz-config"><tt:Name>Gate</tt:Name>'
    "<tt:UseCount>1</tt:UseCount><tt:NodeToken>dome-ptz-node</tt:NodeToken>"
    "<tt:DefaultPTZTimeout>PT3S</tt:DefaultPTZTimeout></tptz:PTZConfiguration>"
    "<tptz:ForcePersistence>true</tptz:ForcePersistence></tptz:SetConfiguration>"
)
YARD = "<tan:ConfigurationToken>yard-analytics-config</tan:ConfigurationToken>"
FIELD = (
    '<tan:Rule Name="lawn" Type="tt:FieldDetector"><tt:Parameters><tt:ElementItem Name="Field"><tt:Polygon>'
    '<tt:Point x="0" y="0"/><tt:Point x="1" y="0"/><tt:Point x="0" y="1"/></tt:Polygon></tt:ElementItem>'
    "</tt:Parameters></tan:Rule>"
)
MODULE = '<tan:AnalyticsModule Name="people" Type="osv:ObjectDetector"><tt:Parameters/></tan:AnalyticsModule>'


@pytest.fixture
def heard(running: Running) -> list[dict[str, str]]:
    """The sources of the events of changed configurations."""
    found: list[dict[str, str]] = []
    running.device.broker.listen(
        lambda one: found.append(dict(one.source)) if one.topic == topics.CONFIGURATION_CHANGED.path else None
    )
    return found


async def set_analytics(client: SoapClient, content: str) -> Response:
    return await client.call(
        f"<trt:SetVideoAnalyticsConfiguration>{configuration('VideoAnalytics', content)}"
        "</trt:SetVideoAnalyticsConfiguration>"
    )


# --- events -------------------------------------------------------------------------------------------------------


async def test_a_ptz_configuration_that_is_set_is_told(client: SoapClient, heard: list[dict[str, str]]) -> None:
    assert (await client.call(PTZ)).status == 200
    assert heard == [{"Token": "dome-ptz-config", "Type": "PTZ"}]
    refused = await client.call(PTZ.replace("dome-ptz-node", "yard-ptz-node"))
    assert refused.status != 200
    assert len(heard) == 1


@pytest.mark.parametrize(
    "request_",
    [
        f"<tan:CreateRules>{YARD}{FIELD}</tan:CreateRules>",
        f'<tan:ModifyRules>{YARD}<tan:Rule Name="gate" Type="tt:LineDetector"><tt:Parameters>'
        '<tt:SimpleItem Name="ClassFilter" Value="Vehicle"/></tt:Parameters></tan:Rule>'
        "</tan:ModifyRules>",
        f"<tan:DeleteRules>{YARD}<tan:RuleName>gate</tan:RuleName></tan:DeleteRules>",
        f"<tan:CreateAnalyticsModules>{YARD}{MODULE}</tan:CreateAnalyticsModules>",
        f"<tan:ModifyAnalyticsModules>{YARD}{MODULE.replace('people', 'ObjectDetector')}</tan:ModifyAnalyticsModules>",
        f"<tan:DeleteAnalyticsModules>{YARD}<tan:AnalyticsModuleName>ObjectDetector</tan:AnalyticsModuleName>"
        "</tan:DeleteAnalyticsModules>",
    ],
)
async def test_rules_and_modules_that_change_are_told(
    client: SoapClient, heard: list[dict[str, str]], request_: str
) -> None:
    assert (await client.call(request_)).status == 200
    assert heard == [{"Token": "yard-analytics-config", "Type": "Analytics"}]


async def test_what_is_refused_is_not_told(client: SoapClient, heard: list[dict[str, str]]) -> None:
    response = await client.call(f"<tan:DeleteRules>{YARD}<tan:RuleName>none</tan:RuleName></tan:DeleteRules>")
    assert response.status != 200
    assert heard == []


# --- the analytics configuration as a whole -----------------------------------------------------------------------


async def test_the_modules_of_a_configuration_are_set_at_once(
    client: SoapClient, running: Running, heard: list[dict[str, str]]
) -> None:
    assert (await set_analytics(client, ANALYTICS)).status == 200
    assert running.device.analytics_modules.of("yard") == (Module(name="ObjectDetector", confidence=0.5),)
    assert heard == [{"Token": "yard-analytics-config", "Type": "Analytics"}]
    shown = await client.call("<trt:GetVideoAnalyticsConfigurations/>")
    assert shown.texts("Name") == ["Renamed"]


async def test_a_configuration_can_be_written_back_as_it_was_read(client: SoapClient, host: Host) -> None:
    before = tuple(host.analytics("yard").rules())
    shown = await client.call("<trt:GetVideoAnalyticsConfigurations/>")
    [read] = shown.content
    # Each part with the prefixes that it was read with.
    content = "".join(etree.tostring(part, encoding="unicode") for part in read)
    assert (await set_analytics(client, content)).status == 200
    assert tuple(host.analytics("yard").rules()) == before


EMPTY_ENGINE = "<tt:AnalyticsEngineConfiguration/>"
GATE = '<tt:Rule Name="gate" Type="tt:LineDetector"><tt:Parameters>{}</tt:Parameters></tt:Rule>'


@pytest.mark.parametrize(
    "content",
    [
        f"{HEAD}{EMPTY_ENGINE}<tt:RuleEngineConfiguration/>",
        f"{HEAD}{EMPTY_ENGINE}<tt:RuleEngineConfiguration>{GATE.format('')}{GATE.format('').replace('gate', 'new')}"
        "</tt:RuleEngineConfiguration>",
        f"{HEAD}{EMPTY_ENGINE}<tt:RuleEngineConfiguration>"
        + GATE.format('<tt:SimpleItem Name="Direction" Value="Left"/>')
        + "</tt:RuleEngineConfiguration>",
        ANALYTICS.replace("ConfidenceLevel", "Nonsense"),
        ANALYTICS.replace("osv:ObjectDetector", "osv:Other"),
    ],
)
async def test_what_cannot_be_set_is_refused_and_changes_nothing(
    client: SoapClient, running: Running, host: Host, content: str, heard: list[dict[str, str]]
) -> None:
    rules = tuple(host.analytics("yard").rules())
    assert (await set_analytics(client, content)).subcodes[-1] == "ter:ConfigModify"
    assert running.device.analytics_modules.of("yard") == (Module(name="ObjectDetector"),)
    assert tuple(host.analytics("yard").rules()) == rules
    assert heard == []


# --- synchronization ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("service", ["trt", "tr2"])
async def test_a_synchronization_point_reaches_the_metadata(client: SoapClient, running: Running, service: str) -> None:
    documents: list[bytes] = []
    running.device.metadata.listen("dome", lambda document, _at: documents.append(document))
    request = f"<{service}:SetSynchronizationPoint><{service}:ProfileToken>dome-profile</{service}:ProfileToken>"
    request += f"</{service}:SetSynchronizationPoint>"
    await client.call(
        "<trt:SetMetadataConfiguration>"
        + configuration(
            "Metadata",
            f"{HEAD}<tt:Events><tt:Filter/></tt:Events><tt:Analytics>true</tt:Analytics>"
            "<tt:Multicast><tt:Address><tt:Type>IPv4</tt:Type><tt:IPv4Address>0.0.0.0</tt:IPv4Address></tt:Address>"
            "<tt:Port>0</tt:Port><tt:TTL>0</tt:TTL><tt:AutoStart>false</tt:AutoStart></tt:Multicast>"
            "<tt:SessionTimeout>PT60S</tt:SessionTimeout>",
        )
        + "</trt:SetMetadataConfiguration>"
    )
    running.device.broker.publish(topics.MOTION_ALARM.path, source={"Source": "dome-source"}, data={"State": True})
    documents.clear()
    assert (await client.call(request)).status == 200
    [document] = documents
    assert b"MotionAlarm" in document
    assert b"Initialized" in document


async def test_a_profile_without_metadata_has_none_to_synchronize(client: SoapClient, running: Running) -> None:
    documents: list[bytes] = []
    await client.call(
        "<trt:RemoveMetadataConfiguration><trt:ProfileToken>dome-profile</trt:ProfileToken>"
        "</trt:RemoveMetadataConfiguration>"
    )
    running.device.metadata.listen("dome", lambda document, _at: documents.append(document))
    await client.call(
        "<trt:SetSynchronizationPoint><trt:ProfileToken>dome-profile</trt:ProfileToken></trt:SetSynchronizationPoint>"
    )
    assert documents == []


# --- factory default ----------------------------------------------------------------------------------------------


async def test_a_reset_forgets_what_was_set_of_ptz(client: SoapClient) -> None:
    await client.call(PTZ)
    assert (await client.call("<tptz:GetConfigurations/>")).texts("DefaultPTZTimeout") == ["PT3S"]
    reset = await client.call(
        "<tds:SetSystemFactoryDefault><tds:FactoryDefault>Soft</tds:FactoryDefault></tds:SetSystemFactoryDefault>"
    )
    assert reset.status == 200
    shown = await client.call("<tptz:GetConfigurations/>")
    assert shown.texts("Name") == ["Dome"]
    assert shown.texts("DefaultPTZTimeout") == ["PT10S"]
    assert names.PTZ in shown.content.tag
