"""The official schemas read as what they are, XML Schema 1.1: a second opinion beside the device's own validator."""

from __future__ import annotations

import warnings
from functools import cache

import xmlschema
from lxml import etree

from onvif_server.soap import names
from onvif_server.soap.schema import _XSD_FILES, FOLDER, WSDL_FILES


@cache
def load_schema_11() -> xmlschema.XMLSchema11:
    """All of the set as published, loaded once a process; some seconds."""
    files = {**_XSD_FILES, names.SCHEMA: "ver10/schema/onvif.xsd"}
    imports = "".join(
        f'<xs:import namespace="{namespace}" schemaLocation="{(FOLDER / file).as_uri()}"/>'
        for namespace, file in files.items()
    )
    schema = xmlschema.XMLSchema11(
        f'<xs:schema xmlns:xs="{names.XS}">{imports}</xs:schema>', allow="local", build=False
    )
    for namespace, file in WSDL_FILES.items():
        found = etree.parse(FOLDER / file).getroot().find(f".//{names.tag(names.XS, 'schema')}")
        text = etree.tostring(found).decode()
        schema.add_schema(text, namespace=namespace, base_url=str((FOLDER / file).parent))
    schema.add_schema(str(FOLDER / "ver10/schema/metadatastream.xsd"), namespace=names.SCHEMA)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", xmlschema.XMLSchemaTypeTableWarning)
        schema.build()
    return schema


def reasons(envelope: etree._Element) -> list[str]:
    """Why an envelope, or what its header and body hold, is not valid; empty if it is."""
    schema = load_schema_11()
    # The envelope's own schema is lax about its content: what is in there must be known.
    parts = [envelope, *(_alone(element) for part in envelope for element in part if element.tag not in _LAX)]
    unknown = [f"{part.tag} is not known" for part in parts if part.tag not in schema.maps.elements]
    found = [error for part in parts if part.tag in schema.maps.elements for error in schema.iter_errors(part)]
    return unknown + [f"{error.path}: {error.reason}" for error in found]


def _alone(element: etree._Element) -> etree._Element:
    """The element as a document, with the prefixes that were declared around it."""
    return etree.fromstring(etree.tostring(element, with_tail=False))


_LAX = {names.tag(names.SECURITY, "Security")}
