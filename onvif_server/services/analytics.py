"""The analytics service: rules and analytics modules (ONVIF Analytics, chapter 6)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from lxml import etree

from onvif_server import tokens
from onvif_server.analytics import descriptions
from onvif_server.analytics.configs import Config, ConfigError, config_values, read_configs, resolve
from onvif_server.analytics.modules import MODULE_TYPE, ModuleMemory, read_module, write_module
from onvif_server.analytics.news import RuleNews
from onvif_server.analytics.rules import changed_rule, limits_of, new_rule, type_name, write_rule
from onvif_server.backend import Analytics, Backend, Module, Refusal, Rule
from onvif_server.metadata.sample import sample_metadata
from onvif_server.security.access import Access
from onvif_server.services.refusals import Special, as_faults
from onvif_server.soap import names
from onvif_server.soap.faults import action_failed, invalid_argument
from onvif_server.soap.operations import Call, Values, operation

_RULE = names.tag(names.ANALYTICS, "Rule")
_MODULE = names.tag(names.ANALYTICS, "AnalyticsModule")
_REFUSALS: Final[Special] = {
    Refusal.EXISTS: ("InvalidArgVal", "RuleAlreadyExistent"),
    Refusal.NOT_FOUND: ("InvalidArgVal", "RuleNotExistent"),
    Refusal.INVALID: ("InvalidArgVal", "InvalidRule"),
    Refusal.TOO_MANY: ("Action", "TooManyRules"),
    Refusal.BUSY: ("Action", "ConfigurationConflict"),
}


class AnalyticsService:
    """The host's rules, and the modules that say what metadata tells. Each request is done wholly or not at all.

    `news` tells changes of rules; `changed` is told the channel whose modules were changed.
    """

    def __init__(self, backend: Backend, modules: ModuleMemory, news: RuleNews, changed: Callable[[str], None]) -> None:
        self._backend = backend
        self._modules = modules
        self._news = news
        self._changed = changed

    def capabilities(self) -> Values:
        """The capabilities of this service."""
        return {
            "RuleSupport": True,
            "AnalyticsModuleSupport": True,
            "CellBasedSceneDescriptionSupported": False,
            "RuleOptionsSupported": True,
            "AnalyticsModuleOptionsSupported": True,
            "SupportedMetadata": True,
        }

    @operation(names.ANALYTICS, "GetServiceCapabilities", Access.PRE_AUTH)
    async def get_service_capabilities(self, call: Call) -> Values:
        """What this service can do."""
        return {"Capabilities": self.capabilities()}

    @operation(names.ANALYTICS, "GetSupportedRules", Access.READ_MEDIA)
    async def get_supported_rules(self, call: Call) -> Values:
        """The types of rules, with their parameters and messages."""
        _, analytics = self._channel(call)
        return {"SupportedRules": descriptions.supported_rules(analytics, self._backend.topics)}

    @operation(names.ANALYTICS, "GetRuleOptions", Access.READ_MEDIA)
    async def get_rule_options(self, call: Call) -> Values:
        """What the parameters of rules may be."""
        _, analytics = self._channel(call)
        kinds = analytics.limits
        wanted = _wanted_type(call, "RuleType")
        if wanted is not None:
            limits = limits_of(kinds, wanted)
            if limits is None:
                raise invalid_argument("RuleNotExistent", f"there are no rules of the type {wanted}")
            kinds = (limits,)
        return {"RuleOptions": descriptions.rule_options(kinds)}

    @operation(names.ANALYTICS, "GetRules", Access.READ_MEDIA)
    async def get_rules(self, call: Call) -> Values:
        """The rules as they are now, whoever made them."""
        _, analytics = self._channel(call)
        return {"Rule": [config_values(write_rule(rule)) for rule in analytics.rules()]}

    @operation(names.ANALYTICS, "CreateRules", Access.ACTUATE)
    async def create_rules(self, call: Call) -> Values:
        """Adds rules; parameters that are left out have their defaults."""
        _, analytics = self._channel(call)
        with _faults("Rule"):
            added = [new_rule(config, analytics.limits) for config in read_configs(call.message, _RULE)]
        _insist_new([rule.name for rule in added], [rule.name for rule in analytics.rules()], "RuleAlreadyExistent")
        _insist_room(analytics, added)
        with _faults("Rule"):
            await analytics.create_rules(call.caller, added)
        self._news.look()
        return {}

    @operation(names.ANALYTICS, "ModifyRules", Access.ACTUATE)
    async def modify_rules(self, call: Call) -> Values:
        """Changes rules; parameters that are left out stay as they are."""
        _, analytics = self._channel(call)
        present = {rule.name: rule for rule in analytics.rules()}
        with _faults("Rule"):
            configs = list(read_configs(call.message, _RULE))
            _insist_once([config.name for config in configs])
            changed = [_changed(present.get(config.name), config, analytics) for config in configs]
            await analytics.modify_rules(call.caller, changed)
        self._news.look()
        return {}

    @operation(names.ANALYTICS, "DeleteRules", Access.ACTUATE)
    async def delete_rules(self, call: Call) -> Values:
        """Removes rules."""
        _, analytics = self._channel(call)
        wanted = tuple(dict.fromkeys(name.strip() for name in call.value.RuleName))
        _insist_there(wanted, [rule.name for rule in analytics.rules()], "RuleNotExistent")
        with _faults("Rule"):
            await analytics.delete_rules(call.caller, wanted)
        self._news.look()
        return {}

    @operation(names.ANALYTICS, "GetSupportedAnalyticsModules", Access.READ_MEDIA)
    async def get_supported_analytics_modules(self, call: Call) -> Values:
        """The one type of modules."""
        self._channel(call)
        return {"SupportedAnalyticsModules": descriptions.supported_modules()}

    @operation(names.ANALYTICS, "GetAnalyticsModuleOptions", Access.READ_MEDIA)
    async def get_analytics_module_options(self, call: Call) -> Values:
        """What the modules' parameters may be."""
        _, analytics = self._channel(call)
        _insist_module_type(_wanted_type(call, "Type"))
        return {"Options": descriptions.supported_module_options(analytics)}

    @operation(names.ANALYTICS, "GetAnalyticsModules", Access.READ_MEDIA)
    async def get_analytics_modules(self, call: Call) -> Values:
        """The modules as they are now."""
        channel, _ = self._channel(call)
        return {"AnalyticsModule": [config_values(write_module(one)) for one in self._modules.of(channel)]}

    @operation(names.ANALYTICS, "CreateAnalyticsModules", Access.ACTUATE)
    async def create_analytics_modules(self, call: Call) -> Values:
        """Adds modules."""
        channel, analytics = self._channel(call)
        present = self._modules.of(channel)
        with _faults("Module"):
            configs = list(read_configs(call.message, _MODULE))
            added = [read_module(None, config, analytics.object_classes) for config in configs]
        _insist_new([one.name for one in added], [one.name for one in present], "NameAlreadyExistent")
        if len(present) + len(added) > ModuleMemory.MAXIMUM:
            raise action_failed("TooManyModules", f"there are {ModuleMemory.MAXIMUM} modules at most")
        await self._keep(channel, (*present, *added))
        return {}

    @operation(names.ANALYTICS, "ModifyAnalyticsModules", Access.ACTUATE)
    async def modify_analytics_modules(self, call: Call) -> Values:
        """Changes modules; parameters that are left out stay as they are."""
        channel, analytics = self._channel(call)
        present = {one.name: one for one in self._modules.of(channel)}
        with _faults("Module"):
            configs = list(read_configs(call.message, _MODULE))
            _insist_there([config.name for config in configs], list(present), "NameNotExistent")
            for config in configs:
                if config.type != MODULE_TYPE:
                    raise action_failed("TypeChangeProhibited", "a module keeps its type")
                present[config.name] = read_module(present[config.name], config, analytics.object_classes)
        await self._keep(channel, tuple(present.values()))
        return {}

    @operation(names.ANALYTICS, "DeleteAnalyticsModules", Access.ACTUATE)
    async def delete_analytics_modules(self, call: Call) -> Values:
        """Removes modules; without any, metadata tells of no objects."""
        channel, _ = self._channel(call)
        wanted = {name.strip() for name in call.value.AnalyticsModuleName}
        present = self._modules.of(channel)
        _insist_there(wanted, [one.name for one in present], "NameNotExistent")
        await self._keep(channel, tuple(one for one in present if one.name not in wanted))
        return {}

    @operation(names.ANALYTICS, "GetSupportedMetadata", Access.READ_MEDIA)
    async def get_supported_metadata(self, call: Call) -> etree._Element:
        """A sample of what the module tells."""
        _insist_module_type(_wanted_type(call, "Type"))
        found = (self._backend.analytics(channel.token) for channel in self._backend.channels)
        classes = dict.fromkeys(one for analytics in found if analytics for one in analytics.object_classes)
        return sample_metadata(tuple(classes))

    def _channel(self, call: Call) -> tuple[str, Analytics]:
        wanted = call.value.ConfigurationToken
        for channel in self._backend.channels:
            analytics = self._backend.analytics(channel.token)
            if analytics is not None and tokens.analytics_configuration(channel.token) == wanted:
                return channel.token, analytics
        raise invalid_argument("NoConfig", f"there is no analytics configuration {wanted}")

    async def _keep(self, channel: str, modules: Sequence[Module]) -> None:
        with as_faults():
            await self._modules.set(channel, modules)
        self._changed(channel)


