"""The settings of a picture as tt:ImagingSettings20 and tt:ImagingOptions20, by one table, in both directions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from lxml import etree

from onvif_server.backend import Choice, ImagingSettings, Number
from onvif_server.imaging_table import TABLE, Path, Row
from onvif_server.soap import names
from onvif_server.soap.faults import Fault, invalid_argument
from onvif_server.soap.operations import Values

_BY_PATH: Final = {row.path: row for row in TABLE}
_BY_FIELD: Final = {row.field: row for row in TABLE}
_DEFOGGING_FLAG: Final = _BY_FIELD["defogging_level"].option


def settings_values(settings: ImagingSettings, options: Sequence[Number | Choice]) -> Values:
    """The tt:ImagingSettings20 of everything that can be set."""
    offered = {option.field for option in options}
    values: Values = {}
    for row in TABLE:
        value = getattr(settings, row.field)
        if row.field in offered and value is not None:
            _put(values, row.path, value)
    for row in TABLE:
        group = _group(values, row.path)
        if row.otherwise is not None and group is not None:
            group.setdefault(row.path[-1], row.otherwise)
    return values


def options_values(options: Sequence[Number | Choice]) -> Values:
    """The tt:ImagingOptions20."""
    values: Values = {}
    for option in options:
        row = _BY_FIELD[option.field]
        if row.flag:
            _put(values, row.option, True)
        elif isinstance(option, Number):
            _put(values, row.option, {"Min": option.range.minimum, "Max": option.range.maximum})
        else:
            _put(values, row.option, list(option.words))
    for row in TABLE:
        group = _group(values, row.option)
        if row.otherwise is not None and group is not None:
            group.setdefault(row.option[-1], [row.otherwise])
    defogging = _group(values, _DEFOGGING_FLAG)
    if defogging is not None:
        defogging.setdefault("Level", False)  # the schema demands it
    return values


def read_settings(asked: etree._Element, options: Sequence[Number | Choice]) -> ImagingSettings:
    """What a tt:ImagingSettings20 asks for. Raises Fault (ter:SettingsInvalid) for what is not among the options."""
    offered = {option.field: option for option in options}
    found: dict[str, Any] = {}
    for path, text in _leaves(asked, ()):
        row = _BY_PATH.get(path)
        option = None if row is None else offered.get(row.field)
        if row is not None and option is not None:
            found[row.field] = _value(row, option, text)
        elif row is None or row.otherwise is None or text != row.otherwise:
            raise _invalid(f"{'/'.join(path)} cannot be set")
    return ImagingSettings(**found)


def _invalid(reason: str) -> Fault:
    return invalid_argument("SettingsInvalid", reason)


def _value(row: Row, option: Number | Choice, text: str) -> float | str:
    if isinstance(option, Choice):
        if text not in option.words:
            raise _invalid(f"{'/'.join(row.path)} is one of {', '.join(option.words)}")
        return text
    number = float(text)
    if not option.range.minimum <= number <= option.range.maximum:  # false for what is not a number, too
        raise _invalid(f"{'/'.join(row.path)} is {option.range.minimum:g} to {option.range.maximum:g}")
    return number


def _leaves(element: etree._Element, path: Path) -> Iterable[tuple[Path, str]]:
    """The settings in an element: path and text. What is not of ONVIF's schema is somebody's private addition."""
    for attribute in element.attrib:
        if not str(attribute).startswith("{"):  # those with a namespace are XML Schema's own, or private too
            yield (*path, str(attribute)), ""
    for child in element:
        if not isinstance(child.tag, str) or etree.QName(child).namespace != names.SCHEMA:
            continue
        below = (*path, etree.QName(child).localname)
        if len(child) or not (child.text or "").strip():
            yield from _leaves(child, below)
        else:
            yield below, (child.text or "").strip()


def _put(values: Values, path: Path, value: Any) -> None:
    for name in path[:-1]:
        values = values.setdefault(name, {})
    values[path[-1]] = value


def _group(values: Values, path: Path) -> Values | None:
    """The values beside the last name of a path; None where the group is not there."""
    group: Any = values
    for name in path[:-1]:
        group = group.get(name)
        if group is None:
            return None
    return group if len(path) > 1 else None
