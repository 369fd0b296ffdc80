"""A rule that a client makes is a rule of the engine: it fires, is told, is in the site file; one that goes ends."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from engine.api.messages.rules import RuleRequest, RuleSettings
from engine.api.messages.state import State
from engine.api.services import ExistsError, NotAvailableError, NotFoundError, NotPossibleError
from engine.app.engine import Engine
from engine.app.rulebook import RuleRefused, new_rule_id
from engine.config import RuleConfig, load_site
from engine.core.events import Event, RuleKind, RuleTriggered
from engine.core.geometry import Box, Point
from engine.core.values import TargetType, Track, TrackUpdate

pytestmark = pytest.mark.ledger("VCA-2", "VCA-3", "ONVIF-3", "SITE-2")

ANYWHERE = RuleConfig(
    "anywhere", "Anywhere", RuleKind.OBJECT_DETECTION, "wide", (), "both", 0.0, (TargetType.PERSON,), "yard-dome", 80
)
GATE = replace(ANYWHERE, rule_id="gate", kind=RuleKind.COUNTING, points=(Point(0.5, 0.9), Point(0.5, 0.1)), link=None)


def seen(at: float, *feet: tuple[float, float]) -> TrackUpdate:
    tracks = tuple(
        Track(f"wide-{n}", "wide", TargetType.PERSON, Box(x - 0.02, y - 0.1, 0.04, 0.1), 0.9, at, 0.0, True, True)
        for n, (x, y) in enumerate(feet)
    )
    return TrackUpdate("wide", at, tracks, 16 / 9)


def told(engine: Engine) -> list[Event]:
    """What the engine publishes from now on."""
    subscription = engine.facts.subscribe()
    return subscription._queue  # type: ignore[return-value]


def story(events: list[Event]) -> list[tuple[str, bool]]:
    return [(event.rule_id, event.active) for event in events if isinstance(event, RuleTriggered)]


async def test_a_new_rule_fires_sends_its_link_is_told_and_stays(engine: Engine) -> None:
    events, changes = told(engine), engine.services.changes.subscribe()
    await engine.rulebook.add([ANYWHERE])
    assert [rule.rule_id for rule in engine.rulebook.rules("wide")] == ["lawn", "anywhere"]
    assert engine.rulebook.rules("dome") == ()
    (state,) = changes._queue
    assert isinstance(state, State)
    assert [one.id for one in state.rules] == ["lawn", "anywhere"]
    assert engine.director.link("yard-dome").settings.rules == {"lawn": 50, "anywhere": 80}
    engine._on_tracks(seen(1.0, (0.1, 0.3)))
    assert story(events) == [("anywhere", True)]
    assert load_site(engine.site.file).rules == engine.rulebook.rules()


async def test_removing_an_active_rule_ends_it_for_everybody(engine: Engine) -> None:
    await engine.rulebook.add([ANYWHERE])
    events = told(engine)
    engine._on_tracks(seen(1.0, (0.1, 0.3)))
    assert engine.director.link("yard-dome")._scheduler._candidates["wide-0"].active
    await engine.rulebook.remove(["anywhere"])
    assert story(events) == [("anywhere", True), ("anywhere", False)]
    assert not engine.director.link("yard-dome")._scheduler._candidates["wide-0"].active
    assert engine.director.link("yard-dome").settings.rules == {"lawn": 50}
    assert [one.id for one in (await engine.services.state()).rules] == ["lawn"]


async def test_changing_one_rule_leaves_the_others_as_they_are(engine: Engine) -> None:
    await engine.rulebook.add([ANYWHERE, GATE])
    for at, x in enumerate((0.3, 0.7, 0.3)):
        engine._on_tracks(seen(float(at), (x, 0.3)))
    events = told(engine)
    await engine.rulebook.replace([replace(engine.rulebook.rules()[0], priority=60, name="Lawn")])
    assert events == type(events)()
    assert engine.rules.active_rules == {"anywhere"}
    gate = next(one for one in (await engine.services.state()).rules if one.id == "gate")
    assert (gate.count, gate.count_a_to_b, gate.count_b_to_a) == (2, 1, 1)
    await engine.services.reset_counter("gate")
    assert engine.rules.counts("gate").total == 0  # type: ignore[union-attr]


async def test_another_link_hears_of_a_rule_only_from_then_on_and_the_former_its_end(engine: Engine) -> None:
    await engine.rulebook.add([ANYWHERE])
    engine._on_tracks(seen(1.0, (0.1, 0.3)))
    await engine.rulebook.replace([replace(ANYWHERE, link=None)])
    assert not engine.director.link("yard-dome")._scheduler._candidates["wide-0"].active
    assert engine.director.link("yard-dome").settings.rules == {"lawn": 50}


async def test_a_rule_that_is_not_armed_sleeps(engine: Engine) -> None:
    await engine.rulebook.add([replace(ANYWHERE, armed=False)])
    events = told(engine)
    engine._on_tracks(seen(1.0, (0.1, 0.3)))
    assert not story(events)
    await engine.rulebook.replace([ANYWHERE])
    engine._on_tracks(seen(1.2, (0.1, 0.3)))
    assert story(events) == [("anywhere", True)]


@pytest.mark.parametrize(
    ("rules", "kind", "says"),
    [
        ([replace(ANYWHERE, rule_id="lawn")], "exists", "there is a rule 'lawn' already"),
        ([ANYWHERE, ANYWHERE], "exists", "'anywhere' already"),
        ([ANYWHERE, replace(GATE, points=())], "invalid", "needs a line of at least 2 points"),
        ([replace(GATE, points=(Point(0.5, 0.5),) * 2)], "invalid", "neighbours that differ"),
        ([replace(ANYWHERE, channel="attic")], "invalid", "no such channel or link"),
        ([replace(GATE, rule_id=f"g{n}") for n in range(1000)], "too_many", "1000 rules at most"),
    ],
)
async def test_a_bad_rule_is_refused_with_all_that_came_with_it(
    engine: Engine, rules: list[RuleConfig], kind: str, says: str
) -> None:
    before = engine.site.file.read_text()
    with pytest.raises(RuleRefused, match=says) as caught:
        await engine.rulebook.add(rules)
    assert caught.value.kind == kind
    assert engine.site.file.read_text() == before
    assert [rule.rule_id for rule in engine.rulebook.rules()] == ["lawn"]


async def test_what_is_not_there_cannot_be_changed(engine: Engine) -> None:
    for work in (engine.rulebook.replace([ANYWHERE]), engine.rulebook.remove(["lawn", "anywhere"])):
        with pytest.raises(RuleRefused, match="no rule 'anywhere'") as caught:
            await work
        assert caught.value.kind == "not_found"
    with pytest.raises(RuleRefused, match="keeps its type") as caught:
        await engine.rulebook.replace([replace(ANYWHERE, rule_id="lawn")])
    assert caught.value.kind == "invalid"
    assert [rule.rule_id for rule in engine.rulebook.rules()] == ["lawn"]


async def test_a_site_file_that_somebody_is_editing_is_not_touched(engine: Engine) -> None:
    engine.site.file.write_text("version: [")
    with pytest.raises(RuleRefused, match="not valid YAML") as caught:
        await engine.rulebook.add([ANYWHERE])
    assert caught.value.kind == "unavailable"
    assert str(engine.site.file.parent) not in str(caught.value)
    assert engine.site.file.read_text() == "version: ["


async def test_many_at_once_are_done_one_after_the_other(engine: Engine) -> None:
    await asyncio.gather(*(engine.rulebook.add([replace(GATE, rule_id=f"g{n}")]) for n in range(5)))
    assert {rule.rule_id for rule in load_site(engine.site.file).rules} == {"lawn", *(f"g{n}" for n in range(5))}
    assert load_site(engine.site.file).rules == engine.rulebook.rules()


async def test_the_words_of_the_api(engine: Engine, tmp_path: Path) -> None:
    services = engine.services
    points = [[0.5, 0.9], [0.5, 0.1]]
    made = await services.add_rule(RuleRequest(name="The Gate", kind=RuleKind.COUNTING, channel="wide", points=points))
    assert (made.id, made.name, made.points) == ("the-gate", "The Gate", points)
    assert await services.change_rule("the-gate", RuleSettings(points=points, priority=9)) in await services.rules()
    with pytest.raises(ExistsError):
        await services.add_rule(RuleRequest(id="lawn", kind=RuleKind.COUNTING, channel="wide", points=points))
    with pytest.raises(NotFoundError):
        await services.change_rule("attic", RuleSettings())
    with pytest.raises(NotPossibleError, match="counts nothing"):
        await services.reset_counter("lawn")
    await services.remove_rule("the-gate")
    with pytest.raises(NotFoundError):
        await services.remove_rule("the-gate")
    engine.site.file.unlink()
    with pytest.raises(NotAvailableError):
        await services.remove_rule("lawn")


def test_ids_are_made_of_names() -> None:
    assert new_rule_id("The Gate!", set()) == "the-gate"
    assert new_rule_id("The Gate!", {"the-gate", "the-gate-2"}) == "the-gate-3"
    assert new_rule_id("門", set()) == "rule"
