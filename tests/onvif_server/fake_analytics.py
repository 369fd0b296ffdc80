"""Rules in memory: the yard's analytics of the small host."""

from __future__ import annotations

from collections.abc import Sequence

from onvif_server.backend import Caller, Refusal, Refused, Rule, RuleKind, RuleLimits


class FakeAnalytics:
    """Keeps rules, and what was asked of it. One of each kind but field detectors, of which there may be four."""

    def __init__(self) -> None:
        self.kept: dict[str, Rule] = {}
        self.refusal: Refused | None = None
        self.callers: list[str] = []
        self.add(Rule(name="gate", kind=RuleKind.LINE_DETECTOR, points=((-0.5, 0.0), (0.5, 0.0)), classes=("Human",)))

    def add(self, *rules: Rule) -> None:
        self.kept |= {rule.name: rule for rule in rules}

    @property
    def limits(self) -> Sequence[RuleLimits]:
        return tuple(
            RuleLimits(kind=kind, maximum=4 if kind is RuleKind.FIELD_DETECTOR else 2, maximum_points=10)
            for kind in RuleKind
        )

    @property
    def object_classes(self) -> Sequence[str]:
        return ("Human", "Vehicle", "Bicycle")

    def rules(self) -> Sequence[Rule]:
        return tuple(self.kept.values())

    async def create_rules(self, caller: Caller, rules: Sequence[Rule]) -> None:
        self._told(caller)
        self.add(*rules)

    async def modify_rules(self, caller: Caller, rules: Sequence[Rule]) -> None:
        self._told(caller)
        self.add(*rules)

    async def delete_rules(self, caller: Caller, names: Sequence[str]) -> None:
        self._told(caller)
        for name in names:
            if name not in self.kept:
                raise Refused(Refusal.NOT_FOUND, f"there is no rule {name}")
            del self.kept[name]

    def _told(self, caller: Caller) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.callers.append(caller.username)
