"""The encoder of a channel of an ONVIF camera, by Media2."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from engine.cameras.configured import Configured, options_of
from engine.cameras.soap import SoapClient
from engine.cameras.soap_services import Service
from engine.cameras.zeep_values import integer, number, numbers, plain, words
from onvif_server.backend import EncoderOptions, EncoderSettings

ENCODINGS: Final = ("H264", "H265")
"""What the engine can decode and relay: others are not offered."""
_MOST_SIZES: Final = 100


async def learn_encoder(client: SoapClient, configuration: str | None) -> bool:
    """Whether anything of an encoder can be set. Raises CameraError."""
    options = await options_of(client, configuration, _options)
    return options is not None and (len(options) > 1 or any(_choice(one) for one in options))


def _choice(options: EncoderOptions) -> bool:
    several = max(len(options.sizes), len(options.frame_rates), len(options.profiles)) > 1
    ranges = (options.bitrate_kbps, options.gov_length, options.quality)
    return several or any(low < high for low, high in ranges)


async def _options(client: SoapClient, configuration: str) -> tuple[EncoderOptions, ...]:
    answer = await client.call_extra(
        Service.MEDIA2, "GetVideoEncoderConfigurationOptions", ConfigurationToken=configuration
    )
    with client.making_sense("encoder options"):
        return tuple(_read_options(one) for one in answer or () if str(one.Encoding).upper() in ENCODINGS)


def _read_options(found: Any) -> EncoderOptions:
    lengths = numbers(found.GovLengthRange) or (1.0,)
    rates = numbers(found.FrameRatesSupported)
    return EncoderOptions(
        encoding=str(found.Encoding).upper(),
        sizes=tuple(
            (integer(one.Width), integer(one.Height))
            for one in found.ResolutionsAvailable[:_MOST_SIZES]
            if one.Width > 0 and one.Height > 0
        ),
        frame_rates=tuple(rate for rate in rates if rate > 0),
        bitrate_kbps=(integer(found.BitrateRange.Min), integer(found.BitrateRange.Max)),
        gov_length=(integer(min(lengths)), integer(max(lengths))),
        profiles=words(found.ProfilesSupported),
        quality=(number(found.QualityRange.Min), number(found.QualityRange.Max)),
        constant_bitrate=bool(found.ConstantBitRateSupported),
    )


class OnvifEncoder(Configured):
    """See the protocol `EncoderControl`. It stays the same object over reconnections."""

    what = "its encoder is"

    async def _present(self) -> Any:
        token = self._token()
        answer = await self._client.call_extra(
            Service.MEDIA2, "GetVideoEncoderConfigurations", ConfigurationToken=token
        )
        for one in answer or ():
            if str(one.token) == token:
                return one
        raise self._client.fault(f"it has no encoder configuration {token!r} any more")

    async def settings(self) -> EncoderSettings:
        """As it is set now."""
        found = await self._present()
        with self._client.making_sense("encoder settings"):
            rate = found.RateControl
            return EncoderSettings(
                encoding=str(found.Encoding).upper(),
                width=integer(found.Resolution.Width),
                height=integer(found.Resolution.Height),
                fps=number(rate.FrameRateLimit) if rate is not None else 0.0,
                bitrate_kbps=integer(rate.BitrateLimit) if rate is not None else 0,
                gov_length=integer(found.GovLength or 1),
                profile=str(found.Profile or ""),
                quality=number(found.Quality),
                constant_bitrate=bool(getattr(rate, "ConstantBitRate", None)),
            )

    async def options(self) -> Sequence[EncoderOptions]:
        """What can be set of the encodings that the engine understands."""
        return await _options(self._client, self._token())

    async def set(self, settings: EncoderSettings) -> None:
        """Sets it; what is none of our settings (multicast, name…) stays as the camera has it."""
        wanted = plain(await self._present())
        wanted |= {
            "Encoding": settings.encoding,
            "Resolution": {"Width": settings.width, "Height": settings.height},
            "RateControl": {
                "FrameRateLimit": settings.fps,
                "BitrateLimit": settings.bitrate_kbps,
                "ConstantBitRate": settings.constant_bitrate,
            },
            "Quality": settings.quality,
            "GovLength": settings.gov_length,
        }
        if settings.profile:
            wanted["Profile"] = settings.profile
        await self._client.call_extra(Service.MEDIA2, "SetVideoEncoderConfiguration", Configuration=wanted)
