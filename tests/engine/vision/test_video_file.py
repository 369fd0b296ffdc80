"""A video goes in; events and an annotated video come out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from engine.core.events import RuleKind
from engine.core.geometry import Box, Point
from engine.core.values import Detection, Image, TargetType
from engine.rules import CrossingDirection, Rule
from engine.vision import (
    VIDEO_CHANNEL,
    Detector,
    MultiObjectTracker,
    VideoFileError,
    analyze_video,
)
from engine.vision.annotate import annotate

pytestmark = pytest.mark.ledger("VCA-1", "VCA-2")

type Footage = Callable[[str, int, int, int], Iterator[Image]]


def write_clip(path: Path, images: Iterator[Image], fps: float) -> int:
    writer, count = None, 0
    for image in images:
        size = (image.shape[1], image.shape[0])
        writer = writer or cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), fps, size)
        writer.write(image)
        count += 1
    assert writer is not None
    writer.release()
    return count


def read_clip(path: Path) -> list[Image]:
    capture = cv2.VideoCapture(str(path))
    images = []
    while True:
        ok, image = capture.read()
        if not ok:
            return images
        images.append(image)


class Nothing:
    name = "nothing"

    def detect(self, image: Image) -> list[Detection]:
        return []


def test_a_clip_of_people_end_to_end(yolox: Detector, footage: Footage, tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    count = write_clip(clip, footage("pets09-s2l1_vtest_480x360.mp4", 0, 1, 50), 10.0)
    seen: list[tuple[int, int | None]] = []
    report = analyze_video(
        clip, tmp_path / "out", yolox, analysis_fps=5, on_progress=lambda done, total: seen.append((done, total))
    )
    assert seen == [(i + 1, count) for i in range(count)]
    assert (report.frames, report.frames_analysed, report.duration_s) == (50, 25, 5.0)
    assert report.tracks_by_type["person"] >= 4
    assert report.tracks == sum(report.tracks_by_type.values())

    events = [json.loads(line) for line in report.events_path.read_text().splitlines()]
    assert len(events) == report.events
    assert {event["kind"] for event in events} == {"rule_triggered"}
    begun = [event["track_id"] for event in events if event["active"]]
    ended = [event["track_id"] for event in events if not event["active"]]
    assert len(begun) == len(set(begun)) >= 4
    assert sorted(begun) == sorted(ended)  # the end of the video ends what is left
    assert all(0 <= event["at"] <= 5 and event["rule_id"] == "whole-picture" for event in events)

    written = read_clip(report.video_path)
    original = read_clip(clip)
    assert len(written) == count
    assert written[0].shape == original[0].shape
    assert np.abs(written[40].astype(int) - original[40]).max() > 100  # boxes are drawn
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["annotated.mp4", "events.jsonl"]


def test_the_given_rules_and_tracker_are_used(yolox: Detector, footage: Footage, tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    write_clip(clip, footage("one-by-one-person-detection.mp4", 0, 2, 60), 5.0)
    line = Rule(
        id="gate",
        kind=RuleKind.LINE_CROSSING,
        channel=VIDEO_CHANNEL,
        points=(Point(-0.1, -0.1), Point(-0.1, 1.1)),
        direction=CrossingDirection.BOTH,
    )
    tracker = MultiObjectTracker(VIDEO_CHANNEL, first_number=50)
    report = analyze_video(clip, tmp_path, yolox, tracker=tracker, rules=[line])
    assert report.tracks >= 1
    assert report.events == 0  # nobody can cross a line outside the picture
    assert report.events_path.read_text() == ""


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(VideoFileError, match=r"nowhere\.mp4: there is no such file"):
        analyze_video(tmp_path / "nowhere.mp4", tmp_path / "out", Nothing())
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_no_video_is_named_and_leaves_nothing(tmp_path: Path) -> None:
    text = tmp_path / "notes.mp4"
    text.write_text("this is not a video")
    with pytest.raises(VideoFileError, match=r"notes\.mp4: this is not a video"):
        analyze_video(text, tmp_path / "out", Nothing())
    assert not (tmp_path / "out").exists()


def test_an_interrupted_run_leaves_no_half_files(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    write_clip(clip, iter([np.zeros((64, 64, 3), np.uint8)] * 5), 5.0)

    def interrupt(done: int, total: int | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        analyze_video(clip, tmp_path / "out", Nothing(), on_progress=interrupt)
    assert list((tmp_path / "out").iterdir()) == []


def test_rules_of_another_channel_are_refused(tmp_path: Path) -> None:
    rule = Rule(id="r", kind=RuleKind.LINE_CROSSING, channel="yard", points=(Point(0, 0), Point(1, 1)))
    with pytest.raises(ValueError, match="on the channel 'video'"):
        analyze_video(tmp_path / "clip.mp4", tmp_path, Nothing(), rules=[rule])


def test_motion_in_a_region_is_told_too(tmp_path: Path) -> None:
    def images() -> Iterator[Image]:
        ground = np.random.default_rng(1).integers(60, 200, (45, 80, 3)).repeat(4, axis=0).repeat(4, axis=1)
        for index in range(40):
            image = ground.astype(np.uint8)
            if index >= 25:
                image[60:120, 20 + 8 * (index - 25) : 60 + 8 * (index - 25)] = 20
            yield image

    write_clip(tmp_path / "clip.mp4", images(), 5.0)
    rule = Rule(
        id="m",
        kind=RuleKind.MOTION_REGION,
        channel=VIDEO_CHANNEL,
        points=(Point(0, 0), Point(1, 0), Point(1, 1), Point(0, 1)),
    )
    report = analyze_video(tmp_path / "clip.mp4", tmp_path / "out", Nothing(), rules=[rule])
    begun, ended = (json.loads(line) for line in report.events_path.read_text().splitlines())
    assert (begun["rule_id"], begun["active"], begun["target_type"]) == ("m", True, None)
    assert begun["at"] == pytest.approx(5.2)
    assert ended["active"] is False


def test_annotation_leaves_the_picture_alone_and_shows_an_active_rule_in_red() -> None:
    image = np.zeros((360, 640, 3), np.uint8)
    corners = (Point(0.25, 0.25), Point(0.75, 0.25), Point(0.75, 0.75), Point(0.25, 0.75))
    rule = Rule(id="area", kind=RuleKind.INTRUSION, channel="yard", points=corners)
    tracker = MultiObjectTracker("yard")
    for i in range(3):
        tracks = tracker.update([Detection(Box(0.4, 0.4, 0.1, 0.3), TargetType.PERSON, 0.9)], i / 5)
    quiet, active = annotate(image, tracks, [rule]), annotate(image, tracks, [rule], {"area"})
    assert not image.any()
    edge = (180, 479)  # in the middle of the region's right side
    assert active[edge][2] > 150 > active[edge][0] + active[edge][1]
    assert quiet[edge].tolist() != active[edge].tolist()
