"""ffprobe, ffmpeg and GStreamer on the streams of the running engine, by every transport that it offers."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import pytest
from lxml import etree
from real_processes import REPOSITORY, wait_for
from recorder import PASSWORD, USER

from clients.client_site import PLAY_S, ClientSite, near
from demo.site import OVERVIEW, PTZ
from onvif_server.services import ptz_description as spaces
from onvif_server.soap.schema import load_schemas

RATE_S = 10.0
"""So much metadata tells how often it comes."""

pytestmark = [pytest.mark.ledger("VID-2", "NET-1", "ONVIF-2"), pytest.mark.timeout(300)]

PICTURES = 15
PLAYER = REPOSITORY / "tests" / "engine" / "media" / "rtsp_tracks.py"
WAYS = {"RtspUnicast": "udp", "RTSP": "tcp", "RtspOverHttp": "http"}
"""Media2's names of the transports that every device of Profile T has, and ffmpeg's."""

TT = {"tt": "http://www.onvif.org/ver10/schema"}


def stream_url(site: ClientSite, channel: str, protocol: str) -> str:
    """What GetStreamUri of Media2 says."""
    body = f"<tr2:Protocol>{protocol}</tr2:Protocol><tr2:ProfileToken>{channel}-profile</tr2:ProfileToken>"
    answer = site.recorder.call(f"<tr2:GetStreamUri>{body}</tr2:GetStreamUri>")
    return str(answer.findtext(".//{*}Uri"))


def offers(site: ClientSite, what: str) -> bool:
    """Whether the capabilities of Media2's streams promise something."""
    answer = site.recorder.call("<tr2:GetServiceCapabilities/>")
    return next(answer.iter("{*}StreamingCapabilities")).get(what) == "true"


def with_login(url: str) -> str:
    return url.replace("://", f"://{USER}:{PASSWORD}@")


def run(*command: str) -> str:
    if shutil.which(command[0]) is None:
        pytest.skip(f"no {command[0]}: `scripts/setup` installs it")
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:].replace(PASSWORD, "…")
    return done.stdout


@pytest.mark.parametrize("protocol", WAYS)
def test_ffmpeg_plays_what_get_stream_uri_names(site: ClientSite, protocol: str) -> None:
    url = with_login(stream_url(site, OVERVIEW, protocol))
    _ffprobe_and_ffmpeg(url, "-rtsp_transport", WAYS[protocol])


def _ffprobe_and_ffmpeg(url: str, *options: str) -> None:
    # It would look for seconds what codec the metadata have.
    options = (*options, "-analyzeduration", "1000000")
    told = json.loads(run("ffprobe", "-v", "error", *options, "-show_streams", "-of", "json", url))
    video = next(one for one in told["streams"] if one["codec_type"] == "video")
    assert (video["codec_name"], video["width"], video["height"]) == ("h264", 1280, 720)
    hashes = run(
        "ffmpeg", "-v", "error", *options, "-i", url, "-map", "0:v", "-frames:v", str(PICTURES), "-f", "framemd5", "-"
    )
    pictures = [line.rsplit(",", 1)[1].strip() for line in hashes.splitlines() if not line.startswith("#")]
    assert len(pictures) == PICTURES
    assert len(set(pictures)) > PICTURES / 2, "the pictures move"


def test_ffmpeg_and_gstreamer_play_what_is_encrypted(site: ClientSite) -> None:
    assert offers(site, "SecureRTSPStreaming")
    url = urlsplit(stream_url(site, OVERVIEW, "RtspsUnicast"))
    assert url.scheme == "rtsps"
    # The certificate is the engine's own.
    with tracks(url.geturl(), "protocols=udp", "tls-validation-flags=0") as heard:
        wait_for(lambda: len(_pictures(heard)) > PICTURES and documents(heard), "pictures and metadata by SRTP", PLAY_S)
    # ffmpeg does not know how the keys of SRTP come; it can have everything within TLS.
    _ffprobe_and_ffmpeg(with_login(url._replace(path=f"/{OVERVIEW}").geturl()), "-rtsp_transport", "tcp")


def test_nobody_plays_without_the_password(site: ClientSite) -> None:
    url = stream_url(site, OVERVIEW, "RTSP")
    command = ["ffprobe", "-v", "error", "-rtsp_transport", "tcp", url.replace("://", f"://{USER}:guessed@")]
    if shutil.which(command[0]) is None:
        pytest.skip("no ffprobe: `scripts/setup` installs it")
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    assert "401" in done.stderr


