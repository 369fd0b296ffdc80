"""Carries out SetVideoAnalyticsConfiguration: the modules of a channel, all at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lxml import etree

from onvif_server.analytics.configs import Config, ConfigError, read_configs
from onvif_server.analytics.modules import MODULE_TYPE, ModuleMemory, read_module
from onvif_server.analytics.rules import changed_rule, type_name, write_rule
from onvif_server.backend import Analytics, Backend, Module, Rule
from onvif_server.soap import names
from onvif_server.soap.faults import Fault, invalid_argument


def _tag(name: str) -> str:
    return names.tag(names.SCHEMA, name)


class AnalyticsSetting:
    """Puts the modules of a request in the place of a channel's. The rules must be those that there are.

    Rules are the host's: they are made and changed one by one, with the analytics service, so that each is done wholly
    or not at all.
    """

    def __init__(self, backend: Backend, modules: ModuleMemory) -> None:
        self._backend = backend
        self._modules = modules

    async def apply(self, channel: str, configuration: etree._Element) -> None:
        """Takes over a tt:VideoAnalyticsConfiguration as it came. Raises Fault (ter:ConfigModify), OSError."""
        analytics = self._backend.analytics(channel)
        if analytics is None:
            raise Fault("ActionNotSupported", reason="the channel has no analytics", sender=False)
        with _faults():
            self._insist_on_rules(configuration, analytics)
            modules = self._wanted(configuration, channel, analytics)
        if modules != self._modules.of(channel):
            await self._modules.set(channel, modules)

    def _wanted(self, configuration: etree._Element, channel: str, analytics: Analytics) -> tuple[Module, ...]:
        present = {one.name: one for one in self._modules.of(channel)}
        found: dict[str, Module] = {}
        for config in _configs(configuration, "AnalyticsEngineConfiguration", "AnalyticsModule"):
            if config.name in found:
                raise ConfigError(f"the module {config.name} is there twice")
            if config.type != MODULE_TYPE:
                raise ConfigError(f"there are no modules of the type {config.type}")
            found[config.name] = read_module(present.get(config.name), config, analytics.object_classes)
        if len(found) > ModuleMemory.MAXIMUM:
            raise ConfigError(f"there are {ModuleMemory.MAXIMUM} modules at most")
        return tuple(found.values())

    @staticmethod
    def _insist_on_rules(configuration: etree._Element, analytics: Analytics) -> None:
        present = {rule.name: rule for rule in analytics.rules()}
        configs = {config.name: config for config in _configs(configuration, "RuleEngineConfiguration", "Rule")}
        same = configs.keys() == present.keys() and all(
            _is_unchanged(present[name], config, analytics) for name, config in configs.items()
        )
        if not same:
            raise ConfigError("rules are made and changed with the analytics service")


def _configs(configuration: etree._Element, part: str, tag: str) -> Iterator[Config]:
    for holder in configuration.iterfind(_tag(part)):
        yield from read_configs(holder, _tag(tag))


def _is_unchanged(rule: Rule, config: Config, analytics: Analytics) -> bool:
    if config.type != type_name(rule.kind):
        return False
    # What a client read and sends back has been rounded on the way.
    return _text(changed_rule(rule, config, analytics.limits)) == _text(rule)


def _text(rule: Rule) -> dict[str, str | bytes]:
    parameters = write_rule(rule).parameters.items()
    return {name: value if isinstance(value, str) else etree.tostring(value) for name, value in parameters}


@contextmanager
def _faults() -> Iterator[None]:
    try:
        yield
    except ConfigError as error:
        raise invalid_argument("ConfigModify", str(error)) from error
