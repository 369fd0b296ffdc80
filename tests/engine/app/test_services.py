"""What the API asks of the rooms: answers, and what is said when something cannot be."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from engine.access import Role
from engine.api.messages.links import LookAtRequest, TrackRequest
from engine.api.messages.motors import MoveRequest
from engine.api.messages.state import ChannelState, LinkState
from engine.api.services import BusyError, NotAvailableError, NotFoundError, NotPossibleError, ServiceError
from engine.app.engine import Engine
from engine.app.services import RELAY_USER
from engine.core.events import CaptureTaken, TrackingStarted
from engine.core.geometry import Box, Direction
from engine.core.values import TargetType
from engine.ptz import Priority
from tests.engine.app.app_sites import until
from tests.engine.app.conftest import StartEngine

MOVE = MoveRequest(mode="absolute", pan=10.0)
POINT = LookAtRequest(x=0.5, y=0.5)

CAPTURE = CaptureTaken(
    at=1_700_000_000.0,
    capture_id="c1",
    link_id="yard-dome",
    channel="dome",
    track_id="wide-1",
    target_type=TargetType.PERSON,
    rule_id="lawn",
    picture="",
    background="",
    box=Box(0.4, 0.3, 0.2, 0.5),
    grade=0.8,
    target_direction=Direction(1.0, 2.0),
)


async def test_the_state_tells_everything_that_there_is(engine: Engine) -> None:
    state = await engine.services.state()
    assert state.name == "Yard"
    assert state.instance_id == engine.store.instance_id
    assert [(one.id, one.online) for one in state.cameras] == [("wall", False), ("mast", False)]
    wide, dome = state.channels
    assert (wide.id, wide.camera_id, wide.role, wide.online, wide.pose) == ("wide", "wall", "overview", False, None)
    assert (dome.id, dome.role, dome.relay_url, dome.capabilities) == ("dome", "ptz", None, [])
    assert [(one.id, one.overview, one.ptz, one.tracking) for one in state.links] == [
        ("yard-dome", "wide", "dome", None)
    ]
    assert [(one.id, one.kind, one.active) for one in state.rules] == [("lawn", "intrusion", False)]


@pytest.mark.parametrize(
    ("ask", "error", "says"),
    [
        (lambda s: s.move("attic", MOVE, by="a"), NotFoundError, "no channel 'attic'"),
        (lambda s: s.snapshot("attic", None), NotFoundError, "no channel 'attic'"),
        (lambda s: s.tracks("attic"), NotFoundError, "no channel 'attic'"),
        (lambda s: s.look_at("attic", POINT, by="a"), NotFoundError, "attic"),
        (lambda s: s.goto_preset("dome", "p9", 1.0, by="a"), NotFoundError, "p9"),
        (lambda s: s.move("wide", MOVE, by="a"), NotPossibleError, "'wide' has no motors"),
        (lambda s: s.track("yard-dome", TrackRequest(track_id="t9"), by="a"), NotPossibleError, "'t9' is not seen"),
        (lambda s: s.move("dome", MOVE, by="a"), NotAvailableError, ""),
        (lambda s: s.go_home("dome", by="a"), NotAvailableError, ""),
        (lambda s: s.save_preset("dome", "Gate", by="a"), NotAvailableError, ""),
        (lambda s: s.snapshot("wide", None), NotAvailableError, "wide"),
    ],
)
async def test_what_cannot_be_is_said_in_the_words_of_the_api(
    engine: Engine, ask: Callable[[Any], Awaitable[object]], error: type[ServiceError], says: str
) -> None:
    with pytest.raises(error) as caught:
        await ask(engine.services)
    assert says in str(caught.value)
    assert str(caught.value)


async def test_two_operators_cannot_steer_at_once(engine: Engine) -> None:
    arbiter = engine.channels["dome"].arbiter
    assert arbiter is not None
    await arbiter.acquire("user:first", "manual control", Priority.OPERATOR)
    with pytest.raises(BusyError, match="user:first holds it"):
        await engine.services.move("dome", MOVE, by="second")


async def test_the_relays_user_is_made_once(engine: Engine) -> None:
    first = await engine.services.stream_credentials()
    again = await engine.services.stream_credentials()
    assert first == again
    assert first.username == RELAY_USER
    assert len(first.password) >= 24
    assert first.password not in repr(first)
    assert [(one.username, one.role) for one in engine.access.device_users.users] == [(RELAY_USER, Role.USER)]
    assert [(one.name, one.password) for one in engine.media._users] == [(first.username, first.password)]


async def test_events_become_changes_of_what_they_are_about(engine: Engine) -> None:
    told: list[object] = []
    changes = engine.services.changes.subscribe()
    task = asyncio.create_task(engine.services.run())
    await asyncio.sleep(0)
    engine.events.publish(CAPTURE)
    engine.events.publish(
        TrackingStarted(
            at=2.0,
            link_id="yard-dome",
            channel="dome",
            track_id="wide-2",
            target_type=TargetType.PERSON,
            reason="lawn",
        )
    )
    await until(lambda: len(changes._queue) >= 4, "the changes are told")
    told = list(changes._queue)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    links = [one for one in told if isinstance(one, LinkState)]
    assert len(links) == 2
    assert links[0].last_capture is not None
    assert links[0].last_capture.id == "c1"
    channels = [one for one in told if isinstance(one, ChannelState)]
    assert [one.id for one in channels] == ["dome"]
    assert channels[0].last_capture is not None


async def test_the_last_capture_is_known_after_a_restart(start_engine: StartEngine) -> None:
    engine = await start_engine()
    await engine.store.captures.add(
        replace(CAPTURE, capture_id="c0", event_id="e0", at=1.0), picture=b"p", background=b"b"
    )
    await engine.store.captures.add(CAPTURE, picture=b"p", background=b"b")
    await engine.services.load()
    (link,) = (await engine.services.state()).links
    assert link.last_capture is not None
    assert link.last_capture.id == "c1"
