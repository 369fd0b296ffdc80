"""Prefixes in values that a client uses as ONVIF's own texts do, without declaring them."""

from __future__ import annotations

import pytest
from lxml import etree
from onvif_host import Host
from onvif_soap_client import Response, SoapClient

from onvif_server.backend import RuleKind
from onvif_server.soap import names
from onvif_server.soap.envelope import parse_request

pytestmark = pytest.mark.ledger("ONVIF-2")

CONFIGURATION = "<n:ConfigurationToken>yard-analytics-config</n:ConfigurationToken>"


async def call(client: SoapClient, namespace: str, body: str) -> Response:
    """Sends a body that declares nothing but its own namespace, as `n`."""
    document = (
        f'<s:Envelope xmlns:s="{names.ENVELOPE}"><s:Header>{client.token()}</s:Header>'
        f'<s:Body xmlns:n="{namespace}">{body}</s:Body></s:Envelope>'
    )
    return await client.send(document.encode())


async def test_the_type_of_a_rule(client: SoapClient, host: Host) -> None:
    made = f'<n:Rule Name="x" Type="tt:LineDetector"><Parameters xmlns="{names.SCHEMA}"/></n:Rule>'
    answer = await call(client, names.ANALYTICS, f"<n:CreateRules>{CONFIGURATION}{made}</n:CreateRules>")
    assert answer.status == 200, answer.texts("Text")
    assert host.rules.kept["x"].kind is RuleKind.LINE_DETECTOR
    options = "<n:RuleType>tt:FieldDetector</n:RuleType>"
    answer = await call(client, names.ANALYTICS, f"<n:GetRuleOptions>{options}{CONFIGURATION}</n:GetRuleOptions>")
    assert (answer.status, len(answer.content) > 0) == (200, True)


async def test_the_topics_and_the_content_of_a_filter(client: SoapClient) -> None:
    notification = f'xmlns="{names.NOTIFICATION}"'
    topic = f'<TopicExpression {notification} Dialect="{names.CONCRETE_SET}">tns1:RuleEngine//.</TopicExpression>'
    wanted = "boolean(//tt:SimpleItem[@Name=&quot;Rule&quot;])"
    content = f'<MessageContent {notification} Dialect="{names.ITEM_FILTER}">{wanted}</MessageContent>'
    body = f"<n:CreatePullPointSubscription><n:Filter>{topic}{content}</n:Filter></n:CreatePullPointSubscription>"
    assert (await call(client, names.EVENTS, body)).status == 200


@pytest.mark.parametrize("prefix", ["xy", "tan"])
async def test_other_prefixes_must_be_declared(client: SoapClient, prefix: str) -> None:
    opened = f'<TopicExpression xmlns="{names.NOTIFICATION}" Dialect="{names.CONCRETE_SET}">'
    topic = f"{opened}{prefix}:RuleEngine</TopicExpression>"
    body = f"<n:CreatePullPointSubscription><n:Filter>{topic}</n:Filter></n:CreatePullPointSubscription>"
    answer = await call(client, names.EVENTS, body)
    assert answer.status == 400, etree.tostring(answer.envelope)
    assert f"the prefix {prefix} is not declared" in answer.texts("Text")


@pytest.mark.parametrize("written", ["q:LineDetector", "tt:", "tt:a b", "LineDetector", ""])
def test_everything_else_stays_as_it_was_written(written: str) -> None:
    document = f'<s:Envelope xmlns:s="{names.ENVELOPE}"><s:Body><a Type="{written}"/></s:Body></s:Envelope>'
    assert parse_request(document.encode()).message.get("Type") == written


def test_what_a_client_declares_goes_first() -> None:
    declared = 'xmlns:tt="urn:other"'
    document = f'<s:Envelope xmlns:s="{names.ENVELOPE}"><s:Body><a {declared} Type="tt:b"/></s:Body></s:Envelope>'
    message = parse_request(document.encode()).message
    assert (message.get("Type"), message.nsmap["tt"]) == ("tt:b", "urn:other")
    assert etree.tostring(message).count(b"xmlns:") == 2
