"""The parts of the media room that need no video: messages, the ring of pictures, history, timing."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.media.history import AccessUnit, History, NotInHistoryError
from engine.media.messages import (
    LIMIT,
    AddStream,
    ControlError,
    RingOpened,
    SetUsers,
    decode_command,
    decode_notice,
    encode,
)
from engine.media.ring import RingFormat, RingReader, RingWriter
from engine.media.timing import Backoff, RateLimiter, estimate_captured_at
from engine.media.values import MediaError, RelayUser, StreamSource

SOURCE = StreamSource(channel="gate", url="rtsp://192.0.2.1/live", username="u", password="topsecret")


def test_secrets_are_in_no_repr() -> None:
    user = RelayUser(name="nvr", password="topsecret")
    source = StreamSource(channel="gate", url="rtsp://u:topsecret@192.0.2.1:8554/live")
    assert (source.username, source.password, source.url) == ("u", "topsecret", "rtsp://192.0.2.1:8554/live")
    for value in (SOURCE, source, user, AddStream(SOURCE, "h264"), SetUsers((user,))):
        assert "topsecret" not in repr(value)


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ({"channel": "../gate"}, "channel"),
        ({"url": "http://192.0.2.1/"}, "rtsp"),
        ({"url": "rtsp:///live"}, "rtsp"),
        ({"url": "rtsp://[::1/live"}, "address"),
        ({"transport": "pigeon"}, "pigeon"),
        ({"analysis_width": 0}, "width"),
        ({"analysis_fps": 0.0}, "frames a second"),
    ],
)
def test_a_source_that_makes_no_sense_is_refused(values: dict[str, object], names: str) -> None:
    with pytest.raises(MediaError, match=names):
        StreamSource(**({"channel": "gate", "url": "rtsp://192.0.2.1/live"} | values))  # type: ignore[arg-type]


def test_messages_survive_the_way() -> None:
    for command in (AddStream(SOURCE, "h264"), SetUsers((RelayUser(name="ü", password="ß"),))):
        assert decode_command(encode(command)) == command
    opened = RingOpened("gate", 640, 360, 1920, 4)
    assert decode_notice(encode(opened)) == opened


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
almost = st.fixed_dictionaries(
    {"type": st.sampled_from(["AddStream", "SetUsers", "Start", "TakeSnapshot", "Report", "RingOpened", "Lost"])},
    optional=dict.fromkeys(
        ("source", "users", "channel", "request", "at", "streams", "width", "reason", "relay_port"), json_values
    ),
)


@given(st.binary(max_size=400) | almost.map(lambda value: json.dumps(value).encode()))
def test_whatever_comes_is_a_message_or_a_control_error(packet: bytes) -> None:
    for decode in (decode_command, decode_notice):
        try:
            message = decode(packet)
        except ControlError:
            continue
        assert encode(message)


def test_a_control_error_does_not_quote_the_packet() -> None:
    packet = encode(AddStream(SOURCE, "h264")).replace(b'"tcp"', b'"topsecret"')
    with pytest.raises(ControlError) as caught:
        decode_command(packet)
    assert "topsecret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_packets_have_a_limit() -> None:
    with pytest.raises(ControlError, match="limit"):
        decode_command(b" " * (LIMIT + 1))
    with pytest.raises(ControlError, match="limit"):
        encode(SetUsers(tuple(RelayUser(name=f"user{number}", password="x" * 64) for number in range(1000))))


def _reader(writer: RingWriter) -> RingReader:
    return RingReader(writer.shape, *writer.duplicates())


def test_the_ring_gives_the_newest_picture_once() -> None:
    shape = RingFormat(5, 3, 16)
    writer = RingWriter(shape)
    reader = _reader(writer)
    assert reader.newest(0) is None
    for value in range(1, 8):
        writer.write(bytes([value]) * shape.picture_bytes, value + 0.25, value + 0.5)
    picture = reader.newest(0)
    assert picture is not None
    assert (picture.sequence, picture.captured_at, picture.arrived_at) == (7, 7.25, 7.5)
    assert picture.image.shape == (3, 5, 3)
    writer.write(bytes(shape.picture_bytes), 0, 0)
    assert (picture.image == 7).all()
    assert reader.newest(8) is None
    writer.close()
    assert reader.newest(7) is not None  # the memory stays until its last reader goes
    reader.close()


def test_a_ring_of_another_size_than_told_is_refused_and_its_descriptors_closed() -> None:
    writer = RingWriter(RingFormat(8, 8, 24))
    memory, wake = writer.duplicates()
    with pytest.raises(ValueError, match=r"length|size"):
        RingReader(RingFormat(800, 800, 2400), memory, wake)
    for descriptor in (memory, wake):
        with pytest.raises(OSError, match="Bad file"):
            os.fstat(descriptor)
    writer.close()


async def test_no_picture_is_torn_however_fast_the_writer_is() -> None:
    script = (
        "import socket, sys\n"
        "from engine.media.ring import RingFormat, RingWriter\n"
        "control = socket.socket(fileno=int(sys.argv[1]))\n"
        "writer = RingWriter(RingFormat(320, 240, 960, 2))\n"
        "socket.send_fds(control, [b'ring'], writer.duplicates())\n"
        "pictures = [bytes([value]) * writer.shape.picture_bytes for value in range(256)]\n"
        "for number in range(1, 20001):\n"
        "    writer.write(pictures[number % 256], number, number)\n"
    )
    ours, theirs = socket.socketpair()
    with ours, theirs:
        writer = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-c", script, str(theirs.fileno())),
            pass_fds=(theirs.fileno(),),
            env={**os.environ, "PYTHONPATH": str(Path.cwd())},
        )
        _, descriptors, _, _ = await asyncio.to_thread(socket.recv_fds, ours, 16, 2)
    reader = RingReader(RingFormat(320, 240, 960, 2), descriptors[0], descriptors[1])
    last = seen = 0
    while writer.returncode is None or last < 20000:
        picture = reader.newest(last)
        if picture is None:
            await asyncio.sleep(0)
            continue
        assert (picture.image == picture.sequence % 256).all()
        assert picture.captured_at == picture.sequence
        last, seen = picture.sequence, seen + 1
    assert await writer.wait() == 0
    assert (last, seen > 1) == (20000, True)
    reader.close()


def _unit(number: int, *, key: bool, at: float, size: int = 100) -> AccessUnit:
    return AccessUnit(number, object(), size, int(at * 1e9), key, at - 0.1, at)


@given(
    st.lists(st.tuples(st.booleans(), st.floats(0.01, 3.0)), min_size=1, max_size=60),
    st.floats(0.5, 10.0),
    st.floats(-5.0, 65.0),
)
def test_the_history_begins_with_a_key_frame_and_reaches_back_far_enough(
    steps: list[tuple[bool, float]], seconds: float, wanted_at: float
) -> None:
    history, units, now = History(seconds), [], 0.0
    for number, (key, step) in enumerate(steps):
        now += step
        units.append(_unit(number, key=key, at=now))
        history.add(units[-1])
    decodable = units[next((i for i, unit in enumerate(units) if unit.key), len(units)) :]
    if not decodable:
        with pytest.raises(NotInHistoryError):
            history.group_for(None)
        return
    group, newest = history.group_for(None)
    assert group[0].key
    assert group[-1] is newest is units[-1]
    best = min(decodable, key=lambda unit: abs(unit.captured_at - wanted_at))
    try:
        group, found = history.group_for(wanted_at)
    except NotInHistoryError:
        too_old = best.arrived_at < now - seconds
        assert too_old or abs(best.captured_at - wanted_at) > 1.0
        return
    assert group[0].key
    assert group[-1] is found
    if best.arrived_at >= now - seconds:
        assert abs(found.captured_at - wanted_at) == abs(best.captured_at - wanted_at)


def test_the_history_has_a_limit_in_bytes() -> None:
    history = History(10.0, max_bytes=1000)
    for number in range(100):
        history.add(_unit(number, key=number % 4 == 0, at=number / 25, size=200))
        try:
            group, _ = history.group_for(None)
        except NotInHistoryError:
            continue
        assert sum(unit.size for unit in group) <= 1000
    history.clear()
    with pytest.raises(NotInHistoryError, match="no picture"):
        history.group_for(0.0)


@settings(suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no fault
@given(st.integers(5, 60), st.floats(1.0, 30.0), st.randoms(use_true_random=False))
def test_the_rate_is_kept_on_the_average_in_spite_of_jitter(fps: int, rate: float, random: object) -> None:
    limiter = RateLimiter(rate)
    jitter = random.uniform  # type: ignore[attr-defined]
    passed = sum(limiter.passes(number / fps + jitter(-0.2, 0.2) / fps) for number in range(fps * 20))
    expected = 20 * min(fps, rate)
    assert 0.85 * expected - 2 <= passed <= 1.02 * expected + 2


def test_the_rate_survives_a_clock_that_is_set() -> None:
    limiter = RateLimiter(5)
    assert limiter.passes(1000.0)
    assert not limiter.passes(1000.02)
    assert limiter.passes(10.0)
    assert not limiter.passes(10.02)
    assert limiter.passes(5000.0)


def test_the_cameras_time_is_believed_when_it_is_plausible() -> None:
    assert estimate_captured_at(100.0, 99.7, 0.2) == 99.7
    assert estimate_captured_at(100.0, None, 0.2) == 99.8
    assert estimate_captured_at(100.0, 90.0, 0.2) == 99.8
    assert estimate_captured_at(100.0, 110.0, 0.2) == 99.8
    assert estimate_captured_at(100.0, 100.5, 0.2) == 100.0


def test_waiting_doubles_up_to_its_limit_until_it_works() -> None:
    backoff = Backoff()
    assert [backoff.next_s() for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]
    backoff.reset()
    assert backoff.next_s() == 1


MAKE_AT_ONCE = """
import sys, threading
from engine.media.gst import Gst, THREADED_STRUCTURES
sys.setswitchinterval(1e-6)
barrier, found = threading.Barrier(6), []
def look():
    barrier.wait()
    found.append((Gst.PadProbeInfo, Gst.MapInfo, Gst.ReferenceTimestampMeta))
threads = [threading.Thread(target=look) for _ in range(6)]
for thread in threads: thread.start()
for thread in threads: thread.join()
sys.exit(set(found) != {THREADED_STRUCTURES})
"""


def test_threads_that_decode_at_once_share_gstreamers_classes() -> None:
    """Without care PyGObject makes a class twice, and no picture of the process is decoded any more."""
    for _ in range(3):
        assert subprocess.run([sys.executable, "-c", MAKE_AT_ONCE], check=False).returncode == 0