def _wanted_type(call: Call, name: str) -> str | None:
    element = call.message.find(names.tag(names.ANALYTICS, name))
    return None if element is None or not element.text else resolve(element, element.text)


def _insist_module_type(wanted: str | None) -> None:
    if wanted not in (None, MODULE_TYPE):
        raise invalid_argument("TypeNotExistent", f"there are no modules of the type {wanted}")


def _changed(rule: Rule | None, config: Config, analytics: Analytics) -> Rule:
    if rule is None:
        raise invalid_argument("RuleNotExistent", f"there is no rule {config.name}")
    if config.type != type_name(rule.kind):
        raise action_failed("TypeChangeProhibited", f"the rule {rule.name} is a {rule.kind} and stays one")
    return changed_rule(rule, config, analytics.limits)


def _insist_once(wanted: Sequence[str]) -> None:
    if len(set(wanted)) < len(wanted):
        raise ConfigError("a name is there twice")


def _insist_new(wanted: Sequence[str], present: Sequence[str], subcode: str) -> None:
    seen = set(present)
    for name in wanted:
        if name in seen:
            raise invalid_argument(subcode, f"there is a {name} already")
        seen.add(name)


def _insist_there(wanted: Sequence[str] | set[str], present: Sequence[str], subcode: str) -> None:
    for name in wanted:
        if name not in present:
            raise invalid_argument(subcode, f"there is no {name}")


def _insist_room(analytics: Analytics, added: Sequence[Rule]) -> None:
    rules = (*analytics.rules(), *added)
    for limits in analytics.limits:
        if sum(rule.kind is limits.kind for rule in rules) > limits.maximum:
            raise action_failed("TooManyRules", f"there are {limits.maximum} rules of the type {limits.kind} at most")


@contextmanager
def _faults(thing: str) -> Iterator[None]:
    """Turns what is wrong with a rule or module, or the host's refusal, into the fault that the standard names."""
    try:
        with as_faults(_REFUSALS):
            yield
    except ConfigError as error:
        raise invalid_argument(f"Invalid{thing}", str(error)) from error
