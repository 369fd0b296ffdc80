"""What listeners of the engine's ONVIF device are told of rules: that they changed, and what is going on already."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from lxml import etree

from engine.api.messages.rules import RuleRequest, RuleSettings
from engine.app.engine import Engine
from engine.app.onvif import _Look
from engine.core.clock import VirtualClock
from engine.core.events import RuleKind
from tests.engine.app.forwarding_sites import DOME, WIDE, facing, served
from tests.engine.app.soap_recorder import SoapRecorder
from tests.engine.app.test_rulebook import seen

pytestmark = pytest.mark.ledger("ONVIF-1", "ONVIF-3")

ALARM, INSIDE = "tns1:VideoSource/MotionAlarm", "tns1:RuleEngine/FieldDetector/ObjectsInside"
CHANGED = "tns1:Media/ConfigurationChanged"
TOKEN = "<tan:ConfigurationToken>wide-analytics-config</tan:ConfigurationToken>"
FIELD = (
    '<tan:Rule Name="yard" Type="tt:FieldDetector"><tt:Parameters><tt:SimpleItem Name="ClassFilter" Value="{}"/>'
    '<tt:ElementItem Name="Field"><tt:Polygon><tt:Point x="-1" y="-1"/><tt:Point x="1" y="-1"/>'
    '<tt:Point x="0" y="0.5"/></tt:Polygon></tt:ElementItem></tt:Parameters></tan:Rule>'
)
AREA = [[0.1, 0.1], [0.9, 0.1], [0.5, 0.9]]

type Told = tuple[str, str, dict[str, str]]
"""Topic, operation and all items of a message."""


@pytest.fixture
async def yard(engine: Engine, clock: VirtualClock) -> AsyncIterator[Engine]:
    """The engine with its device served; the channels are taken to look as they do."""
    await engine.access.activate("keeper", "Quiet-Harbour-19", "127.0.0.1")
    for channel in engine.channels:
        engine.onvif._known[channel] = _Look((1280, 720), 12.0, "H264")
    # Somebody is on the lawn already.
    engine._on_tracks(seen(1.0, (0.5, 0.6)))
    assert engine.rules.active_rules == {"lawn"}
    async with facing(engine):
        await served(engine, clock, lambda: engine.onvif.port > 0, "the device is served")
        yield engine


class Ear:
    """A pull point of a recorder."""

    def __init__(self, recorder: SoapRecorder, path: str) -> None:
        self.recorder = recorder
        self._path = path

    async def told(self) -> list[Told]:
        """What has been told since the last time."""
        wish = "<tev:PullMessages><tev:Timeout>PT5S</tev:Timeout><tev:MessageLimit>100</tev:MessageLimit>"
        answer = await self.recorder.call(f"{wish}</tev:PullMessages>", self._path)
        return [_read(one) for one in answer.content.iterfind("{*}NotificationMessage")]


def _read(message: etree._Element) -> Told:
    [content] = message.iterfind("{*}Message/{*}Message")
    items = {item.get("Name", ""): item.get("Value", "") for item in message.iterfind(".//{*}SimpleItem")}
    return message.findtext("{*}Topic") or "", content.get("PropertyOperation", ""), items


@asynccontextmanager
async def listening(engine: Engine) -> AsyncIterator[Ear]:
    """From now on; the state of properties at the beginning included."""
    recorder = await SoapRecorder.at(engine)
    async with recorder.session:
        answer = await recorder.call("<tev:CreatePullPointSubscription/>")
        [address] = answer.texts("Address")
        yield Ear(recorder, "/" + address.split("/", 3)[3])


def changes(told: list[Told]) -> list[dict[str, str]]:
    return [items for topic, _, items in told if topic == CHANGED]


async def test_every_change_of_a_rule_is_told_once_whoever_made_it(yard: Engine) -> None:
    mine = {"Token": "wide-analytics-config", "Type": "Analytics"}
    async with listening(yard) as ear:
        client = ear.recorder
        assert not (await client.call(f"<tan:CreateRules>{TOKEN}{FIELD.format('Human')}</tan:CreateRules>")).fault
        assert changes(await ear.told()) == [mine], "a client's own request"

        request = RuleRequest(id="gate", kind=RuleKind.INTRUSION, channel="wide", points=AREA)
        await yard.services.add_rule(request)
        await yard.services.change_rule("gate", RuleSettings(points=AREA, min_seconds=3.0))
        assert changes(await ear.told()) == [mine, mine], "the API"

        [rule] = [one for one in yard.rulebook.rules() if one.rule_id == "gate"]
        await yard.rulebook.replace([replace(rule, priority=7)])
        assert not (await client.call(f"<tan:ModifyRules>{TOKEN}{FIELD.format('Vehicle')}</tan:ModifyRules>")).fault
        await yard.services.remove_rule("gate")
        removal = f"<tan:DeleteRules>{TOKEN}<tan:RuleName>yard</tan:RuleName></tan:DeleteRules>"
        assert not (await client.call(removal)).fault
        assert changes(await ear.told()) == [mine] * 3, "what ONVIF has no word for is no change to its clients"


async def test_rules_of_one_channel_are_no_news_of_another(yard: Engine) -> None:
    async with listening(yard) as ear:
        await ear.told()
        request = RuleRequest(kind=RuleKind.OBJECT_DETECTION, channel="dome", name="Anybody")
        await yard.services.add_rule(request)
        assert [one["Token"] for one in changes(await ear.told())] == ["dome-analytics-config"]


async def test_a_device_that_is_served_anew_begins_with_the_alarm_as_it_is(yard: Engine, clock: VirtualClock) -> None:
    before = yard.onvif._devices[""]
    yard.onvif._known["wide"] = _Look((2560, 1440), 12.0, "H264")
    await served(yard, clock, lambda: yard.onvif._devices.get("", before) is not before, "another device")
    async with listening(yard) as ear:
        told = await ear.told()
        alarms = [(items["Source"], operation, items["State"]) for topic, operation, items in told if topic == ALARM]
        assert alarms == [(WIDE, "Initialized", "true"), (DOME, "Initialized", "false")]
        [inside] = [items for topic, _, items in told if topic == INSIDE]
        assert (inside["Rule"], inside["IsInside"]) == ("lawn", "true")

        for event in yard.rules.end_channel("wide", 9.0):
            yard.events.publish(event)
        told = await ear.told()
        assert [(topic, operation, items.get("State")) for topic, operation, items in told] == [
            (INSIDE, "Changed", None),
            (INSIDE, "Deleted", None),
            (ALARM, "Changed", "false"),
        ]
