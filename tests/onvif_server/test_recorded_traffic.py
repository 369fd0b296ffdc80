"""Traffic, both ways, as it went over the wire is valid by XML Schema 1.1: that is what the official schemas are."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
from lxml import etree
from onvif_host import Host, Running
from onvif_soap_client import Response, SoapClient
from onvif_xsd11 import reasons
from sample_requests import REQUESTS, send_sample

from onvif_server.backend import PtzPreset
from onvif_server.events import topics
from onvif_server.soap import names

pytestmark = pytest.mark.ledger("ONVIF-1")


class Recorder(SoapClient):
    """A client that keeps what it sends and what it gets."""

    def __init__(self, running: Running, session: aiohttp.ClientSession) -> None:
        super().__init__(running, session)
        self.traffic: list[etree._Element] = []

    async def send(self, document: bytes, path: str = "", headers: dict[str, str] | None = None) -> Response:
        response = await super().send(document, path, headers)
        self.traffic += [etree.fromstring(document), response.envelope]
        return response


@pytest.fixture
async def recorder(running: Running, session: aiohttp.ClientSession) -> AsyncIterator[Recorder]:
    recorder = Recorder(running, session)
    yield recorder
    assert len(recorder.traffic) >= 2
    assert [reason for envelope in recorder.traffic for reason in reasons(envelope)] == []


@pytest.mark.parametrize("name", REQUESTS)
async def test_every_operation(recorder: Recorder, name: str) -> None:
    assert (await send_sample(recorder, name)).status == 200


async def test_events(recorder: Recorder, running: Running) -> None:
    address = (await recorder.call("<tev:CreatePullPointSubscription/>")).texts("Address")[0]
    source = {"VideoSourceConfigurationToken": "yard", "VideoAnalyticsConfigurationToken": "yard", "Rule": "lawn"}
    for inside in (True, False):
        running.device.broker.publish(
            topics.OBJECTS_INSIDE.path, source=source, key={"ObjectId": "7"}, data={"IsInside": inside}
        )
    response = await recorder.call("<tev:PullMessages><tev:Timeout>PT0S</tev:Timeout><tev:MessageLimit>9"
                                   "</tev:MessageLimit></tev:PullMessages>", address)  # fmt: skip
    assert len(response.texts("NotificationMessage")) >= 2


async def test_addressed(recorder: Recorder) -> None:
    header = "<wsa:MessageID>urn:uuid:1</wsa:MessageID><wsa:To>urn:x</wsa:To><wsa:Action>urn:y</wsa:Action>"
    response = await recorder.call("<tds:GetHostname/>", header=header)
    assert len(response.envelope[0]) == 4


async def test_presets_with_positions(recorder: Recorder, host: Host) -> None:
    host.head.stored["a"] = PtzPreset("a", "Gate & yard", -179.9, 89.5, 1.0)
    response = await recorder.call(
        "<tptz:GetPresets><tptz:ProfileToken>dome-profile</tptz:ProfileToken></tptz:GetPresets>"
    )
    assert response.texts("Name") == ["Gate & yard"]


@pytest.mark.parametrize(
    "body",
    [
        "<tds:NoSuchOperation/>",
        "<trt:GetProfile><trt:ProfileToken>nobody</trt:ProfileToken></trt:GetProfile>",
        "<wsnt:Renew><wsnt:TerminationTime>PT60S</wsnt:TerminationTime></wsnt:Renew>",
        "<tev:CreatePullPointSubscription><tev:Filter><wsnt:TopicExpression Dialect='urn:none'>a</wsnt:TopicExpression>"
        "</tev:Filter></tev:CreatePullPointSubscription>",
        "<tev:CreatePullPointSubscription><tev:InitialTerminationTime>-PT1S</tev:InitialTerminationTime>"
        "</tev:CreatePullPointSubscription>",
    ],
)
async def test_faults(recorder: Recorder, body: str) -> None:
    response = await recorder.call(body)
    assert response.content.tag == names.tag(names.ENVELOPE, "Fault")
    # What nobody could have asked rightly need not be valid: only the answer counts.
    recorder.traffic = [response.envelope, response.envelope]


async def test_the_second_opinion_is_one(recorder: Recorder) -> None:
    response = await recorder.call("<tds:GetHostname/>")
    [flag] = response.content.iterfind(f".//{names.tag(names.SCHEMA, 'FromDHCP')}")
    flag.text = "perhaps"
    assert reasons(response.envelope)
    flag.text = "false"
    flag.tag = names.tag(names.SCHEMA, "FromNowhere")
    assert reasons(response.envelope)
    flag.tag = names.tag(names.SCHEMA, "FromDHCP")
