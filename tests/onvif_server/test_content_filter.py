"""Filters by content: read by our own parser, and right by lxml's XPath on the message as it is sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from onvif_soap_client import SoapClient

from onvif_server.events.broker import Message
from onvif_server.events.content_filter import ContentError, parse_content
from onvif_server.events.messages import append_notification
from onvif_server.events.topics import LINE_CROSSED, MOTION_ALARM
from onvif_server.soap import names

pytestmark = pytest.mark.ledger("ONVIF-2")

TT = {"tt": names.SCHEMA}
WORDS = st.sampled_from(["Rule", "State", "true", "1", "Käse & co", "a b", ""])
ITEMS = st.lists(st.tuples(WORDS, WORDS), max_size=3).map(tuple)
MESSAGES = st.builds(Message, topic=st.just(LINE_CROSSED.path), at=st.just(0.0), source=ITEMS, key=ITEMS, data=ITEMS)


def combined(leaf: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.recursive(
        leaf,
        lambda inner: (
            st.builds(lambda a, b, how: f"{a} {how} {b}", inner, inner, st.sampled_from(["and", "or"]))
            | inner.map("({})".format)
            | inner.map("not( {} )".format)
        ),
        max_leaves=5,
    )


COMPARISONS = combined(
    st.builds(
        lambda at, quote, word: f"@{at} = {quote}{word}{quote}",
        st.sampled_from(["Name", "Value"]),
        st.sampled_from("\"'"),
        WORDS,
    )
)
EXPRESSIONS = combined(
    st.builds(
        lambda kind, test: f"boolean(//tt:{kind}[{test}])", st.sampled_from(["SimpleItem", "ElementItem"]), COMPARISONS
    )
)


@given(expression=EXPRESSIONS, message=MESSAGES)
def test_it_means_what_xpath_means(expression: str, message: Message) -> None:
    root = etree.Element("root")
    append_notification(root, message)
    expected = root.xpath(expression, namespaces=TT)
    assert parse_content(expression, TT).holds(message) is expected


@given(text=st.text(max_size=80) | st.text(alphabet="boleant()[]/@=\"' SimpleItem:Nd", max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parse_content(text, TT)
    except ContentError:
        return  # any other error fails the test


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "boolean(//tt:SimpleItem)",
        "//tt:SimpleItem[@Name='a']",
        "boolean(//tt:SimpleItem[@Name='a']) or",
        "boolean(//xs:SimpleItem[@Name='a'])",
        "boolean(//tt:Message[@Name='a'])",
        "boolean(//tt:SimpleItem[@Type='a'])",
        "boolean(//tt:SimpleItem[@Name='a'] | //tt:Data)",
        "boolean(//tt:SimpleItem[@Name=concat('a','b')])",
        "(" * 10_000,
        "not(" * 40 + "boolean(//tt:SimpleItem[@Name='a'])" + ")" * 40,
        "boolean(//tt:SimpleItem[@Name='" + "a" * 5000 + "'])",
    ],
)
def test_what_is_not_of_the_dialect_is_refused(expression: str) -> None:
    with pytest.raises(ContentError):
        parse_content(expression, TT)


def content(expression: str) -> str:
    text = expression.replace("&", "&amp;").replace("<", "&lt;")
    return f'<wsnt:MessageContent Dialect="{names.ITEM_FILTER}">{text}</wsnt:MessageContent>'


def topic(expression: str) -> str:
    return f'<wsnt:TopicExpression Dialect="{names.CONCRETE_SET}">{expression}</wsnt:TopicExpression>'


async def pulled(client: SoapClient, filters: str, policy: str = "") -> list[str]:
    """What comes of some events: their data values."""
    body = f"<tev:Filter>{filters}</tev:Filter>{policy}"
    created = await client.call(f"<tev:CreatePullPointSubscription>{body}</tev:CreatePullPointSubscription>")
    assert created.status == 200, created.texts("Text")
    broker = client.running.device.broker
    for source, state in (("yard", True), ("dome", True), ("yard", False)):
        broker.publish(MOTION_ALARM.path, source={"Source": source}, data={"State": state})
    broker.publish(LINE_CROSSED.path, source={"Rule": "yard"}, data={"ObjectId": 7})
    request = (
        "<tev:PullMessages><tev:Timeout>PT0S</tev:Timeout><tev:MessageLimit>9</tev:MessageLimit></tev:PullMessages>"
    )
    answer = await client.call(request, created.texts("Address")[0])
    return [item.get("Value") for item in answer.content.iterfind(".//{*}Data/{*}SimpleItem")]


async def test_only_messages_with_the_wanted_content_come(client: SoapClient) -> None:
    assert await pulled(client, content('boolean(//tt:SimpleItem[@Value="yard"])')) == ["true", "false", "7"]


async def test_topic_and_content_must_both_fit_and_every_content_too(client: SoapClient) -> None:
    wanted = (
        topic(MOTION_ALARM.path)
        + topic("tns1:Media//.|tns1:VideoSource//.")
        + content('boolean(//tt:SimpleItem[@Name="Source" and @Value="yard"])')
        + content('not(boolean(//tt:SimpleItem[@Name="State" and @Value="true"]))')
    )
    assert await pulled(client, wanted) == ["false"]


async def test_who_wants_changes_only_hears_no_beginnings(client: SoapClient) -> None:
    policy = "<tev:SubscriptionPolicy><tev:ChangedOnly/></tev:SubscriptionPolicy>"
    assert await pulled(client, topic(MOTION_ALARM.path), policy) == ["false"]


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (f"<tev:Filter>{content('boolean(//tt:Data)')}</tev:Filter>", "InvalidMessageContentExpressionFault"),
        (f"<tev:Filter>{content('true()') * 17}</tev:Filter>", "InvalidMessageContentExpressionFault"),
        (
            '<tev:Filter><wsnt:ProducerProperties Dialect="urn:x">boolean(1)</wsnt:ProducerProperties></tev:Filter>',
            "InvalidFilterFault",
        ),
        (
            "<tev:SubscriptionPolicy><wsnt:UseRaw/></tev:SubscriptionPolicy>",
            "UnsupportedPolicyRequestFault",
        ),
    ],
    ids=["content", "many contents", "producer", "policy"],
)
async def test_what_cannot_be_used_is_refused_with_its_fault(client: SoapClient, body: str, fault: str) -> None:
    answer = await client.call(f"<tev:CreatePullPointSubscription>{body}</tev:CreatePullPointSubscription>")
    assert answer.subcodes[-1] == f"wsnt:{fault}"


async def test_the_dialects_are_told(client: SoapClient) -> None:
    answer = await client.call("<tev:GetEventProperties/>")
    assert answer.texts("MessageContentFilterDialect") == [names.ITEM_FILTER]
    assert answer.texts("TopicExpressionDialect") == [names.CONCRETE_TOPIC, names.CONCRETE_SET]
