"""The official WSDL and XSD set: typed requests and responses (zeep), and validation (lxml).

The files in `wsdl/` are byte for byte as published; what must differ differs in memory only.
"""

from __future__ import annotations

import copy
import io
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

from lxml import etree
from zeep.settings import Settings
from zeep.transports import Transport
from zeep.wsdl import Document

from onvif_server.soap import names
from onvif_server.soap.extensions import Extensions

FOLDER: Final = Path(__file__).parents[1] / "wsdl"

WSDL_FILES: Final = {
    names.DEVICE: "ver10/device/wsdl/devicemgmt.wsdl",
    names.MEDIA: "ver10/media/wsdl/media.wsdl",
    names.MEDIA2: "ver20/media/wsdl/media.wsdl",
    names.PTZ: "ver20/ptz/wsdl/ptz.wsdl",
    names.EVENTS: "ver10/events/wsdl/event.wsdl",
    names.IMAGING: "ver20/imaging/wsdl/imaging.wsdl",
    names.DEVICE_IO: "ver10/deviceio.wsdl",
    names.ANALYTICS: "ver20/analytics/wsdl/analytics.wsdl",
}
_IMPORTED_WSDL_FILES: Final = ("schema/common/bw-2.wsdl", "schema/common/rw-2.wsdl")
_XSD_FILES: Final = {
    names.NOTIFICATION: "schema/common/b-2.xsd",
    names.TOPIC: "schema/common/t-1.xsd",
    names.RESOURCE: "schema/common/r-2.xsd",
    names.ENVELOPE: "schema/common/soap-envelope",
    names.ADDRESSING: "schema/common/ws-addr.xsd",
    names.ANALYTICS_TYPES: "ver20/analytics/rules.xsd",
}
_SCHEME: Final = "onvif:///"
_COMMON_FILES: Final = ("ver10/schema/onvif.xsd", "ver10/schema/metadatastream.xsd")
_ALL_FILES: Final = ("ver10/schema/common.xsd", *_COMMON_FILES, *_XSD_FILES.values(), *WSDL_FILES.values())

# zeep logs a stack trace for each attribute it cannot read; such requests have been refused before they reach it.
logging.getLogger("zeep.xsd.elements.attribute").setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation of the WSDL set: its names, zeep's elements, and the WS-Addressing action of the response."""

    name: str
    request_tag: str
    request: Any
    response: Any
    response_action: str


class Schemas:
    """The loaded set. Make it with `load_schemas`: it takes a fifth of a second and serves all devices."""

    def __init__(self) -> None:
        document = _load_document()
        actions = _response_actions()
        self._types = document.types
        self._validator = _load_validator()
        self._extensions = Extensions(_schema(file) for file in _ALL_FILES)
        self._operations: dict[str, Operation] = {}
        self._rendered: dict[str, tuple[object, etree._Element]] = {}
        for definitions in document._definitions.values():  # noqa: SLF001 - zeep offers only those of the root
            for binding in definitions.bindings.values():
                port = str(binding.port_type.name)
                for operation in binding.all().values():
                    if operation.output is not None:  # a notification to us has none
                        found = Operation(
                            operation.name,
                            str(operation.input.body.qname),
                            operation.input.body,
                            operation.output.body,
                            actions[port, operation.name],
                        )
                        self._operations.setdefault(found.request_tag, found)

    def operation(self, request_tag: str) -> Operation | None:
        """The operation whose request has this tag; None if the standard has none."""
        return self._operations.get(request_tag)

    def parse(self, operation: Operation, request: etree._Element) -> Any:
        """The request as zeep's value; it must be valid. An empty element in a list of texts is an empty text."""
        value = operation.request.parse(request, self._types)
        for name, parts in getattr(value, "__values__", {}).items():
            if isinstance(parts, list) and any(part is None for part in parts):
                value[name] = ["" if part is None else part for part in parts]
        return value

    def render(self, operation: Operation, values: dict[str, Any], parent: etree._Element) -> None:
        """Appends the response, built from nested values, to `parent`. Raises TypeError for names that are not."""
        # Clients ask for the same again and again, and a copy costs a tenth of what zeep takes.
        key = _frozen(values)
        last = self._rendered.get(operation.request_tag)
        if key is not None and last is not None and last[0] == key:
            parent.append(copy.deepcopy(last[1]))
            return
        self.render_element(operation.response, values, parent)
        if key is not None:
            self._rendered[operation.request_tag] = key, copy.deepcopy(parent[-1])

    def render_element(self, element: Any, values: dict[str, Any], parent: etree._Element) -> None:
        """Appends one zeep element, built from nested values, to `parent`."""
        element.render(parent, element(**values))

    def element(self, tag: str) -> Any:
        """A global element of the set as zeep's type."""
        return self._types.get_element(tag)

    def request_invalidity(self, request: etree._Element) -> str | None:
        """Why a request is not valid; None if it is, or can be taken for it.

        Where the schemas are open to what they do not know, the request loses such elements.
        """
        invalidity = self.invalidity(request)
        if invalidity is None or not self._extensions.drop(request):
            return invalidity
        return self.invalidity(request)

    def invalidity(self, element: etree._Element) -> str | None:
        """Why the element is not valid against the set; None if it is."""
        if self._validator.validate(element):
            return None
        errors: Any = self._validator.error_log
        return str(errors[0].message)


