"""From a site file to a `Site`: schema, defaults, references, with a message for every mistake."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import voluptuous as vol

from engine.config.document import Document, KeyPath, Problem, SiteFileError, read_document, read_secrets
from engine.config.schema import (
    AnalysisConfig,
    ApiConfig,
    CameraConfig,
    ChannelConfig,
    LinkConfig,
    OnvifConfig,
    PointPair,
    RelayConfig,
    RuleConfig,
    Site,
    StorageConfig,
    VisionConfig,
)
from engine.config.validators import SITE_SCHEMA
from engine.core.events import RuleKind
from engine.core.geodesy import GeoPoint, Mounting
from engine.core.geometry import Point, Pose
from engine.core.values import TargetType
from engine.core.zoom import ZoomCurve

__all__ = ["SiteFileError", "load_site"]

HIGHEST_PORT = 65535


def load_site(file: Path, text: str | None = None) -> Site:
    """Reads and checks a site file, and the `secrets.yaml` beside it. With `text`, that is taken for what it holds.

    Raises SiteFileError that names every problem with file, line, path, and what was expected.
    """
    document = read_document(file, read_secrets(file.with_name("secrets.yaml")), text)
    try:
        values = SITE_SCHEMA(document.values)
    except vol.MultipleInvalid as error:
        raise SiteFileError(file, [_problem(document, one) for one in error.errors]) from error
    broken = (*_broken_references(values), *_unusable_files(values, file.resolve().parent))
    problems = [Problem(message, document.line_of(path), path) for path, message in broken]
    if problems:
        raise SiteFileError(file, problems)
    return _site(values, file)


def _problem(document: Document, error: vol.Invalid) -> Problem:
    path = tuple(part if isinstance(part, int) else str(part) for part in error.path)
    message = error.error_message
    for unknown in ("extra keys not allowed", "not a valid option"):
        if message.startswith(unknown):
            return Problem(f"unknown key '{path[-1]}'{message.removeprefix(unknown)}", document.line_of(path), path)
    if message == "required key not provided":
        message = "is missing"
    else:
        message = f"{message}; found {_shown(document.values, path)}"
    return Problem(message, document.line_of(path), path)


def _shown(values: Any, path: KeyPath) -> str:
    """What stands at a path, short, and never a secret."""
    if any(part == "password" for part in path):
        return "something else"
    try:
        for part in path:
            values = values[part]
    except (KeyError, IndexError, TypeError):
        return "nothing"
    if isinstance(values, dict | list):
        return "a list" if isinstance(values, list) else "a group of keys"
    return "nothing" if values is None else repr(values)[:80]


def _broken_references(values: dict[str, Any]) -> Iterable[tuple[KeyPath, str]]:
    """Everything that the schema cannot see: ids used twice, and ids that name nothing."""
    yield from _half_tls("api", values["api"])
    yield from _half_tls("relay", values["relay"])
    yield from _missing_ports(values)
    for section in ("cameras", "links", "rules"):
        yield from _repeated(section, values[section])
    roles: dict[str, str] = {}
    yield from _broken_channels(values["cameras"], roles)
    for i, link in enumerate(values["links"]):
        for role in ("overview", "ptz"):
            if roles.get(link[role]) != role:
                known = _listed(c for c, r in roles.items() if r == role)
                yield ("links", i, role), f"'{link[role]}' is no channel with the role '{role}' (there are: {known})"
    links = [link["id"] for link in values["links"]]
    for i, rule in enumerate(values["rules"]):
        if rule["channel"] not in roles:
            yield ("rules", i, "channel"), f"there is no channel '{rule['channel']}' (there are: {_listed(roles)})"
        if rule["link"] is not None and rule["link"] not in links:
            yield ("rules", i, "link"), f"there is no link '{rule['link']}' (there are: {_listed(links)})"
        for key, message in _missing_of_rule(rule):
            yield ("rules", i, key), message


def _missing_of_rule(rule: dict[str, Any]) -> Iterable[tuple[str, str]]:
    """What a rule of its type needs and has not."""
    kind = RuleKind(rule["type"])
    name, minimum = ("line", 2) if kind.has_line else ("region", 3)
    if rule[name] is None and not kind.whole_picture:
        yield name, f"a rule of type '{kind}' needs a {name} of at least {minimum} points"
    if kind is RuleKind.LOITERING and not rule["min_seconds"]:
        yield "min_seconds", f"a rule of type '{kind}' needs a time above 0"
    if rule["link"] is not None and not kind.sends:
        yield "link", f"a rule of type '{kind}' cannot send a link: it knows no target"


def _half_tls(section: str, values: dict[str, Any]) -> Iterable[tuple[KeyPath, str]]:
    """A certificate without its key (or the other way round) must not end in an API without TLS."""
    names = ("tls_certificate", "tls_key")
    missing = [name for name in names if values[name] is None]
    if len(missing) == 1:
        yield (section, missing[0]), "is missing: tls_certificate and tls_key go together"


def _unusable_files(values: dict[str, Any], folder: Path) -> Iterable[tuple[KeyPath, str]]:
    """Files that would be missed much later only, when a client names a broker."""
    authorities = values["onvif"]["broker_ca"]
    if authorities is None:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(folder / authorities)
    except ssl.SSLError:
        yield ("onvif", "broker_ca"), f"{authorities!r} holds no certificates: expected a PEM file of authorities"
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        yield (
            ("onvif", "broker_ca"),
            f"{authorities!r} cannot be read ({why}): expected the path of a PEM file, as seen from the site file",
        )


def _missing_ports(values: dict[str, Any]) -> Iterable[tuple[KeyPath, str]]:
    """A device for each channel takes a port each, and RTSPS one after the relay's."""
    if values["relay"]["port"] == HIGHEST_PORT and values["relay"]["secure_port"] is None:
        yield ("relay", "secure_port"), f"is missing: there is no port after {HIGHEST_PORT}"
    count = sum(len(camera["channels"]) for camera in values["cameras"])
    port = values["onvif"]["port"]
    if values["onvif"]["devices"] == "per_channel" and port + count - 1 > HIGHEST_PORT:
        yield (
            ("onvif", "port"),
            f"with a device for each of {count} channels, expected at most {HIGHEST_PORT - count + 1}",
        )


