"""The texts that an ONVIF camera writes into a channel's picture, by Media2."""

from __future__ import annotations

from typing import Any, Final

from engine.cameras.configured import Configured, options_of
from engine.cameras.soap import SoapClient
from engine.cameras.soap_services import Service
from engine.cameras.zeep_values import integer, number, plain, words
from onvif_server.backend import OsdKind, OsdOptions, OsdText

_CUSTOM: Final = "Custom"
_POSITIONS: Final = ("UpperLeft", "UpperRight", "LowerLeft", "LowerRight", _CUSTOM)
_MOST: Final = 64
"""So many texts, and formats of dates and times, are taken; a camera's answer could list any number."""
_LONGEST: Final = 1024
_DATED: Final = (OsdKind.DATE, OsdKind.TIME, OsdKind.DATE_AND_TIME)


async def learn_osd(client: SoapClient, configuration: str | None) -> bool:
    """Whether texts can be written into the picture of a video source configuration. Raises CameraError."""
    options = await options_of(client, configuration, _options)
    return options is not None and options.total > 0 and options.plain + options.date_and_time > 0


async def _options(client: SoapClient, configuration: str) -> OsdOptions:
    answer = await client.call_extra(Service.MEDIA2, "GetOSDOptions", ConfigurationToken=configuration)
    with client.making_sense("OSD options"):
        counts, text = answer.MaximumNumberOfOSDs, answer.TextOption
        total = integer(counts.Total or 0)
        kinds = words(text.Type) if text is not None and "Text" in words(answer.Type) else ()
        dated = all(kind.value in kinds for kind in _DATED)
        sizes = getattr(text, "FontSizeRange", None)
        return OsdOptions(
            total=total,
            plain=_count(counts.PlainText, total) if OsdKind.PLAIN.value in kinds else 0,
            date_and_time=min(_count(getattr(counts, kind.value), total) for kind in _DATED) if dated else 0,
            positions=tuple(one for one in _POSITIONS if one in words(answer.PositionOption)),
            date_formats=tuple(str(one) for one in getattr(text, "DateFormat", None) or ())[:_MOST],
            time_formats=tuple(str(one) for one in getattr(text, "TimeFormat", None) or ())[:_MOST],
            font_sizes=(integer(sizes.Min), integer(sizes.Max)) if sizes is not None else None,
        )


def _count(told: Any, total: int) -> int:
    """How many of a kind: as many as of all kinds, where the camera does not tell."""
    return total if told is None else integer(told)


class OnvifOsd(Configured):
    """See the protocol `OsdControl`. It stays the same object over reconnections."""

    what = "its texts are"

    async def options(self) -> OsdOptions:
        """What is possible."""
        return await _options(self._client, self._token())

    async def _present(self) -> dict[str, Any]:
        source = self._token()
        answer = await self._client.call_extra(Service.MEDIA2, "GetOSDs", ConfigurationToken=source)
        with self._client.making_sense("OSDs"):
            # There are cameras that list those of all their sources, whatever is asked.
            ours = [one for one in answer or () if _source_of(one) == source]
            return {str(one.token): one for one in ours[:_MOST]}

    async def texts(self) -> dict[str, OsdText]:
        """The texts by the camera's tokens; what is no text, or of a kind without a standard, is passed over."""
        present = await self._present()
        with self._client.making_sense("OSDs"):
            found = {token: _read(one) for token, one in present.items()}
        return {token: text for token, text in found.items() if text is not None}

    async def create(self, text: OsdText) -> str:
        """Puts a text on the picture; returns its token."""
        return str(await self._client.call_extra(Service.MEDIA2, "CreateOSD", OSD=_written(text, "", self._token())))

    async def change(self, token: str, text: OsdText) -> None:
        """Changes a text; its colours stay."""
        present = (await self._present()).get(token)
        wanted = _written(text, token, self._token())
        if present is not None:
            wanted["TextString"] = _looks(plain(present.TextString)) | wanted["TextString"]
        await self._client.call_extra(Service.MEDIA2, "SetOSD", OSD=wanted)

    async def delete(self, token: str) -> None:
        """Takes a text away."""
        await self._client.call_extra(Service.MEDIA2, "DeleteOSD", OSDToken=token)


def _source_of(osd: Any) -> str:
    reference = osd.VideoSourceConfigurationToken
    return str(getattr(reference, "_value_1", reference))


def _read(osd: Any) -> OsdText | None:
    text = osd.TextString
    if str(osd.Type) != "Text" or text is None or str(text.Type) not in set(OsdKind):
        return None
    position = str(osd.Position.Type)
    place = osd.Position.Pos
    custom = position not in _POSITIONS[:4]
    return OsdText(
        kind=OsdKind(str(text.Type)),
        text=str(text.PlainText or "")[:_LONGEST],
        position=None if custom else position,
        x=number(place.x or 0.0) if custom and place is not None else 0.0,
        y=number(place.y or 0.0) if custom and place is not None else 0.0,
        font_size=integer(text.FontSize) if text.FontSize is not None else None,
        date_format=str(text.DateFormat) if text.DateFormat else None,
        time_format=str(text.TimeFormat) if text.TimeFormat else None,
    )


def _written(text: OsdText, token: str, source: str) -> dict[str, Any]:
    position: dict[str, Any] = {"Type": text.position or _CUSTOM}
    if text.position is None:
        position["Pos"] = {"x": text.x, "y": text.y}
    string = {
        "Type": text.kind.value,
        "DateFormat": text.date_format,
        "TimeFormat": text.time_format,
        "FontSize": text.font_size,
        "PlainText": text.text if text.kind is OsdKind.PLAIN else None,
    }
    return {
        "token": token,
        "VideoSourceConfigurationToken": {"_value_1": source},
        "Type": "Text",
        "Position": position,
        "TextString": {name: value for name, value in string.items() if value is not None},
    }


def _looks(text: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in text.items() if name in ("FontColor", "BackgroundColor", "FontSize")}
