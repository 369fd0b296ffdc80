"""Makes cameras of settings, and reports what a camera can do (`smart-ptz check`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from engine.cameras.errors import CameraError
from engine.cameras.extras import Extras, ImagingAbilities
from engine.cameras.onvif_camera import OnvifCamera
from engine.cameras.protocols import Camera, CameraInformation, Channel, ChannelCapabilities, MotorCapabilities
from engine.cameras.streams import FileCamera, RtspCamera
from engine.config.schema import CameraConfig
from engine.core.clock import Clock, SystemClock


def make_camera(config: CameraConfig, clock: Clock) -> Camera:
    """The camera that the settings describe, not yet connected. Raises CameraFault for a bad address."""
    if config.driver == "onvif":
        return OnvifCamera(config, clock)
    return RtspCamera(config) if config.driver == "rtsp" else FileCamera(config)


@dataclass(frozen=True, slots=True)
class ChannelReport:
    """What was found out about one channel. `stream_url` carries no credentials."""

    channel: Channel
    capabilities: ChannelCapabilities
    stream_url: str
    extras: Extras = field(default_factory=Extras)


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraReport:
    """What was found out about one camera; `error` says why no more was."""

    name: str
    driver: str
    address: str
    error: str | None = None
    information: CameraInformation = field(default_factory=CameraInformation)
    channels: tuple[ChannelReport, ...] = ()
    events: bool = False
    clock_offset_s: float | None = None


async def probe(config: CameraConfig, clock: Clock | None = None) -> CameraReport:
    """Connects to the camera once and asks it about everything. Never raises CameraError: it is in the report."""
    address = config.address.rpartition("@")[2]
    try:
        camera = make_camera(config, clock or SystemClock())
    except CameraError as error:
        return CameraReport(name=config.name, driver=config.driver, address=address, error=str(error))
    try:
        await camera.connect()
        channels = [
            ChannelReport(
                one,
                await camera.capabilities(one.id),
                (await camera.stream_address(one.id)).url,
                camera.extras(one.id),
            )
            for one in camera.channels
        ]
    except CameraError as error:
        return CameraReport(
            name=config.name,
            driver=config.driver,
            address=address,
            error=str(error),
            information=camera.information,
        )
    finally:
        await camera.close()
    return CameraReport(
        name=config.name,
        driver=config.driver,
        address=camera.address,
        information=camera.information,
        channels=tuple(channels),
        events=camera.has_events,
        clock_offset_s=camera.clock_offset_s if isinstance(camera, OnvifCamera) else None,
    )


def report_lines(report: CameraReport) -> Iterator[str]:
    """The report as lines of text for a terminal."""
    about = report.information
    described = " ".join(part for part in (about.manufacturer, about.model, about.firmware) if part)
    yield f"{report.name} ({report.driver}, {report.address}){': ' + described if described else ''}"
    if report.error:
        yield f"  FAILED  {report.error}"
        return
    if report.clock_offset_s is not None:
        yield f"  clock     {report.clock_offset_s:+.1f} s from ours"
    yield f"  events    {_mark(report.events)}"
    if report.channels:
        yield from _camera_lines(report.channels[0].extras)
    for one in report.channels:
        yield from _channel_lines(one)


def _channel_lines(report: ChannelReport) -> Iterator[str]:
    channel, can = report.channel, report.capabilities
    size = f"{channel.size[0]}x{channel.size[1]}" if channel.size else "size unknown"
    rate = f" {channel.fps:g} fps" if channel.fps else ""
    yield f"  channel {channel.id}: {channel.codec or 'codec unknown'} {size}{rate}"
    yield f"    stream          {report.stream_url}"
    if len(channel.profiles) > 1:
        yield f"    profiles        {', '.join(channel.profiles)}"
    for name in ("snapshot", "audio"):
        yield f"    {name:<15} {_mark(getattr(can, name))}"
    yield from _picture_lines(report.extras)
    if report.extras.auxiliary_commands:
        yield f"    auxiliary       {', '.join(report.extras.auxiliary_commands)}"
    if can.motors is None:
        yield "    motors          no"
    else:
        yield from _motor_lines(can.motors)


def _camera_lines(extras: Extras) -> Iterator[str]:
    """What the camera has as a whole: each of its channels tells the same."""
    terminals = extras.terminals
    yield f"  relays    {_listed(one.token for one in terminals.relays)}"
    yield f"  inputs    {_listed(token for token, _ in terminals.inputs)}"
    if extras.device_auxiliary_commands:
        yield f"  auxiliary {', '.join(extras.device_auxiliary_commands)}"


def _picture_lines(extras: Extras) -> Iterator[str]:
    """What can be set of a channel's picture."""
    imaging = extras.imaging or ImagingAbilities()
    yield f"    imaging         {_listed(option.field for option in imaging.options)}"
    focus = imaging.focus
    moves = () if focus is None else (focus.absolute, focus.relative, focus.continuous_speed)
    kinds = zip(("absolute", "relative", "continuous"), moves, strict=False)
    yield f"    focus           {_listed(kind for kind, span in kinds if span is not None)}"
    yield f"    encoder         {'can be set' if extras.encoder else 'cannot be set'}"
    yield f"    picture texts   {_mark(extras.osd)}"


def _motor_lines(motors: MotorCapabilities) -> Iterator[str]:
    unit = "the camera's own degrees" if motors.spherical else "degrees by the ranges of the site file"
    yield f"    absolute move   {_mark(motors.absolute)}{f' ({unit})' if motors.absolute else ''}"
    yield f"    relative move   {_mark(motors.relative)}{' (and in the field of view)' if motors.relative_fov else ''}"
    yield f"    continuous move {_mark(motors.continuous)}"
    yield f"    zoom            {_mark(motors.zoom)}"
    yield f"    presets         {motors.max_presets if motors.presets else 'no'}"
    yield f"    home            {_mark(motors.home)}"
    moves = "" if motors.move_status else " (position only: it does not say whether it moves)"
    yield f"    status          {_mark(motors.status)}{moves if motors.status else ''}"
    yield f"    tracks itself   {_mark(motors.tracking)}"
    if motors.pan_range_deg and motors.tilt_range_deg:
        pan = "endless" if motors.pan_endless else "{:g}..{:g}".format(*motors.pan_range_deg)
        yield "    range           pan {}, tilt {:g}..{:g} degrees".format(pan, *motors.tilt_range_deg)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "no"


def _mark(able: bool) -> str:
    return "yes" if able else "no"
