"""Rules to `tt:Config` and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from onvif_server.analytics.configs import Config, ConfigError, Parameter
from onvif_server.analytics.parameters import RULE_TYPES, Fields
from onvif_server.backend import Rule, RuleKind, RuleLimits

MAXIMUM_NAME: Final = 64


def write_rule(rule: Rule) -> Config:
    """A rule as its configuration."""
    rule_type = RULE_TYPES[rule.kind]
    parameters: dict[str, Parameter] = {}
    for parameter in rule_type.parameters:
        value = parameter.write(rule)
        if value is not None:
            parameters[parameter.name] = value
    return Config(rule.name, rule_type.name, parameters)


def limits_of(kinds: Sequence[RuleLimits], type_name: str) -> RuleLimits | None:
    """What rules of a type (by full name) may be; None if there are none of that type."""
    return next((one for one in kinds if RULE_TYPES[one.kind].name == type_name), None)


def new_rule(config: Config, kinds: Sequence[RuleLimits]) -> Rule:
    """The rule that a client describes; what it leaves out has its default. Raises ConfigError."""
    limits = limits_of(kinds, config.type)
    if limits is None:
        raise ConfigError(f"there are no rules of the type {config.type}")
    if not 0 < len(config.name) <= MAXIMUM_NAME:
        raise ConfigError(f"a rule's name has 1 to {MAXIMUM_NAME} characters")
    rule_type = RULE_TYPES[limits.kind]
    return replace(Rule(name=config.name, kind=limits.kind, **rule_type.defaults), **_read(config, limits))


def changed_rule(rule: Rule, config: Config, kinds: Sequence[RuleLimits]) -> Rule:
    """The rule with what the client changed; what it leaves out stays. The type is the rule's. Raises ConfigError."""
    limits = limits_of(kinds, config.type)
    if limits is None:
        raise ConfigError(f"there are no rules of the type {config.type}")
    return replace(rule, **_read(config, limits))


def _read(config: Config, limits: RuleLimits) -> Fields:
    known = {parameter.name: parameter for parameter in RULE_TYPES[limits.kind].parameters}
    fields: Fields = {}
    for name, value in config.parameters.items():
        if name not in known:
            raise ConfigError(f"{limits.kind} has no parameter {name}; it has {', '.join(known)}")
        fields |= known[name].read(value, limits)
    return fields


def type_name(kind: RuleKind) -> str:
    """The full name of a kind's type."""
    return RULE_TYPES[kind].name