@contextmanager
def tracks(url: str, *properties: str) -> Iterator[list[dict[str, Any]]]:
    """What GStreamer's `rtspsrc` gets, in a list that grows."""
    player = subprocess.Popen(
        ["setpriv", "--pdeathsig", "TERM", sys.executable, str(PLAYER), url, USER, PASSWORD, *properties],
        stdout=subprocess.PIPE,
        text=True,
    )
    heard: list[dict[str, Any]] = []

    lines = player.stdout
    assert lines is not None
    listening = Thread(target=lambda: heard.extend(json.loads(line) for line in lines))
    listening.start()
    try:
        yield heard
    finally:
        player.terminate()
        player.wait(30.0)
        listening.join(30.0)


def _pictures(heard: list[dict[str, Any]]) -> list[float]:
    """The times of the decoded pictures."""
    return [line["time"] for line in list(heard) if "number" in line]


def documents(heard: list[dict[str, Any]]) -> list[etree._Element]:
    """What came, each valid by the schema."""
    found = []
    for line in list(heard):
        assert "error" not in line, line
        if "document" in line:
            document = etree.fromstring(line["document"].encode())
            assert load_schemas().invalidity(document) is None
            found.append(document)
    return found


@pytest.mark.parametrize("scheme", ["rtspt", "rtspu", "rtsph"], ids=["tcp", "udp", "http"])
def test_the_metadata_track_tells_who_moves_where(site: ClientSite, scheme: str) -> None:
    # GStreamer wants to be told the transport by the scheme.
    with tracks(stream_url(site, OVERVIEW, "RTSP").replace("rtsp://", f"{scheme}://")) as heard:

        def moves() -> bool:
            """Whether one and the same person was seen at two places."""
            places: dict[str, set[str]] = {}
            for document in documents(heard):
                for one in document.iterfind(".//tt:Frame/tt:Object", TT):
                    if one.findtext("tt:Appearance/tt:Class/tt:Type", None, TT) == "Human":
                        centre = one.find("tt:Appearance/tt:Shape/tt:CenterOfGravity", TT)
                        places.setdefault(one.get("ObjectId"), set()).add(centre.get("x"))
            return any(len(seen) > 3 for seen in places.values())

        wait_for(moves, "a person moves in the metadata", PLAY_S)
        if scheme == "rtspt":
            wait_for(lambda: _topics(heard), "an event in the metadata", PLAY_S)
            assert any("RuleEngine/FieldDetector/ObjectsInside" in topic for topic in _topics(heard))
        # A busy machine looks at fewer pictures, and not at an even pace.
        slowest_fps = site.api.channel(OVERVIEW)["analysed_fps"]

        def long_enough() -> list[float] | None:
            frames = [line["time"] for line in list(heard) if "tt:Frame" in line.get("document", "")]
            return frames if frames[-1] - frames[0] > RATE_S else None

        frames = wait_for(long_enough, f"metadata of {RATE_S:.0f} s", PLAY_S)
    slowest_fps = min(slowest_fps, site.api.channel(OVERVIEW)["analysed_fps"])
    assert len(frames) / (frames[-1] - frames[0]) >= 0.6 * slowest_fps, "each picture that was looked at is told"


def _topics(heard: list[dict[str, Any]]) -> set[str]:
    return {topic.text for document in documents(heard) for topic in document.iter("{*}Topic")}


def test_the_metadata_track_tells_where_the_camera_looks(site: ClientSite) -> None:
    ptz = "http://www.onvif.org/ver20/ptz/wsdl"
    goal = site.home.pan_deg + 15.0
    with tracks(stream_url(site, PTZ, "RTSP"), "protocols=tcp") as heard:
        began = time.time()
        position = f'<tt:PanTilt x="{goal}" y="{site.home.tilt_deg}" space="{spaces.SPHERICAL_POSITION}"/>'
        body = f"<ProfileToken>{PTZ}-profile</ProfileToken><Position>{position}</Position>"
        site.recorder.call(f'<AbsoluteMove xmlns="{ptz}">{body}</AbsoluteMove>')
        site.reached(began, lambda pose: near(pose, goal, site.home.tilt_deg), "it turns")

        def told() -> bool:
            found = [
                one for document in documents(heard) for one in document.iterfind(".//tt:PTZStatus//tt:PanTilt", TT)
            ]
            return any(abs(float(one.get("x", "9")) - goal / 180.0) < 0.01 for one in found)

        wait_for(told, "the new position is told", PLAY_S)
