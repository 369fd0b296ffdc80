"""Events survive the way to JSON and back."""

from __future__ import annotations

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core import events as core_events
from engine.core.events import CameraOffline, Event
from engine.core.geometry import Box, Direction
from engine.core.values import TargetType
from engine.store import codec

finite = st.floats(allow_nan=False, allow_infinity=False)
text = st.text(st.characters(codec="utf-8"), max_size=40)
st.register_type_strategy(float, finite)
st.register_type_strategy(str, text)
st.register_type_strategy(Box, st.builds(Box, finite, finite, finite, finite))
st.register_type_strategy(Direction, st.builds(Direction, finite, finite))

core_kinds = [kind for kind in codec.kinds().values() if kind.__module__ == core_events.__name__]


@given(st.one_of([st.builds(kind, event_id=text) for kind in core_kinds]))
def test_every_kind_of_event_comes_back_as_it_was(event: Event) -> None:
    assert codec.decode(codec.encode(event)) == event


def test_every_event_of_core_is_known() -> None:
    declared = {
        value
        for value in vars(core_events).values()
        if dataclasses.is_dataclass(value)
        and isinstance(value, type)
        and issubclass(value, Event)
        and value is not Event
    }
    assert set(core_kinds) == declared


def test_the_wire_form_is_flat_with_the_kind() -> None:
    body = codec.encode(CameraOffline(at=5.5, event_id="e1", channel="yard", reason="no packets"))
    assert body == b'{"kind":"camera_offline","at":5.5,"event_id":"e1","channel":"yard","reason":"no packets"}'


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_number_that_json_cannot_hold_is_refused_with_its_place(bad: float) -> None:
    event = core_events.RuleTriggered(
        at=1.0,
        rule_id="r",
        rule_kind=core_events.RuleKind.INTRUSION,
        channel="c",
        track_id="t",
        target_type=TargetType.PERSON,
        box=Box(0.0, bad, 0.1, 0.1),
        active=True,
    )
    with pytest.raises(ValueError, match=r"rule_triggered\.box\.y"):
        codec.encode(event)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "nonsense",
        "{}",
        '{"kind": 7}',
        '{"kind": ["camera_online"]}',
        '{"kind": "from_the_future", "at": 1.0}',
        '{"kind": "camera_online", "at": 1.0}',
        '{"kind": "camera_online", "at": "noon", "event_id": "e", "channel": "c"}',
    ],
)
def test_what_is_no_event_is_refused(body: str) -> None:
    with pytest.raises(codec.UnknownEventError):
        codec.decode(body)
