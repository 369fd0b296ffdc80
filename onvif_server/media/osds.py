"""Texts on the picture, for both media services."""

from __future__ import annotations

from typing import Any, Final

from onvif_server import tokens
from onvif_server.backend import Caller, Osd, OsdKind, OsdOptions, OsdText, VideoChannel
from onvif_server.media.changes import insist
from onvif_server.media.media import Media, refusals_as_faults
from onvif_server.media.parts import Part
from onvif_server.soap.faults import action_failed, invalid_argument, not_supported
from onvif_server.soap.operations import Values

_CUSTOM: Final = "Custom"
_MAXIMUM_LENGTH: Final = 256


class Osds:
    """The texts of all channels that can have some."""

    def __init__(self, media: Media) -> None:
        self._media = media

    @property
    def any(self) -> bool:
        """Whether any channel can have texts."""
        return any(self._media.backend.osd(channel.token) is not None for channel in self._media.backend.channels)

    async def list(self, *, token: str | None = None, configuration: str | None = None) -> list[Values]:
        """The tt:OSDConfigurations, all or those that are meant. Raises Fault (ter:NoConfig)."""
        channels = self._media.selected(Part.VIDEO_SOURCE, configuration, None)
        found = []
        for channel in channels:
            osd = self._media.backend.osd(channel.token)
            if osd is None:
                continue
            with refusals_as_faults():
                texts = await osd.texts()
            found += [_described(channel, name, text) for name, text in texts.items() if token in (None, name)]
        if token is not None and not found:
            raise invalid_argument("NoConfig", f"there is no OSD {token}")
        return found

    async def options(self, configuration: str) -> Values:
        """The tt:OSDConfigurationOptions of a video source configuration. Raises Fault (ter:NoConfig)."""
        channel = self._media.holder(Part.VIDEO_SOURCE, configuration)
        osd = self._media.backend.osd(channel.token)
        if osd is None:
            return {"MaximumNumberOfOSDs": {"Total": 0}, "Type": ["Text"], "PositionOption": ["UpperLeft"]}
        with refusals_as_faults():
            return _options(await osd.options())

    async def create(self, caller: Caller, value: Any) -> str:
        """Puts a text on a picture; returns its token. Raises Fault: ter:NoConfig, ter:ConfigModify, ter:MaxOSDs."""
        _, osd = self._writable(value)
        with refusals_as_faults(too_many="MaxOSDs"):
            options, texts = await osd.options(), await osd.texts()
            text = _parsed(value, options)
            _insist_on_room(text.kind, list(texts.values()), options)
            return await osd.create(caller, text)

    async def change(self, caller: Caller, value: Any) -> None:
        """Changes a text. Raises Fault: ter:NoConfig, ter:ConfigModify, ter:MaxOSDs."""
        channel, osd = self._writable(value)
        where, _ = await self._find(value.token)
        insist(where.token == channel.token, "a text cannot go to another picture")
        with refusals_as_faults(too_many="MaxOSDs"):
            options, texts = await osd.options(), await osd.texts()
            text = _parsed(value, options)
            _insist_on_room(text.kind, [one for name, one in texts.items() if name != value.token], options)
            await osd.change(caller, value.token, text)

    async def delete(self, caller: Caller, token: str) -> None:
        """Takes a text away. Raises Fault (ter:NoConfig)."""
        _, osd = await self._find(token)
        with refusals_as_faults():
            await osd.delete(caller, token)

    def _writable(self, value: Any) -> tuple[VideoChannel, Osd]:
        channel = self._media.holder(Part.VIDEO_SOURCE, value.VideoSourceConfigurationToken._value_1)  # noqa: SLF001 - zeep's name
        osd = self._media.backend.osd(channel.token)
        if osd is None:
            raise not_supported(f"an OSD of {channel.token}")
        return channel, osd

    async def _find(self, token: str) -> tuple[VideoChannel, Osd]:
        for channel in self._media.backend.channels:
            osd = self._media.backend.osd(channel.token)
            if osd is not None:
                with refusals_as_faults():
                    if token in await osd.texts():
                        return channel, osd
        raise invalid_argument("NoConfig", f"there is no OSD {token}")


