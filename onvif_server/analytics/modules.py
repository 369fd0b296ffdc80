"""The analytics modules: each tells the objects that it is set to find, in frames of its own of the metadata."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from typing import Any, ClassVar, Final

from lxml import etree

from onvif_server.analytics import shapes
from onvif_server.analytics.configs import Config, ConfigError
from onvif_server.backend import Analytics, Memory, Module
from onvif_server.soap import names

_LOGGER = logging.getLogger(__name__)

MODULE_TYPE: Final = names.tag(names.MODULES, "ObjectDetector")
_MAXIMUM_NAME: Final = 64
_KEY: Final = "analytics-modules"


class ModuleMemory:
    """The modules of each channel, kept in the device's memory. A channel begins with one that tells everything.

    What is kept but cannot be read is logged, and the beginning holds.
    """

    MAXIMUM: ClassVar = 4
    FIRST: ClassVar = Module(name="ObjectDetector")

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._modules = _loaded(memory)

    def reload(self) -> None:
        """Goes back to what the memory holds."""
        self._modules = _loaded(self._memory)

    def of(self, channel: str) -> tuple[Module, ...]:
        """The modules of a channel."""
        return self._modules.get(channel, (self.FIRST,))

    async def set(self, channel: str, modules: Sequence[Module]) -> None:
        """Puts these in the place of a channel's modules. Raises OSError if they cannot be kept; nothing changed."""
        changed = self._modules | {channel: tuple(modules)}
        text = json.dumps({name: [asdict(one) for one in found] for name, found in changed.items()})
        await self._memory.write(_KEY, text)
        self._modules = changed


def _loaded(memory: Memory) -> dict[str, tuple[Module, ...]]:
    try:
        kept = json.loads(memory.read(_KEY) or "{}")
        return {channel: tuple(_module(one) for one in found) for channel, found in kept.items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        _LOGGER.warning("what is kept of analytics modules cannot be used: %s", error)
        return {}


def _module(kept: dict[str, Any]) -> Module:
    classes = tuple(str(one) for one in kept["classes"])
    return Module(name=str(kept["name"]), classes=classes, confidence=float(kept["confidence"]))


def write_module(module: Module) -> Config:
    """A module as its configuration."""
    parameters = {
        "ClassFilter": " ".join(module.classes),
        "ConfidenceLevel": shapes.write_number(module.confidence),
    }
    return Config(module.name, MODULE_TYPE, parameters)


def read_module(base: Module | None, config: Config, classes: Sequence[str]) -> Module:
    """The module that a client describes; what it leaves out is as in `base`, or by default. Raises ConfigError."""
    if config.type != MODULE_TYPE:
        raise ConfigError(f"there are no modules of the type {config.type}")
    if not 0 < len(config.name) <= _MAXIMUM_NAME or set(config.name) & set("/#+"):
        # The name is a part of MQTT topics.
        raise ConfigError(f"a module's name has 1 to {_MAXIMUM_NAME} characters, none of them /, # or +")
    module = base or Module(name=config.name)
    for name, value in config.parameters.items():
        if name == "ClassFilter":
            module = replace(module, classes=shapes.read_words(value, name, classes))
        elif name == "ConfidenceLevel":
            module = replace(module, confidence=shapes.read_number(value, name, 0, 1))
        else:
            raise ConfigError(f"the module has no parameter {name}")
    return module


def module_options(analytics: Analytics) -> Iterator[tuple[str, etree._Element]]:
    """What the parameters can be, by their names."""
    yield "ClassFilter", shapes.element("StringList", text=" ".join(analytics.object_classes))
    bounds = (shapes.element("Min", text="0"), shapes.element("Max", text="1"))
    yield "ConfidenceLevel", shapes.element("FloatRange", *bounds)
