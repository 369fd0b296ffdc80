"""What the API can ask about rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from engine.api.messages.rules import RuleDescription, RuleRequest, RuleSettings
from engine.api.messages.state import RuleState
from engine.api.services import (
    Change,
    ExistsError,
    NotAvailableError,
    NotFoundError,
    NotPossibleError,
    ServiceError,
    TooManyError,
)
from engine.app.rooms import Rooms
from engine.app.rulebook import RefusalKind, RuleRefused, new_rule_id
from engine.config import RuleConfig
from engine.core.bus import Bus
from engine.core.events import RuleKind
from engine.core.geometry import Point

_ERRORS: Mapping[RefusalKind, type[ServiceError]] = {
    "exists": ExistsError,
    "not_found": NotFoundError,
    "invalid": NotPossibleError,
    "too_many": TooManyError,
    "unavailable": NotAvailableError,
}


class RuleServices:
    """The part of `engine.api.services.EngineServices` that is about rules."""

    def __init__(self, rooms: Rooms, changes: Bus[Change]) -> None:
        self._rooms = rooms
        self.changes = changes

    async def rules(self) -> list[RuleDescription]:
        """See the protocol."""
        return [_described(rule) for rule in self._rooms.rulebook.rules()]

    async def add_rule(self, request: RuleRequest) -> RuleDescription:
        """See the protocol."""
        book = self._rooms.rulebook
        rule_id = request.id or new_rule_id(request.name or request.kind, {rule.rule_id for rule in book.rules()})
        with _told():
            await book.add([_configured(request, rule_id, request.kind, request.channel)])
        return _described(self._known(rule_id))

    async def change_rule(self, rule_id: str, request: RuleSettings) -> RuleDescription:
        """See the protocol."""
        old = self._known(rule_id)
        with _told():
            await self._rooms.rulebook.replace([_configured(request, rule_id, old.kind, old.channel)])
        return _described(self._known(rule_id))

    async def remove_rule(self, rule_id: str) -> None:
        """See the protocol."""
        with _told():
            await self._rooms.rulebook.remove([rule_id])

    async def reset_counter(self, rule_id: str) -> None:
        """See the protocol."""
        with _told():
            self._rooms.rulebook.reset_counts(rule_id)

    def rule_changed(self, rule_id: str) -> None:
        """Tells a rule's new state."""
        config = self._rooms.rulebook.find(rule_id)
        if config is not None:
            self.changes.publish(self.rule_state(config))

    def rule_state(self, config: RuleConfig) -> RuleState:
        """How a rule is now."""
        counts = self._rooms.rules.counts(config.rule_id)
        return RuleState(
            id=config.rule_id,
            name=config.name,
            kind=config.kind,
            channel=config.channel,
            active=config.rule_id in self._rooms.rules.active_rules,
            armed=config.armed,
            count=counts.total if counts else None,
            count_a_to_b=counts.a_to_b if counts else None,
            count_b_to_a=counts.b_to_a if counts else None,
        )

    def _known(self, rule_id: str) -> RuleConfig:
        rule = self._rooms.rulebook.find(rule_id)
        if rule is None:
            raise NotFoundError(f"there is no rule '{rule_id}'")
        return rule


@contextmanager
def _told() -> Iterator[None]:
    """Turns refusals into what the API answers."""
    try:
        yield
    except RuleRefused as error:
        raise _ERRORS[error.kind](str(error)) from error


def _described(rule: RuleConfig) -> RuleDescription:
    """A rule as the API tells it."""
    return RuleDescription(
        id=rule.rule_id,
        name=rule.name,
        kind=rule.kind,
        channel=rule.channel,
        points=[[point.x, point.y] for point in rule.points],
        direction=rule.direction,
        min_seconds=rule.min_seconds,
        targets=list(rule.targets),
        confidence=rule.confidence,
        sensitivity=rule.sensitivity,
        link=rule.link,
        priority=rule.priority,
        armed=rule.armed,
    )


def _configured(settings: RuleSettings, rule_id: str, kind: RuleKind, channel: str) -> RuleConfig:
    """A rule as the site file has it."""
    return RuleConfig(
        rule_id=rule_id,
        name=settings.name or rule_id,
        kind=kind,
        channel=channel,
        points=tuple(Point(x, y) for x, y in settings.points),
        direction=settings.direction,
        min_seconds=settings.min_seconds,
        targets=tuple(settings.targets),
        confidence=settings.confidence,
        sensitivity=settings.sensitivity,
        link=settings.link,
        priority=settings.priority,
        armed=settings.armed,
    )
