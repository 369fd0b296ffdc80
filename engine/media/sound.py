"""Sound on its way through: what of it can be relayed, and the elements that take it from RTP and give it out again."""

from __future__ import annotations

from dataclasses import dataclass

from engine.media.gst import Gst
from engine.media.values import SoundFormat

_TELEPHONE_HZ = 8000
_OPUS_HZ = 48_000
_AAC_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
_AAC_LC = 2
# What stands before the AudioSpecificConfig in a StreamMuxConfig of one program with one layer (ISO/IEC 14496-3).
_MUX_HEAD_BITS = 15


@dataclass(frozen=True, slots=True)
class Sound:
    """A camera's sound: its format, how it is taken from RTP (`depay`) and given out (`pay`), and its encoded form.

    `silence` is the shortest piece of nothing: a track must begin before the camera's first sound is there.
    """

    format: SoundFormat
    depay: str
    pay: str
    caps: str
    silence: bytes


def sound_of(caps: Gst.Caps) -> Sound | None:
    """The sound of an RTP stream; None for one that cannot be relayed."""
    fields = caps.get_structure(0)
    encoding = str(fields.get_string("encoding-name"))
    if encoding in {"PCMU", "PCMA"}:
        return _telephone(encoding, fields)
    if encoding in {"OPUS", "X-GST-OPUS-DRAFT-SPITTKA-00"}:
        return _opus(fields)
    if encoding in {"MPEG4-GENERIC", "MP4A-LATM"}:
        return _aac(encoding, fields)
    return None


def _telephone(encoding: str, fields: Gst.Structure) -> Sound | None:
    known, rate = fields.get_int("clock-rate")
    if (known and rate != _TELEPHONE_HZ) or fields.get_string("encoding-params") not in {None, "1"}:
        return None
    name, number, silence = ("mulaw", 0, 0xFF) if encoding == "PCMU" else ("alaw", 8, 0xD5)
    return Sound(
        SoundFormat(encoding, _TELEPHONE_HZ, 1),
        depay=f"rtp{encoding.lower()}depay",
        pay=f"rtp{encoding.lower()}pay pt={number}",
        caps=f"audio/x-{name},rate={_TELEPHONE_HZ},channels=1",
        silence=bytes((silence,)) * (_TELEPHONE_HZ // 50),
    )


def _opus(fields: Gst.Structure) -> Sound:
    channels = 1 if fields.get_string("sprop-stereo") in {None, "0"} else 2
    return Sound(
        SoundFormat("OPUS", _OPUS_HZ, channels),
        depay="rtpopusdepay",
        pay="rtpopuspay pt=97",
        caps=f"audio/x-opus,rate={_OPUS_HZ},channels={channels},channel-mapping-family=0",
        # 20 ms without energy (RFC 6716).
        silence=bytes.fromhex("f8fffe"),
    )


def _aac(encoding: str, fields: Gst.Structure) -> Sound | None:
    try:
        config = bytes.fromhex(fields.get_string("config") or "")
    except ValueError:
        return None
    if encoding == "MP4A-LATM":
        if fields.get_string("cpresent") not in {None, "0"}:
            return None
        shifted = int.from_bytes(config) << _MUX_HEAD_BITS & ((1 << 8 * len(config)) - 1)
        config = shifted.to_bytes(len(config))
    if len(config) < 2:
        return None
    word = int.from_bytes(config[:2])
    kind, rate, channels = word >> 11, word >> 7 & 15, word >> 3 & 15
    if kind != _AAC_LC or rate >= len(_AAC_RATES) or channels not in {1, 2}:
        return None
    hertz = _AAC_RATES[rate]
    depay = "rtpmp4gdepay" if encoding == "MPEG4-GENERIC" else "rtpmp4adepay"
    return Sound(
        SoundFormat("AAC", hertz, channels),
        depay=depay,
        pay="rtpmp4apay pt=97",
        caps=f"audio/mpeg,mpegversion=4,stream-format=raw,framed=true,rate={hertz},channels={channels},"
        f"codec_data=(buffer){config[:2].hex()}",
        # A raw data block that holds channels without any spectrum.
        silence=bytes.fromhex("00c800802380" if channels == 1 else "210049900219002380"),
    )
