"""Strangers' documents leave nothing behind in the memory of the device, and are read as well as any other."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from onvif_server.soap import parsing
from onvif_server.soap.faults import Fault
from onvif_server.soap.parsing import parse_xml

pytestmark = pytest.mark.ledger("ONVIF-5")

DOCUMENTS = 60
ELEMENTS = 2000
GROWTH_BYTES = 4_000_000
"""The names that are made here are more than twice as many bytes."""


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def blanks(number: int) -> str:
    """A row of blanks that is another one for each number; too short to pass for data."""
    return "".join(" \t"[number >> bit & 1] for bit in range(24)) + " " * 16


KINDS = {
    "names of elements": "<stranger-of-a-rather-long-name-{}/>",
    "prefixes": '<p{0}-which-goes-on-for-quite-a-while:a xmlns:p{0}-which-goes-on-for-quite-a-while="urn:x"/>',
    "namespaces": '<a xmlns="urn:a-name-that-nobody-has-ever-heard-of:{}"/>',
    "names of attributes": '<a stranger-of-a-rather-long-name-{}="1"/>',
    "instructions": "<?a-stranger-of-a-rather-long-name-{} x?>",
    "blanks": "{blanks}<a/>",
}


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    # What this test's documents teach stays with it.
    monkeypatch.setattr(parsing, "_kept", parsing._Kept())
    monkeypatch.setattr(parsing, "MAXIMUM_KEPT_NAMES", ELEMENTS)


@pytest.mark.parametrize("kind", KINDS)
def test_what_they_are_called_does_not_stay(kind: str) -> None:
    def read(number: int) -> None:
        numbers = range(number * ELEMENTS, (number + 1) * ELEMENTS)
        parts = (KINDS[kind].format(one, blanks=blanks(one)) for one in numbers)
        parse_xml(f"<r>{''.join(parts)}</r>".encode())

    for number in range(10):
        read(number)
    before = resident_bytes()
    for number in range(10, 10 + DOCUMENTS):
        read(number)
    assert resident_bytes() - before < GROWTH_BYTES


def test_names_beyond_those_that_can_stay_are_read_all_the_same() -> None:
    parse_xml(("<r>" + "".join(f"<n{number}/>" for number in range(ELEMENTS - 1)) + "</r>").encode())
    root = parse_xml(b'<q:new xmlns:q="urn:q" x="1"> <q:other>  text </q:other>\n</q:new>')
    assert (root.tag, root.prefix, root.get("x")) == ("{urn:q}new", "q", "1")
    assert [child.text for child in root] == ["  text "]
    with pytest.raises(Fault):
        parse_xml(b"<another/><one-too-many/>")


def test_a_very_long_name_does_not_stay() -> None:
    name = "n" * (parsing.MAXIMUM_KEPT_NAME + 1)
    assert parse_xml(f"<{name}/>".encode()).tag == name
    assert name not in parsing._kept._names


@pytest.mark.parametrize(
    ("encoding", "declared"), [("utf-8", ""), ("utf-8", "UTF8"), ("utf-8-sig", ""), ("latin-1", "ISO-8859-1")]
)
def test_umlauts_arrive(encoding: str, declared: str) -> None:
    declaration = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""
    assert parse_xml(f"{declaration}<a>Käse</a>".encode(encoding)).text == "Käse"
    assert parse_xml(f"{declaration}<{'x' * 200}>Käse</{'x' * 200}>".encode(encoding)).text == "Käse"