def _broken_channels(cameras: list[dict[str, Any]], roles: dict[str, str]) -> Iterable[tuple[KeyPath, str]]:
    """Checks the channels of all cameras, and notes each one's role."""
    for i, camera in enumerate(cameras):
        for j, channel in enumerate(camera["channels"]):
            if channel["role"] == "ptz" and camera["driver"] != "onvif":
                yield ("cameras", i, "driver"), "only an 'onvif' camera can have a channel with the role 'ptz'"
            if channel["id"] in roles:
                yield ("cameras", i, "channels", j, "id"), f"the channel id '{channel['id']}' is used twice"
            roles[channel["id"]] = channel["role"]


def _repeated(section: str, entries: list[dict[str, Any]]) -> Iterable[tuple[KeyPath, str]]:
    seen: set[str] = set()
    for i, entry in enumerate(entries):
        if entry["id"] in seen:
            yield (section, i, "id"), f"the id '{entry['id']}' is used twice"
        seen.add(entry["id"])


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"


def _relay(values: dict[str, Any], folder: Path) -> RelayConfig:
    port, secure_port = values["port"], values["secure_port"]
    return RelayConfig(
        values["host"],
        port,
        # Where any free port will do, it does for both.
        secure_port if secure_port is not None else port and port + 1,
        _optional(values["tls_certificate"], lambda path: folder / path),
        _optional(values["tls_key"], lambda path: folder / path),
    )