_PLAIN: Final = (str, bool, int, float, type(None), timedelta)


def _frozen(value: object) -> object:
    """What tells whether two values are rendered alike; None for those of which that cannot be told."""
    kind = type(value)
    if kind in _PLAIN:
        return kind, value
    parts: list[object]
    if isinstance(value, dict):
        parts = [(name, _frozen(part)) for name, part in value.items()]
        unknown = any(part is None for _, part in cast("list[tuple[object, object]]", parts))
    elif isinstance(value, list | tuple):
        parts = [_frozen(part) for part in value]
        unknown = any(part is None for part in parts)
    elif isinstance(value, etree._Element):  # noqa: SLF001 - lxml has no public name for it
        return kind, etree.tostring(value)
    else:
        return None
    return None if unknown else (kind, parts)


@cache
def load_schemas() -> Schemas:
    """The schema set, loaded once a process."""
    return Schemas()


class _NoNetwork(Transport):
    def load(self, url: str) -> bytes:
        path = Path(url).resolve()
        if not path.is_relative_to(FOLDER.resolve()):
            raise LookupError(f"the schema set refers to {url}, which is not part of it")
        return path.read_bytes()


def _load_document() -> Any:
    root = etree.Element(names.tag(names.WSDL, "definitions"), targetNamespace="urn:onvif_server")
    for namespace, file in WSDL_FILES.items():
        etree.SubElement(root, names.tag(names.WSDL, "import"), namespace=namespace, location=str(FOLDER / file))
    # zeep's annotations are wrong here and there.
    make: Any = Document
    transport: Any = _NoNetwork
    return make(io.BytesIO(etree.tostring(root)), transport(), base=f"{FOLDER}/", settings=Settings(strict=True))


def _response_actions() -> dict[tuple[str, str], str]:
    """(Port type, operation) to the action of its response, as the WSDL says or by the default of WS-Addressing."""
    actions: dict[tuple[str, str], str] = {}
    for file in (*WSDL_FILES.values(), *_IMPORTED_WSDL_FILES):
        root = etree.parse(FOLDER / file).getroot()
        namespace = root.get("targetNamespace", "")
        for port in root.iter(names.tag(names.WSDL, "portType")):
            for operation in port.iterfind(names.tag(names.WSDL, "operation")):
                name = operation.get("name", "")
                output = operation.find(names.tag(names.WSDL, "output"))
                declared = None if output is None else output.get(names.tag(names.WSDL_ADDRESSING, "Action"))
                default = f"{namespace}/{port.get('name')}/{name}Response"
                actions[names.tag(namespace, port.get("name", "")), name] = declared or default
    return actions


# lxml reads XSD 1.0, the set is XSD 1.1: there an element wins over a wildcard beside it, in 1.0 the two clash. The
# validator therefore sees those wildcards taken away, which makes it stricter, never laxer.


def _schema(file: str) -> etree._Element:
    """The xs:schema in a file of the set."""
    root = etree.parse(FOLDER / file).getroot()
    found = root.find(f".//{names.tag(names.XS, 'schema')}") if file.endswith(".wsdl") else root
    if found is None:
        raise LookupError(f"{file} holds no schema")
    return found


class _InMemory(etree.Resolver):
    def resolve(self, system_url: str, public_id: str, context: Any = None) -> Any:
        root = _schema(system_url.removeprefix(_SCHEME))
        for wildcard in tuple(_clashing_wildcards(root)):
            parent = wildcard.getparent()
            if parent is not None:
                parent.remove(wildcard)
        return cast("Any", self).resolve_string(etree.tostring(root), context, base_url=system_url)


def _clashing_wildcards(root: etree._Element) -> Iterator[etree._Element]:
    complex_type = names.tag(names.XS, "complexType")
    for wildcard in root.iter(names.tag(names.XS, "any")):
        owner = next(wildcard.iterancestors(complex_type))
        beside = (
            next(e.iterancestors(complex_type), None) is owner for e in owner.iter(names.tag(names.XS, "element"))
        )
        if wildcard.get("namespace", "##any") in ("##any", "##targetNamespace") and any(beside):
            yield wildcard


def _load_validator() -> etree.XMLSchema:
    root = etree.Element(names.tag(names.XS, "schema"), targetNamespace=names.SCHEMA, elementFormDefault="qualified")
    # One schema a namespace is all that lxml takes, and two files make up this one.
    for file in _COMMON_FILES:
        etree.SubElement(root, names.tag(names.XS, "include"), schemaLocation=f"{_SCHEME}{file}")
    for namespace, file in (_XSD_FILES | WSDL_FILES).items():
        location = f"{_SCHEME}{file}"
        etree.SubElement(root, names.tag(names.XS, "import"), namespace=namespace, schemaLocation=location)
    parser = etree.XMLParser(no_network=True)
    parser.resolvers.add(_InMemory())
    return etree.XMLSchema(etree.fromstring(etree.tostring(root), parser, base_url=f"{_SCHEME}all.xsd"))
