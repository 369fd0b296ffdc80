"""Rules and modules by SOAP: what clients make is what the host has."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from onvif_host import Host, Running
from onvif_soap_client import SoapClient
from sample_analytics import REQUESTS

from onvif_server.analytics.configs import config_values, read_configs
from onvif_server.analytics.parameters import RULE_TYPES
from onvif_server.analytics.rules import new_rule, write_rule
from onvif_server.backend import LineDirection, Refusal, Refused, Rule, RuleKind, RuleLimits
from onvif_server.soap import names
from onvif_server.soap.schema import load_schemas

pytestmark = pytest.mark.ledger("ONVIF-2")

TOKEN = "<tan:ConfigurationToken>yard-analytics-config</tan:ConfigurationToken>"


def rule(name: str, kind: str, parameters: str = "") -> str:
    return f'<tan:Rule Name="{name}" Type="{kind}"><tt:Parameters>{parameters}</tt:Parameters></tan:Rule>'


def field(*points: tuple[float, float | str]) -> str:
    inside = "".join(f'<tt:Point x="{x}" y="{y}"/>' for x, y in points)
    return f'<tt:ElementItem Name="Field"><tt:Polygon>{inside}</tt:Polygon></tt:ElementItem>'


async def test_a_field_that_a_client_draws_is_a_rule_of_the_host(client: SoapClient, host: Host) -> None:
    await client.call(f"<tan:CreateRules>{REQUESTS['tan:CreateRules']}</tan:CreateRules>")
    points = ((-1.0, -1.0), (1.0, -1.0), (0.0, 0.5))
    expected = Rule(name="yard", kind=RuleKind.FIELD_DETECTOR, points=points, classes=("Human",))
    assert host.rules.kept["yard"] == expected
    assert host.rules.callers == ["admin"]


async def test_a_change_of_rules_is_told_once_whoever_made_it(client: SoapClient, host: Host) -> None:
    [pull_point] = (await client.call("<tev:CreatePullPointSubscription/>")).texts("Address")
    await client.call(f"<tan:CreateRules>{REQUESTS['tan:CreateRules']}</tan:CreateRules>")
    client.running.device.rules_changed()
    host.rules.add(Rule(name="door", kind=RuleKind.OBJECT_DETECTION))
    for _ in range(2):
        client.running.device.rules_changed()
    wish = "<tev:Timeout>PT1S</tev:Timeout><tev:MessageLimit>100</tev:MessageLimit>"
    told = await client.call(f"<tev:PullMessages>{wish}</tev:PullMessages>", pull_point)
    changes = [one for one in told.texts("Topic") if one.startswith("tns1:Media/")]
    assert changes == ["tns1:Media/ConfigurationChanged"] * 2


async def test_the_type_is_read_with_the_prefixes_of_the_client(client: SoapClient, host: Host) -> None:
    made = f'<tan:Rule xmlns:q="{names.SCHEMA}" Name="x" Type="q:LineDetector"><q:Parameters/></tan:Rule>'
    assert (await client.call(f"<tan:CreateRules>{TOKEN}{made}</tan:CreateRules>")).status == 200
    assert host.rules.kept["x"].kind is RuleKind.LINE_DETECTOR
    foreign = made.replace(names.SCHEMA, "urn:foreign").replace("q:Parameters", "tt:Parameters").replace('"x"', '"y"')
    answer = await client.call(f"<tan:CreateRules>{TOKEN}{foreign}</tan:CreateRules>")
    assert answer.subcodes[-2:] == ["ter:InvalidArgVal", "ter:InvalidRule"]


@pytest.mark.parametrize("kind", RuleKind)
async def test_a_rule_without_parameters_is_taken_with_defaults(client: SoapClient, host: Host, kind: RuleKind) -> None:
    made = await client.call(f"<tan:CreateRules>{TOKEN}{rule('new', f'tt:{kind}')}</tan:CreateRules>")
    assert made.status == 200
    assert host.rules.kept["new"].kind is kind
    told = await client.call(f"<tan:GetRules>{TOKEN}</tan:GetRules>")
    assert [one.get("Type") for one in told.content.iterfind("{*}Rule")] == ["tt:LineDetector", f"tt:{kind}"]


async def test_what_a_change_leaves_out_stays(client: SoapClient, host: Host) -> None:
    change = rule("gate", "tt:LineDetector", '<tt:SimpleItem Name="Direction" Value="Left"/>')
    await client.call(f"<tan:ModifyRules>{TOKEN}{change}</tan:ModifyRules>")
    gate = host.rules.kept["gate"]
    assert (gate.direction, gate.classes) == (LineDirection.LEFT, ("Human",))
    assert gate.points == ((-0.5, 0.0), (0.5, 0.0))


BAD = {
    "one point thrice": field((0, 0), (0, 0), (0, 0)),
    "on one line": field((0, 0), (0.5, 0.5), (1, 1)),
    "outside the picture": field((0, 0), (1, 0), (1, 1.5)),
    "not a number": field((0, 0), (1, 0), (1, "NaN")),
    "unknown class": '<tt:SimpleItem Name="ClassFilter" Value="Dragon"/>',
    "unknown parameter": '<tt:SimpleItem Name="Colour" Value="red"/>',
    "twice": '<tt:SimpleItem Name="ClassFilter" Value="Human"/><tt:SimpleItem Name="ClassFilter" Value="Human"/>',
    "negative time": '<tt:SimpleItem Name="DwellTime" Value="-PT1S"/>',
    "no polygon": '<tt:SimpleItem Name="Field" Value="0,0 1,1"/>',
}


@pytest.mark.parametrize("parameters", BAD.values(), ids=BAD)
async def test_one_bad_rule_and_nothing_is_done(client: SoapClient, host: Host, parameters: str) -> None:
    both = rule("good", "tt:FieldDetector") + rule("bad", "tt:FieldDetector", parameters)
    answer = await client.call(f"<tan:CreateRules>{TOKEN}{both}</tan:CreateRules>")
    assert answer.subcodes == ["s:Sender", "ter:InvalidArgVal", "ter:InvalidRule"]
    assert list(host.rules.kept) == ["gate"]


FAULTS = {
    "CreateRules": (rule("gate", "tt:LineDetector"), ["ter:InvalidArgVal", "ter:RuleAlreadyExistent"]),
    "ModifyRules": (rule("none", "tt:LineDetector"), ["ter:InvalidArgVal", "ter:RuleNotExistent"]),
    "DeleteRules": ("<tan:RuleName>none</tan:RuleName>", ["ter:InvalidArgVal", "ter:RuleNotExistent"]),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_names_are_there_once_or_not_at_all(client: SoapClient, name: str) -> None:
    body, subcodes = FAULTS[name]
    answer = await client.call(f"<tan:{name}>{TOKEN}{body}</tan:{name}>")
    assert answer.subcodes[1:] == subcodes


async def test_too_many_rules_a_change_of_type_and_a_busy_host_are_receivers_faults(
    client: SoapClient, host: Host
) -> None:
    many = "".join(rule(f"r{number}", "tt:LineDetector") for number in range(2))
    answer = await client.call(f"<tan:CreateRules>{TOKEN}{many}</tan:CreateRules>")
    assert answer.subcodes == ["s:Receiver", "ter:Action", "ter:TooManyRules"]
    answer = await client.call(f"<tan:ModifyRules>{TOKEN}{rule('gate', 'tt:FieldDetector')}</tan:ModifyRules>")
    assert answer.subcodes == ["s:Receiver", "ter:Action", "ter:TypeChangeProhibited"]
    host.rules.refusal = Refused(Refusal.BUSY)
    answer = await client.call(f"<tan:DeleteRules>{REQUESTS['tan:DeleteRules']}</tan:DeleteRules>")
    assert answer.subcodes == ["s:Receiver", "ter:Action", "ter:ConfigurationConflict"]


async def test_an_unknown_configuration_is_refused(client: SoapClient) -> None:
    body = TOKEN.replace("yard", "dome")
    answer = await client.call(f"<tan:GetRules>{body}</tan:GetRules>")
    assert answer.subcodes[1:] == ["ter:InvalidArgVal", "ter:NoConfig"]


async def test_descriptions_and_options_name_what_the_host_can_do(client: SoapClient) -> None:
    told = await client.call(f"<tan:GetSupportedRules>{TOKEN}</tan:GetSupportedRules>")
    described = {one.get("Name"): one for one in told.content.iterfind(".//{*}RuleDescription")}
    assert set(described) == {f"tt:{kind}" for kind in RuleKind}
    assert described["tt:FieldDetector"].get("maxInstances") == "4"
    assert described["tt:FieldDetector"].findtext(".//{*}ParentTopic") == "tns1:RuleEngine/FieldDetector/ObjectsInside"
    options = await client.call(f"<tan:GetRuleOptions>{TOKEN}</tan:GetRuleOptions>")
    found = {(one.get("RuleType"), one.get("Name")): one for one in options.content}
    assert found["tt:FieldDetector", "Field"].findtext(".//{*}Max") == "10"
    assert found["tt:LineDetector", "ClassFilter"].findtext("{*}StringList") == "Human Vehicle Bicycle"


async def test_modules_are_kept_in_the_devices_memory(client: SoapClient, running: Running) -> None:
    await client.call(
        f"<tan:CreateAnalyticsModules>{REQUESTS['tan:CreateAnalyticsModules']}</tan:CreateAnalyticsModules>"
    )
    await client.call(
        f"<tan:ModifyAnalyticsModules>{REQUESTS['tan:ModifyAnalyticsModules']}</tan:ModifyAnalyticsModules>"
    )
    modules = running.device.analytics_modules
    assert [(one.name, one.confidence) for one in modules.of("yard")] == [("ObjectDetector", 0.5), ("cars", 0.0)]
    modules.reload()
    assert len(modules.of("yard")) == 2
    body = f"{TOKEN}<tan:AnalyticsModuleName>cars</tan:AnalyticsModuleName>"
    await client.call(f"<tan:DeleteAnalyticsModules>{body}</tan:DeleteAnalyticsModules>")
    answer = await client.call(f"<tan:DeleteAnalyticsModules>{body}</tan:DeleteAnalyticsModules>")
    assert answer.subcodes[1:] == ["ter:InvalidArgVal", "ter:NameNotExistent"]


async def test_the_sample_frame_lies_in_the_upper_left_quarter(client: SoapClient) -> None:
    told = await client.call("<tan:GetSupportedMetadata/>")
    assert told.texts("Type") == ["Human", "Vehicle", "Bicycle"]
    for box in told.content.iterfind(".//{*}BoundingBox"):
        assert float(box.get("right")) <= 0 <= float(box.get("bottom"))


COORDINATES = st.floats(-1, 1, allow_nan=False, width=32)
POINTS = st.lists(st.tuples(COORDINATES, COORDINATES), min_size=2, max_size=8, unique=True).map(tuple)
LINES = {RuleKind.LINE_DETECTOR, RuleKind.COUNTING}


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    kind = draw(st.sampled_from(RuleKind))
    told = {parameter.name for parameter in RULE_TYPES[kind].parameters}
    points: tuple[tuple[float, float], ...] = ()
    if kind in LINES:
        points = draw(POINTS)
    elif told & {"Field", "MotionRegion"}:
        points = ((-1.0, -1.0), (1.0, -1.0), draw(st.tuples(COORDINATES, st.floats(0, 1, width=32))))
    found: dict[str, object] = {}
    if "Direction" in told:
        found["direction"] = draw(st.sampled_from(LineDirection))
    if "ClassFilter" in told:
        found["classes"] = draw(st.lists(st.sampled_from(("Human", "Vehicle", "Bicycle")), unique=True).map(tuple))
    if told & {"DwellTime", "TimeThreshold"}:
        found["min_seconds"] = draw(st.integers(0, 3_600_000)) / 1000
    if told & {"ConfidenceLevel", "Threshold"}:
        found["confidence"] = draw(st.floats(0, 1, width=32))
    if "MotionRegion" in told:
        found |= {"armed": draw(st.booleans()), "sensitivity": float(draw(st.integers(0, 4)) * 25)}
    return Rule(name="a rule", kind=kind, points=points, **found)  # type: ignore[arg-type]


@given(rules())
def test_a_rule_is_told_back_equal(made: Rule) -> None:
    schemas = load_schemas()
    response = schemas.operation(names.tag(names.ANALYTICS, "GetRules"))
    assert response is not None
    body = etree.Element("body", nsmap=names.PREFIXES)
    schemas.render(response, {"Rule": [config_values(write_rule(made))]}, body)
    assert schemas.invalidity(body[0]) is None
    (config,) = read_configs(body[0], names.tag(names.ANALYTICS, "Rule"))
    assert new_rule(config, (RuleLimits(kind=made.kind),)) == made
