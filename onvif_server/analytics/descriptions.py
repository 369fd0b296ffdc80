"""What rules and modules there can be: tt:ConfigDescription and tan:ConfigOptions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from onvif_server.analytics.configs import written
from onvif_server.analytics.modules import MODULE_TYPE, ModuleMemory, module_options
from onvif_server.analytics.parameters import RULE_TYPES
from onvif_server.backend import Analytics, RuleLimits, Topic, TopicItem
from onvif_server.soap.operations import Values


def supported_rules(analytics: Analytics, topics: Sequence[Topic]) -> Values:
    """The tt:SupportedRules; `topics` are those that the host declared, others are not described."""
    return {
        "Limit": sum(one.maximum for one in analytics.limits),
        "RuleDescription": [_rule_description(one, topics) for one in analytics.limits],
    }


def _rule_description(limits: RuleLimits, topics: Sequence[Topic]) -> Values:
    rule_type = RULE_TYPES[limits.kind]
    simple = [{"Name": one.name, "Type": one.type} for one in rule_type.parameters if not one.is_element]
    complex_ = [{"Name": one.name, "Type": one.type} for one in rule_type.parameters if one.is_element]
    return {
        "Name": written(rule_type.name),
        "fixed": False,
        "maxInstances": limits.maximum,
        "Parameters": _item_list(simple, complex_),
        "Messages": [_message(topic) for topic in topics if topic.path == rule_type.topic],
    }


def _item_list(simple: list[Values], complex_: list[Values]) -> Values:
    found: Values = {}
    if simple:
        found["SimpleItemDescription"] = simple
    if complex_:
        found["ElementItemDescription"] = complex_
    return found


def _message(topic: Topic) -> Values:
    values: Values = {"IsProperty": topic.is_property, "ParentTopic": topic.path}
    for name, items in (("Source", topic.source), ("Key", topic.key), ("Data", topic.data)):
        if items:
            values[name] = _item_list(_simple(items), [])
    return values


def _simple(items: Iterable[TopicItem]) -> list[Values]:
    return [{"Name": item.name, "Type": item.type} for item in items]


def rule_options(kinds: Iterable[RuleLimits]) -> list[Values]:
    """The tan:ConfigOptions of the parameters of these kinds of rules."""
    return [
        {
            "RuleType": written(RULE_TYPES[limits.kind].name),
            "Name": parameter.name,
            "minOccurs": 0 if parameter.optional else 1,
            "maxOccurs": 1,
            "_value_1": parameter.options(limits),
        }
        for limits in kinds
        for parameter in RULE_TYPES[limits.kind].parameters
    ]


def supported_modules() -> Values:
    """The tt:SupportedAnalyticsModules."""
    description: Values = {
        "Name": written(MODULE_TYPE),
        "fixed": False,
        "maxInstances": ModuleMemory.MAXIMUM,
        "Parameters": {
            "SimpleItemDescription": [
                {"Name": "ClassFilter", "Type": "tt:StringList"},
                {"Name": "ConfidenceLevel", "Type": "xs:float"},
            ]
        },
    }
    return {"Limit": ModuleMemory.MAXIMUM, "AnalyticsModuleDescription": [description]}


def supported_module_options(analytics: Analytics) -> list[Values]:
    """The tan:ConfigOptions of the modules' parameters."""
    return [
        {
            "AnalyticsModule": written(MODULE_TYPE),
            "Name": name,
            "minOccurs": 0,
            "maxOccurs": 1,
            "_value_1": one,
        }
        for name, one in module_options(analytics)
    ]