def _described(channel: VideoChannel, token: str, text: OsdText) -> Values:
    position: Values = {"Type": text.position or _CUSTOM}
    if text.position is None:
        position["Pos"] = {"x": text.x, "y": text.y}
    return {
        "token": token,
        "VideoSourceConfigurationToken": {"_value_1": tokens.video_source_configuration(channel.token)},
        "Type": "Text",
        "Position": position,
        "TextString": {
            "Type": text.kind.value,
            "DateFormat": text.date_format,
            "TimeFormat": text.time_format,
            "FontSize": text.font_size,
            "PlainText": text.text if text.kind is OsdKind.PLAIN else None,
        },
    }


def _options(options: OsdOptions) -> Values:
    dated = options.date_and_time > 0
    kinds = ([OsdKind.PLAIN] if options.plain else []) + ([one for one in OsdKind if one.value != "Plain"] * dated)
    text: Values = {"Type": [kind.value for kind in kinds]}
    if options.font_sizes is not None:
        text["FontSizeRange"] = {"Min": options.font_sizes[0], "Max": options.font_sizes[1]}
    if dated:
        text |= {"DateFormat": list(options.date_formats), "TimeFormat": list(options.time_formats)}
    counts: Values = {"Total": options.total, "Image": 0, "PlainText": options.plain}
    counts |= dict.fromkeys(("Date", "Time", "DateAndTime"), options.date_and_time)
    values: Values = {
        "MaximumNumberOfOSDs": counts,
        "Type": ["Text"],
        "PositionOption": list(options.positions),
    }
    return values | ({"TextOption": text} if kinds else {})


def _insist_on_room(kind: OsdKind, others: list[OsdText], options: OsdOptions) -> None:
    same = sum((one.kind is OsdKind.PLAIN) == (kind is OsdKind.PLAIN) for one in others)
    limit = options.plain if kind is OsdKind.PLAIN else options.date_and_time
    if len(others) >= options.total or same >= limit:
        raise action_failed("MaxOSDs", "the picture can bear no more texts of this kind")


def _parsed(value: Any, options: OsdOptions) -> OsdText:
    insist(value.Type == "Text" and value.TextString is not None, "only texts can be put on the picture")
    text = value.TextString
    insist(text.FontColor is None and text.BackgroundColor is None, "colours cannot be chosen")
    insist(text.IsPersistentText is not False, "texts stay until they are deleted")
    insist(text.Type in set(OsdKind), f"there are no texts of the type {text.Type}")
    kind = OsdKind(text.Type)
    plain = text.PlainText or ""
    insist(kind is not OsdKind.PLAIN or 0 < len(plain) <= _MAXIMUM_LENGTH, "a text has 1 to 256 characters")
    date = text.DateFormat if kind in (OsdKind.DATE, OsdKind.DATE_AND_TIME) else None
    time = text.TimeFormat if kind in (OsdKind.TIME, OsdKind.DATE_AND_TIME) else None
    insist(date is None or date in options.date_formats, f"the date format {date} is not among the options")
    insist(time is None or time in options.time_formats, f"the time format {time} is not among the options")
    insist(_size_fits(text.FontSize, options), "the font size is not among the options")
    position, x, y = _position(value.Position, options)
    return OsdText(
        kind=kind,
        text=plain if kind is OsdKind.PLAIN else "",
        position=position,
        x=x,
        y=y,
        font_size=text.FontSize,
        date_format=date,
        time_format=time,
    )


def _size_fits(size: int | None, options: OsdOptions) -> bool:
    if size is None:
        return True
    return options.font_sizes is not None and options.font_sizes[0] <= size <= options.font_sizes[1]


def _position(value: Any, options: OsdOptions) -> tuple[str | None, float, float]:
    insist(value.Type in options.positions, f"the position {value.Type} is not among the options")
    if value.Type != _CUSTOM:
        return str(value.Type), 0.0, 0.0
    pos = value.Pos
    insist(pos is not None and pos.x is not None and pos.y is not None, "a custom position needs x and y")
    insist(abs(pos.x) <= 1 and abs(pos.y) <= 1, "a position lies between -1 and 1")
    return None, float(pos.x), float(pos.y)
