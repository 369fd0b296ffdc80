"""`tt:Config`: the form in which rules and modules travel, a name, a type and a list of parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from lxml import etree

from onvif_server.soap import names
from onvif_server.soap.operations import Values

type Parameter = str | etree._Element  # noqa: SLF001 - lxml has no public name for it
"""A simple item's text, or what is inside an element item."""


class ConfigError(ValueError):
    """A configuration that cannot be; the message tells the client why."""


@dataclass(frozen=True, slots=True)
class Config:
    """A configuration as it came: `type` is the full name (`{namespace}name`)."""

    name: str
    type: str
    parameters: Mapping[str, Parameter] = field(default_factory=dict)


def resolve(element: etree._Element, qname: str) -> str:
    """The full name of a QName that stands in a text or attribute, by the prefixes in force there."""
    prefix, colon, local = qname.strip().rpartition(":")
    namespace = element.nsmap.get(prefix if colon else None)
    return names.tag(namespace, local) if namespace else local


def written(full_name: str) -> str:
    """The QName with our own prefix."""
    found = etree.QName(full_name)
    prefix = next(prefix for prefix, namespace in names.PREFIXES.items() if namespace == found.namespace)
    return f"{prefix}:{found.localname}"


def read_configs(message: etree._Element, tag: str) -> Iterator[Config]:
    """The configurations in a request (valid against the schema). Raises ConfigError for an item given twice."""
    for element in message.iterfind(tag):
        found: dict[str, Parameter] = {}
        for item in element.iterfind(f"{names.tag(names.SCHEMA, 'Parameters')}/*"):
            name = item.get("Name")
            if name is None:  # an extension
                continue
            if name in found:
                raise ConfigError(f"the parameter {name} is there twice")
            value = item.get("Value")
            if value is None and len(item) == 0:
                raise ConfigError(f"the parameter {name} has no value")
            found[name] = item[0] if value is None else value.strip()
        yield Config(element.get("Name", "").strip(), resolve(element, element.get("Type", "")), found)


def config_values(config: Config) -> Values:
    """The tt:Config as values of a response."""
    simple = [{"Name": name, "Value": one} for name, one in config.parameters.items() if isinstance(one, str)]
    complex_ = [{"Name": name, "_value_1": one} for name, one in config.parameters.items() if not isinstance(one, str)]
    parameters: Values = {}
    if simple:
        parameters["SimpleItem"] = simple
    if complex_:
        parameters["ElementItem"] = complex_
    return {"Name": config.name, "Type": written(config.type), "Parameters": parameters}
