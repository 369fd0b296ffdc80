"""A camera for tests, in a process of its own: an RTSP server whose pictures carry the instant of their making.

Every picture holds a bar code of 16 black or white bars: the number of frame intervals since 1970, modulo 65536. So a
test reads from any picture when it was made. Prints `{"port": N}` when ready; ends when its standard input is closed.
With `record` it writes a clip instead. `sound` (one of SOUNDS) adds a tone. With `claim` its H.264 pictures claim to
have that many pixels each way, and hold nothing.

    python rtsp_camera.py '{"port": 0, "users": {"name": "password"}, "width": 320, "height": 240, "fps": 25}'
"""

from __future__ import annotations

import json
import sys
import threading
import time
from typing import Any

import gi
import numpy as np

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

BITS = 16
_X264 = "x264enc speed-preset=ultrafast threads=1 key-int-max={gop} "
ENCODERS = {
    "h264": _X264 + "tune=zerolatency ! rtph264pay name=pay0 pt=96",
    "b-frames": _X264 + "bframes=2 b-adapt=false rc-lookahead=0 sync-lookahead=0 ! video/x-h264,profile=main "
    "! rtph264pay name=pay0 pt=96",
    "h265": "x265enc tune=zerolatency speed-preset=ultrafast key-int-max={gop} "
    "option-string=pools=1:frame-threads=1 ! rtph265pay name=pay0 pt=96",
    "jpeg": "jpegenc ! rtpjpegpay name=pay0 pt=26",
}


_TONE = "audiotestsrc is-live=true volume=0.8 samplesperbuffer=160 ! audio/x-raw,rate={},channels=1 ! audioconvert ! "
SOUNDS = {
    "PCMU": _TONE.format(8000) + "mulawenc ! rtppcmupay pt=0",
    "PCMA": _TONE.format(8000) + "alawenc ! rtppcmapay pt=8",
    "AAC": _TONE.format(16000) + "avenc_aac ! rtpmp4gpay pt=97",
    "LATM": _TONE.format(16000) + "avenc_aac ! rtpmp4apay pt=97",
    "OPUS": _TONE.format(48000) + "opusenc ! rtpopuspay pt=97",
    "G722": _TONE.format(16000) + "avenc_g722 ! rtpg722pay pt=9",
}


def golomb(*values: int) -> str:
    """Numbers as H.264 writes them (ue(v)), in binary."""
    return "".join(f"{value + 1:b}".zfill(2 * (value + 1).bit_length() - 1) for value in values)