def _site(values: dict[str, Any], file: Path) -> Site:
    folder = file.resolve().parent
    api = values["api"]
    return Site(
        file=file.absolute(),
        name=values["name"],
        data_dir=folder / values["data"],
        api=ApiConfig(
            api["host"],
            api["port"],
            _optional(api["tls_certificate"], lambda path: folder / path),
            _optional(api["tls_key"], lambda path: folder / path),
        ),
        relay=_relay(values["relay"], folder),
        onvif=OnvifConfig(
            **values["onvif"] | {"broker_ca": _optional(values["onvif"]["broker_ca"], lambda path: folder / path)}
        ),
        vision=VisionConfig(
            values["vision"]["model"],
            tuple(values["vision"]["providers"]),
            values["vision"]["confidence"],
            values["vision"]["threads"],
        ),
        storage=StorageConfig(**values["storage"]),
        cameras=tuple(_camera(camera, folder) for camera in values["cameras"]),
        links=tuple(_link(link) for link in values["links"]),
        rules=tuple(_rule(rule) for rule in values["rules"]),
    )


def _optional[T](value: T | None, convert: Callable[[T], Any]) -> Any:
    return None if value is None else convert(value)


def _camera(values: dict[str, Any], folder: Path) -> CameraConfig:
    address = values["address"]
    if values["driver"] == "file":
        address = str(folder / address)
    return CameraConfig(
        camera_id=values["id"],
        name=values["name"] or values["id"],
        driver=values["driver"],
        address=address,
        username=values["username"],
        password=values["password"],
        channels=tuple(_channel(channel) for channel in values["channels"]),
    )


def _channel(values: dict[str, Any]) -> ChannelConfig:
    tiles_x, tiles_y = values["analysis"]["tiles"]
    home = values["home"]
    return ChannelConfig(
        channel_id=values["id"],
        name=values["name"] or values["id"],
        role=values["role"],
        stream=values["stream"],
        projection=values["projection"],
        hfov_deg=values["hfov_deg"],
        analysis=AnalysisConfig(values["analysis"]["fps"], values["analysis"]["width"], tiles_x, tiles_y),
        latency_s=values["latency_s"],
        zoom_curve=ZoomCurve(tuple((zoom, fov) for zoom, fov in values["zoom_curve"])),
        pan_range_deg=values["pan_range_deg"],
        tilt_range_deg=values["tilt_range_deg"],
        pan_speed_dps=values["pan_speed_dps"],
        tilt_speed_dps=values["tilt_speed_dps"],
        ramp_s=values["ramp_s"],
        command_delay_s=values["command_delay_s"],
        report_delay_s=values["report_delay_s"],
        home=None if home is None else Pose(home["pan_deg"], home["tilt_deg"], home["hfov_deg"]),
        mounting=_optional(values["mounting"], _mounting),
    )


def _mounting(values: dict[str, Any]) -> Mounting:
    place = GeoPoint(values["latitude_deg"], values["longitude_deg"], values["height_m"])
    return Mounting(place, values["heading_deg"])


def _link(values: dict[str, Any]) -> LinkConfig:
    return LinkConfig(
        link_id=values["id"],
        name=values["name"] or values["id"],
        overview=values["overview"],
        ptz=values["ptz"],
        pairs=tuple(PointPair(p["x"], p["y"], p["pan_deg"], p["tilt_deg"]) for p in values["pairs"]),
        capture_ratio=values["capture_ratio"],
        vertical_offset=values["vertical_offset"],
        dwell_s=values["dwell_s"],
        max_tracking_s=values["max_tracking_s"],
        follow_after_s=values["follow_after_s"],
    )


def _rule(values: dict[str, Any]) -> RuleConfig:
    kind = RuleKind(values["type"])
    points = values["line" if kind.has_line else "region"] or ()
    return RuleConfig(
        rule_id=values["id"],
        name=values["name"] or values["id"],
        kind=kind,
        channel=values["channel"],
        points=tuple(Point(x, y) for x, y in points),
        direction=values["direction"],
        min_seconds=values["min_seconds"],
        targets=tuple(TargetType(target) for target in values["targets"]),
        link=values["link"],
        priority=values["priority"],
        confidence=values["confidence"],
        sensitivity=values["sensitivity"],
        armed=values["armed"],
    )
