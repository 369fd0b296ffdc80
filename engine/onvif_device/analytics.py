"""The engine's rules as ONVIF clients see and change them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import MappingProxyType
from typing import Final, Literal, Protocol

from engine.config import RuleConfig
from engine.core.events import RuleKind
from engine.core.geometry import Point
from engine.core.values import TargetType
from onvif_server.backend import Analytics, Caller, LineDirection, Refusal, Refused, Rule, RuleLimits
from onvif_server.backend import RuleKind as OnvifKind

TYPES: Final[Mapping[TargetType, str]] = MappingProxyType(
    {
        TargetType.PERSON: "Human",
        TargetType.FACE: "HumanFace",
        TargetType.VEHICLE: "Vehicle",
        TargetType.TWO_WHEELER: "Bicycle",
        TargetType.ANIMAL: "Animal",
    }
)
"""Our target types in ONVIF's words."""

_TARGETS = {word: target for target, word in TYPES.items()}
_KINDS = {
    RuleKind.INTRUSION: OnvifKind.FIELD_DETECTOR,
    RuleKind.LINE_CROSSING: OnvifKind.LINE_DETECTOR,
    RuleKind.LOITERING: OnvifKind.LOITERING_DETECTOR,
    RuleKind.COUNTING: OnvifKind.COUNTING,
    RuleKind.OBJECT_DETECTION: OnvifKind.OBJECT_DETECTION,
    RuleKind.MOTION_REGION: OnvifKind.MOTION_REGION,
}
_OWN_KINDS = {onvif: own for own, onvif in _KINDS.items()}

type _Way = Literal["both", "a_to_b", "b_to_a"]
# Both look along the line from its first point to its last. Our A side is on the left hand; ONVIF names the side to
# which somebody walks. So A to B is to the right.
_WAYS: Final[Mapping[LineDirection, _Way]] = MappingProxyType(
    {LineDirection.ANY: "both", LineDirection.RIGHT: "a_to_b", LineDirection.LEFT: "b_to_a"}
)
_DIRECTIONS = {way: direction for direction, way in _WAYS.items()}
_REFUSALS = {
    "exists": Refusal.EXISTS,
    "not_found": Refusal.NOT_FOUND,
    "invalid": Refusal.INVALID,
    "too_many": Refusal.TOO_MANY,
}


class RuleBook(Protocol):
    """The engine's rules. The changes are all or nothing, and raise the exception that `EngineAnalytics` is told."""

    def rules(self, channel: str | None = None) -> tuple[RuleConfig, ...]:
        """The rules of one channel, or of all."""
        ...

    async def add(self, rules: Sequence[RuleConfig]) -> None:
        """Adds rules."""
        ...

    async def replace(self, rules: Sequence[RuleConfig]) -> None:
        """Changes rules, found by their ids."""
        ...

    async def remove(self, ids: Collection[str]) -> None:
        """Removes rules."""
        ...


def rule_names(rules: Sequence[RuleConfig]) -> dict[str, str]:
    """The name that each rule of a channel has for ONVIF, by id: its own where no other bears it, else its id."""
    names = [rule.name for rule in rules]
    ids = {rule.rule_id for rule in rules}
    return {
        rule.rule_id: rule.name
        if rule.name and names.count(rule.name) == 1 and (rule.name == rule.rule_id or rule.name not in ids)
        else rule.rule_id
        for rule in rules
    }