def claiming(pixels: int) -> bytes:
    """An access unit that begins a stream of square pictures of that size; its picture is nothing."""
    side = pixels // 16 - 1
    units = {
        0x67: f"{66:08b}{0:08b}{51:08b}" + golomb(0, 0, 2, 1) + "0" + golomb(side, side) + "1100",
        0x68: golomb(0, 0) + "00" + golomb(0, 0, 0) + "000" + golomb(0, 0, 0) + "000",
        0x65: golomb(0, 7, 0) + "0000" + golomb(0) + "00" + golomb(0),
    }
    result = b""
    for kind, bits in units.items():
        ended = f"{bits}1" + "0" * (-(len(bits) + 1) % 8)
        result += b"\0\0\0\1" + bytes((kind,)) + int(ended, 2).to_bytes(len(ended) // 8)
    return result


def draw(number: int, width: int, height: int) -> bytes:
    """A grey picture with the bar code of the number, least significant bit on the left."""
    bits = (number >> np.arange(BITS)) & 1
    row = np.repeat(np.where(bits, 235, 16).astype(np.uint8), width // BITS)
    picture = np.full((height, width), 128, np.uint8)
    picture[:, : row.size] = row
    return picture.tobytes()


class Source:
    """Draws a picture at every multiple of the frame interval and pushes it into the media's `appsrc`."""

    def __init__(self, appsrc: Gst.Element, options: dict[str, Any]) -> None:
        self.appsrc = appsrc
        self.options = options
        threading.Thread(target=self.run, daemon=True).start()

    def run(self) -> None:
        fps, width, height = self.options["fps"], self.options["width"], self.options["height"]
        while True:
            number = int(time.time() * fps) + 1
            time.sleep(max(0.0, number / fps - time.time()))
            claim = self.options["claim"]
            buffer = Gst.Buffer.new_wrapped(claiming(claim) if claim else draw(number, width, height))
            flow = self.appsrc.emit("push-buffer", buffer)
            if flow not in {Gst.FlowReturn.OK, Gst.FlowReturn.FLUSHING}:
                return


def log_requests(server: GstRtspServer.RTSPServer) -> None:
    """Prints a line for each RTSP connection and DESCRIBE, so that tests can count attempts."""

    def connected(_server: GstRtspServer.RTSPServer, client: GstRtspServer.RTSPClient) -> None:
        print(json.dumps({"connection": True}), flush=True)
        client.connect("describe-request", lambda *_: print(json.dumps({"describe": True}), flush=True))

    server.connect("client-connected", connected)


def protect(server: GstRtspServer.RTSPServer, factory: GstRtspServer.RTSPMediaFactory, users: dict[str, str]) -> None:
    """Digest authentication."""
    auth = GstRtspServer.RTSPAuth()
    auth.set_supported_methods(2)  # digest
    auth.set_realm("camera")
    permissions = GstRtspServer.RTSPPermissions.new()
    for permission in ("media.factory.access", "media.factory.construct"):
        permissions.add_permission_for_role("viewer", permission, True)
    factory.set_permissions(permissions)
    token = GstRtspServer.RTSPToken.new()
    token.set_string("media.factory.role", "viewer")
    for name, password in users.items():
        auth.add_digest(name, password, token)
    server.set_auth(auth)


def record(options: dict[str, Any]) -> None:
    """Writes a clip of `frames` pictures, numbered from 0, instead of serving."""
    caps = f"video/x-raw,format=GRAY8,width={options['width']},height={options['height']},framerate={options['fps']}/1"
    pipeline = Gst.parse_launch(
        f"appsrc name=source format=time caps={caps} ! videoconvert ! video/x-raw,format=I420 "
        f"! x264enc key-int-max={options['gop']} ! h264parse ! mp4mux ! filesink name=file"
    )
    pipeline.get_by_name("file").set_property("location", options["record"])
    appsrc = pipeline.get_by_name("source")
    pipeline.set_state(Gst.State.PLAYING)
    for number in range(options["frames"]):
        buffer = Gst.Buffer.new_wrapped(draw(number, options["width"], options["height"]))
        buffer.pts = number * Gst.SECOND // options["fps"]
        buffer.duration = Gst.SECOND // options["fps"]
        appsrc.emit("push-buffer", buffer)
    appsrc.emit("end-of-stream")
    pipeline.get_bus().timed_pop_filtered(30 * Gst.SECOND, Gst.MessageType.EOS | Gst.MessageType.ERROR)
    pipeline.set_state(Gst.State.NULL)


def main() -> None:
    options = {"port": 0, "users": {}, "width": 320, "height": 240, "fps": 25, "gop": 10, "codec": "h264"}
    options |= {"sound": "", "claim": 0}
    options |= json.loads(sys.argv[1]) if len(sys.argv) > 1 else {}
    Gst.init(None)
    if "record" in options:
        record(options)
        return
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(str(options["port"]))
    factory = GstRtspServer.RTSPMediaFactory()
    caps = f"video/x-raw,format=GRAY8,width={options['width']},height={options['height']},framerate={options['fps']}/1"
    encoder = "videoconvert ! video/x-raw,format=I420 ! " + ENCODERS[options["codec"]].format(gop=options["gop"])
    if options["claim"]:
        caps, encoder = "video/x-h264,stream-format=byte-stream,alignment=au", "rtph264pay name=pay0 pt=96"
    tone = f"{SOUNDS[options['sound']]} name=pay1" if options["sound"] else ""
    factory.set_launch(
        f"( appsrc name=source is-live=true do-timestamp=true format=time caps={caps} ! {encoder} {tone} )"
    )
    factory.set_shared(True)
    factory.connect("media-configure", lambda _, media: Source(media.get_element().get_by_name("source"), options))
    if options["users"]:
        protect(server, factory, options["users"])
    server.get_mount_points().add_factory("/live", factory)
    log_requests(server)
    if not server.attach(None):
        sys.exit(f"port {options['port']} is in use")
    print(json.dumps({"port": server.get_bound_port()}), flush=True)
    loop = GLib.MainLoop()
    threading.Thread(target=lambda: (sys.stdin.read(), loop.quit()), daemon=True).start()
    loop.run()


if __name__ == "__main__":
    main()
