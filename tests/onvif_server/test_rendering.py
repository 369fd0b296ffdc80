"""A response that was asked for again comes from a copy: it is the same, and it is nobody else's."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from lxml import etree
from onvif_soap_client import SoapClient

from onvif_server.soap import names
from onvif_server.soap.schema import Schemas, _frozen, load_schemas

pytestmark = pytest.mark.ledger("ONVIF-1")

HOSTNAME = names.tag(names.DEVICE, "GetHostname")


def render(schemas: Schemas, values: dict[str, Any]) -> etree._Element:
    body = etree.Element(names.tag(names.ENVELOPE, "Body"), nsmap=names.PREFIXES)
    schemas.render(schemas.operation(HOSTNAME), values, body)
    return body[0]


def hostname(name: str, dhcp: object = False) -> dict[str, Any]:
    return {"HostnameInformation": {"FromDHCP": dhcp, "Name": name}}


def test_the_copy_is_like_the_first_and_belongs_to_its_answer_alone() -> None:
    schemas = load_schemas()
    first, second = render(schemas, hostname("porch")), render(schemas, hostname("porch"))
    assert etree.tostring(first) == etree.tostring(second)
    first[0][0].text = "changed by somebody"
    assert b"changed" not in etree.tostring(render(schemas, hostname("porch")))


def test_another_value_is_another_response() -> None:
    schemas = load_schemas()
    for name in ("porch", "gate", "porch"):
        assert name.encode() in etree.tostring(render(schemas, hostname(name)))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": True}, {"a": 1}),
        ({"a": 1}, {"a": 1.0}),
        ({"a": None}, {}),
        ({"a": ["b", "c"]}, {"a": ["c", "b"]}),
        ({"a": "1"}, {"a": 1}),
        ({"a": timedelta(seconds=1)}, {"a": timedelta(seconds=2)}),
        ({"a": etree.XML("<b c='1'/>")}, {"a": etree.XML("<b c='2'/>")}),
    ],
)
def test_values_that_are_written_differently_are_told_apart(one: object, other: object) -> None:
    assert _frozen(one) is not None
    assert _frozen(one) == _frozen(one)
    assert _frozen(one) != _frozen(other)


def test_values_of_other_kinds_are_always_rendered() -> None:
    assert _frozen({"a": [object()]}) is None


async def test_what_a_client_changes_is_in_the_next_answer(client: SoapClient) -> None:
    async def listed() -> list[str]:
        return (await client.call("<trt:GetProfiles/>")).texts("Name")

    before = await listed()
    assert await listed() == before
    await client.call("<trt:CreateProfile><trt:Name>Another</trt:Name></trt:CreateProfile>")
    assert "Another" in await listed()
