"""What configurations could be set to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from onvif_server import tokens
from onvif_server.backend import AudioFormat, EncoderOptions, EncoderSettings, VideoChannel
from onvif_server.media.descriptions import H264_PROFILES, h264_profile, sample_rate_khz
from onvif_server.media.media import VER10_AUDIO, Media, refusals_as_faults
from onvif_server.soap.faults import invalid_argument
from onvif_server.soap.operations import Values

MAXIMUM_SESSION_TIMEOUT_S: Final = 3600


def fixed_options(settings: EncoderSettings) -> EncoderOptions:
    """The options of an encoder that cannot be set: what it is."""
    return EncoderOptions(
        encoding=settings.encoding,
        sizes=((settings.width, settings.height),),
        frame_rates=(settings.fps,),
        bitrate_kbps=(settings.bitrate_kbps, settings.bitrate_kbps),
        gov_length=(settings.gov_length, settings.gov_length),
        profiles=(settings.profile,),
        quality=(settings.quality, settings.quality),
        constant_bitrate=settings.constant_bitrate,
    )


async def encoder_options(media: Media, channel: VideoChannel) -> Sequence[EncoderOptions]:
    """What a channel's encoder can be set to. Raises Fault if it cannot be asked now."""
    encoder = media.encoder(channel)
    if encoder is None:
        return (fixed_options(await media.encoder_settings(channel)),)
    with refusals_as_faults():
        return await encoder.options()


def insist_on_some(channels: Sequence[VideoChannel]) -> None:
    """Raises Fault (ter:NoConfig) where there is nothing to have options."""
    if not channels:
        raise invalid_argument("NoConfig", "there is no such configuration")


def source_options(channels: Sequence[VideoChannel], maximum_profiles: int) -> Values:
    """The tt:VideoSourceConfigurationOptions: the whole picture of each source, nothing else."""
    insist_on_some(channels)
    widths, heights = [channel.width for channel in channels], [channel.height for channel in channels]
    return {
        "MaximumNumberOfProfiles": maximum_profiles,
        "BoundsRange": {
            "XRange": _range(0, 0),
            "YRange": _range(0, 0),
            "WidthRange": _range(min(widths), max(widths)),
            "HeightRange": _range(min(heights), max(heights)),
        },
        "VideoSourceTokensAvailable": [tokens.video_source(channel.token) for channel in channels],
    }


def encoder_options2(options: Iterable[EncoderOptions]) -> list[Values]:
    """The tt:VideoEncoder2ConfigurationOptions, one an encoding (of several channels: those of each)."""
    return [_encoder_options2(one) for one in options]


def _encoder_options2(options: EncoderOptions) -> Values:
    values: Values = {
        "FrameRatesSupported": sorted(set(options.frame_rates), reverse=True),
        "ConstantBitRateSupported": options.constant_bitrate,
        "Encoding": options.encoding,
        "QualityRange": _range(*options.quality),
        "ResolutionsAvailable": _sizes(options.sizes),
        "BitrateRange": _range(*options.bitrate_kbps),
    }
    if options.encoding != "JPEG":
        values |= {"GovLengthRange": list(options.gov_length), "ProfilesSupported": list(options.profiles)}
    return values


def encoder_options10(options: Sequence[EncoderOptions]) -> Values:
    """The tt:VideoEncoderConfigurationOptions: JPEG and H.264, each over all channels that are meant."""
    known = [one for one in options if one.encoding in ("H264", "JPEG")]
    if not known:
        raise invalid_argument("NoConfig", "the device has no encoder that Media ver10 has words for")
    values: Values = {
        "QualityRange": _range(min(round(one.quality[0]) for one in known), max(round(one.quality[1]) for one in known))
    }
    for encoding in ("JPEG", "H264"):
        some = [one for one in known if one.encoding == encoding]
        if some:
            values[encoding] = _common(some) | (_h264(some) if encoding == "H264" else {})
    return values


def _common(options: Sequence[EncoderOptions]) -> Values:
    rates = [max(round(rate), 1) for one in options for rate in one.frame_rates]
    return {
        "ResolutionsAvailable": _sizes(size for one in options for size in one.sizes),
        "FrameRateRange": _range(min(rates), max(rates)),
        "EncodingIntervalRange": _range(1, 1),
    }


def _h264(options: Sequence[EncoderOptions]) -> Values:
    profiles = {h264_profile(profile) for one in options for profile in one.profiles}
    return {
        "GovLengthRange": _range(min(one.gov_length[0] for one in options), max(one.gov_length[1] for one in options)),
        "H264ProfilesSupported": sorted(profiles, key=H264_PROFILES.index),
    }


def metadata_options(media: Media, channels: Sequence[VideoChannel]) -> Values:
    """The tt:MetadataConfigurationOptions."""
    insist_on_some(channels)
    heads = [head for channel in channels if (head := media.backend.ptz(channel.token)) is not None]
    zoom = any(head.capabilities.zoom for head in heads)
    return {
        "PTZStatusFilterOptions": {
            "PanTiltStatusSupported": bool(heads),
            "ZoomStatusSupported": zoom,
            "PanTiltPositionSupported": bool(heads),
            "ZoomPositionSupported": zoom,
        }
    }


def audio_source_options(channels: Sequence[VideoChannel]) -> Values:
    """The tt:AudioSourceConfigurationOptions."""
    insist_on_some(channels)
    return {"InputTokensAvailable": [tokens.audio_source(channel.token) for channel in channels]}


def audio_output_options(channels: Sequence[VideoChannel]) -> Values:
    """The tt:AudioOutputConfigurationOptions: there is no volume to set."""
    insist_on_some(channels)
    return {
        "OutputTokensAvailable": [tokens.audio_output(channel.token) for channel in channels],
        "OutputLevelRange": _range(0, 0),
    }


def audio_formats(channels: Sequence[VideoChannel], *, back: bool) -> list[AudioFormat]:
    """The formats that microphones send (or loudspeakers take), each once."""
    insist_on_some(channels)
    found = (channel.back_channel if back else channel.audio for channel in channels)
    return list(dict.fromkeys(sound for sound in found if sound is not None))


def audio_options2(formats: Iterable[AudioFormat]) -> list[Values]:
    """The tt:AudioEncoder2ConfigurationOptions: what is."""
    return [
        {
            "Encoding": sound.encoding,
            "BitrateList": {"Items": [sound.bitrate_kbps]},
            "SampleRateList": {"Items": [sample_rate_khz(sound)]},
        }
        for sound in formats
    ]


def audio_encoder_options10(formats: Iterable[AudioFormat]) -> Values:
    """The tt:AudioEncoderConfigurationOptions of Media ver10."""
    return {
        "Options": [
            values | {"Encoding": VER10_AUDIO[values["Encoding"]]}
            for values in audio_options2(formats)
            if values["Encoding"] in VER10_AUDIO
        ]
    }


def audio_decoder_options10(formats: Iterable[AudioFormat]) -> Values:
    """The tt:AudioDecoderConfigurationOptions of Media ver10."""
    values: Values = {}
    for sound in formats:
        kind = VER10_AUDIO.get(sound.encoding)
        if kind is not None:
            values[f"{kind}DecOptions"] = {
                "Bitrate": {"Items": [sound.bitrate_kbps]},
                "SampleRateRange": {"Items": [sample_rate_khz(sound)]},
            }
    return values


def _sizes(sizes: Iterable[tuple[int, int]]) -> list[Values]:
    return [{"Width": width, "Height": height} for width, height in sorted(set(sizes), reverse=True)]


def _range(lowest: float, highest: float) -> Values:
    return {"Min": lowest, "Max": highest}