class EngineAnalytics(Analytics):
    """`onvif_server.backend.Analytics` of one channel on the engine's rules.

    `new_id(name, taken)` makes an id for a new rule. `refused` is what `book` raises; it has `kind` and `reason`.
    """

    def __init__(
        self,
        channel: str,
        book: RuleBook,
        new_id: Callable[[str, Collection[str]], str],
        refused: type[Exception],
        targets: Sequence[TargetType] = (TargetType.PERSON, TargetType.VEHICLE, TargetType.TWO_WHEELER),
    ) -> None:
        self._channel = channel
        self._book = book
        self._new_id = new_id
        self._refused = refused
        self._targets = tuple(targets)

    @property
    def limits(self) -> Sequence[RuleLimits]:
        """The kinds of rules that the engine has."""
        return tuple(RuleLimits(kind=kind, classes=tuple(self.object_classes)) for kind in _OWN_KINDS)

    @property
    def object_classes(self) -> Sequence[str]:
        """What the engine finds."""
        return tuple(TYPES[target] for target in self._targets)

    def rules(self) -> Sequence[Rule]:
        """The rules of the channel, of the kinds that ONVIF knows."""
        found = self._book.rules(self._channel)
        names = rule_names(found)
        return tuple(_told(rule, names[rule.rule_id]) for rule in found if rule.kind in _KINDS)

    async def create_rules(self, caller: Caller, rules: Sequence[Rule]) -> None:
        """Adds rules; they only report, until somebody gives them a link."""
        names = set(rule_names(self._book.rules(self._channel)).values())
        taken = {rule.rule_id for rule in self._book.rules()}
        added = []
        for rule in rules:
            if rule.name in names:
                raise Refused(Refusal.EXISTS, f"there is a rule {rule.name} already")
            names.add(rule.name)
            rule_id = self._new_id(rule.name, taken)
            taken.add(rule_id)
            added.append(self._own(rule, self._blank(rule, rule_id)))
        with self._refusals():
            await self._book.add(added)

    async def modify_rules(self, caller: Caller, rules: Sequence[Rule]) -> None:
        """Changes rules; what ONVIF has no word for (link, priority) stays."""
        present = self._by_name()
        changed = [self._own(rule, _existing(present, rule.name)) for rule in rules]
        with self._refusals():
            await self._book.replace(changed)

    async def delete_rules(self, caller: Caller, names: Sequence[str]) -> None:
        """Removes rules."""
        present = self._by_name()
        with self._refusals():
            await self._book.remove([_existing(present, name).rule_id for name in names])

    def _by_name(self) -> dict[str, RuleConfig]:
        found = self._book.rules(self._channel)
        names = rule_names(found)
        return {names[rule.rule_id]: rule for rule in found}

    def _blank(self, rule: Rule, rule_id: str) -> RuleConfig:
        kind = _OWN_KINDS.get(rule.kind)
        if kind is None:
            raise Refused(Refusal.INVALID, f"there are no rules of the type {rule.kind}")
        return RuleConfig(
            rule_id=rule_id,
            name=rule.name,
            kind=kind,
            channel=self._channel,
            points=(),
            direction="both",
            min_seconds=0.0,
            targets=(),
        )

    def _own(self, rule: Rule, before: RuleConfig) -> RuleConfig:
        points = tuple(Point(round((x + 1) / 2, 6), round((1 - y) / 2, 6)) for x, y in rule.points)
        if not points and not before.kind.has_line and not before.kind.whole_picture:
            points = (Point(0.0, 0.0), Point(1.0, 0.0), Point(1.0, 1.0), Point(0.0, 1.0))
        return replace(
            before,
            points=points,
            direction=_WAYS[rule.direction],
            min_seconds=rule.min_seconds,
            targets=tuple(_TARGETS[word] for word in rule.classes) or self._targets,
            confidence=rule.confidence,
            sensitivity=rule.sensitivity,
            armed=rule.armed,
        )

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except self._refused as error:
            kind = str(getattr(error, "kind", ""))
            detail = str(getattr(error, "reason", error))
            raise Refused(_REFUSALS.get(kind, Refusal.UNAVAILABLE), detail) from error


def _told(rule: RuleConfig, name: str) -> Rule:
    return Rule(
        name=name,
        kind=_KINDS[rule.kind],
        points=tuple((round(2 * point.x - 1, 6), round(1 - 2 * point.y, 6)) for point in rule.points),
        direction=_DIRECTIONS[rule.direction],
        classes=tuple(TYPES[target] for target in rule.targets) if rule.kind.sends else (),
        min_seconds=rule.min_seconds,
        confidence=rule.confidence,
        sensitivity=rule.sensitivity,
        armed=rule.armed,
    )


def _existing(present: Mapping[str, RuleConfig], name: str) -> RuleConfig:
    if name not in present:
        raise Refused(Refusal.NOT_FOUND, f"there is no rule {name}")
    return present[name]
