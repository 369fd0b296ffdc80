"""Detection, tracking and rules over a video file: what `smart-ptz analyze` does."""

from __future__ import annotations

import dataclasses
import json
import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import cv2
import numpy as np

from engine.core.events import Event, RuleKind, RuleTriggered
from engine.core.geometry import Point
from engine.core.values import Frame, Image, TargetType, Track, TrackUpdate
from engine.rules import Rule, RuleEngine
from engine.vision.annotate import annotate
from engine.vision.background import Background
from engine.vision.detector import Detector
from engine.vision.tracker import MultiObjectTracker

VIDEO_CHANNEL = "video"
_ASSUMED_FPS = 25.0

WHOLE_PICTURE = Rule(
    id="whole-picture",
    kind=RuleKind.INTRUSION,
    channel=VIDEO_CHANNEL,
    points=(Point(0.0, 0.0), Point(1.0, 0.0), Point(1.0, 1.0), Point(0.0, 1.0)),
    targets=frozenset(set(TargetType) - {TargetType.FACE}),
)
"""The rule that is used when none is given: anybody, anywhere."""

type VideoProgress = Callable[[int, int | None], None]
"""Called with the frames done, and their number in all if the file tells."""


class VideoFileError(Exception):
    """A video cannot be read or written; the message says which and why."""


@dataclass(frozen=True, slots=True)
class VideoReport:
    """What was found in a video, and where it was written."""

    frames: int
    frames_analysed: int
    duration_s: float
    tracks: int
    tracks_by_type: dict[str, int]
    events: int
    events_path: Path
    video_path: Path


def analyze_video(
    path: Path,
    out_dir: Path,
    detector: Detector,
    *,
    tracker: MultiObjectTracker | None = None,
    rules: Sequence[Rule] = (WHOLE_PICTURE,),
    analysis_fps: float | None = None,
    on_progress: VideoProgress | None = None,
) -> VideoReport:
    """Analyses a video and writes `events.jsonl` and `annotated.mp4` into a folder. Blocks.

    Times in the events are seconds from the start of the video. The rules' channel has to be VIDEO_CHANNEL. With
    `analysis_fps` only so many frames a second are analysed; all are in the annotated video. Both files appear only
    when the whole video has been worked through. Raises VideoFileError, and what the detector raises.
    """
    if any(rule.channel != VIDEO_CHANNEL for rule in rules):
        raise ValueError(f"the rules for a video are on the channel {VIDEO_CHANNEL!r}")
    events_path, video_path = out_dir / "events.jsonl", out_dir / "annotated.mp4"
    # A name with the right ending: OpenCV chooses the container by it.
    new_events, new_video = out_dir / ".events.part.jsonl", out_dir / ".annotated.part.mp4"
    with ExitStack() as stack:
        reader = stack.enter_context(_reader(path))
        out_dir.mkdir(parents=True, exist_ok=True)
        stack.callback(new_video.unlink, missing_ok=True)
        stack.callback(new_events.unlink, missing_ok=True)
        log = stack.enter_context(new_events.open("w", encoding="utf-8"))
        writer = stack.enter_context(_writer(new_video, reader))
        step = max(round(reader.fps / analysis_fps), 1) if analysis_fps else 1
        analysis = _VideoAnalysis(detector, tracker or MultiObjectTracker(VIDEO_CHANNEL), rules, log)
        frames = 0
        for index, image in enumerate(reader.frames()):
            if index % step == 0:
                analysis.analyse(image, index / reader.fps)
            writer.write(annotate(image, analysis.tracks, rules, analysis.active_rules))
            frames = index + 1
            if on_progress:
                on_progress(frames, reader.count)
        analysis.finish(frames / reader.fps)
        log.close()
        writer.release()
        new_events.replace(events_path)
        new_video.replace(video_path)
    types = Counter(target_type.value for target_type in analysis.seen.values())
    return VideoReport(
        frames=frames,
        frames_analysed=math.ceil(frames / step),
        duration_s=frames / reader.fps,
        tracks=len(analysis.seen),
        tracks_by_type=dict(sorted(types.items())),
        events=analysis.events,
        events_path=events_path,
        video_path=video_path,
    )


class _VideoAnalysis:
    """The state of one run."""

    def __init__(self, detector: Detector, tracker: MultiObjectTracker, rules: Sequence[Rule], log: TextIO) -> None:
        self._detector = detector
        self._tracker = tracker
        self._engine = RuleEngine(rules)
        self._log = log
        self._background = Background()
        self._update: TrackUpdate | None = None
        self.seen: dict[str, TargetType] = {}
        self.events = 0

    @property
    def tracks(self) -> tuple[Track, ...]:
        return self._update.tracks if self._update else ()

    @property
    def active_rules(self) -> frozenset[str]:
        return self._engine.active_rules

    def analyse(self, image: Image, at: float) -> None:
        aspect = image.shape[1] / image.shape[0]
        tracks = self._tracker.update(self._detector.detect(image), at, None, aspect)
        self._update = TrackUpdate(VIDEO_CHANNEL, at, tracks, aspect)
        self.seen |= {track.track_id: track.target_type for track in tracks if track.confirmed}
        self._write(self._engine.update(self._update))
        if self._engine.watches_motion(VIDEO_CHANNEL):
            motion = self._background.observe(Frame(VIDEO_CHANNEL, image, at, at, 0))
            self._write(self._engine.motion(motion))

    def finish(self, at: float) -> None:
        self._write(self._engine.end_channel(VIDEO_CHANNEL, at))

    def _write(self, events: Sequence[RuleTriggered]) -> None:
        for event in events:
            self._log.write(event_line(event) + "\n")
            self.events += 1


def event_line(event: Event) -> str:
    """The event as one line of JSON, with its kind."""
    return json.dumps({"kind": event.kind, **dataclasses.asdict(event)}, ensure_ascii=False)


class _Reader:
    def __init__(self, path: Path, capture: cv2.VideoCapture) -> None:
        self._path = path
        self._capture = capture
        fps = capture.get(cv2.CAP_PROP_FPS)
        # Some containers do not tell, or tell nonsense.
        self.fps = fps if math.isfinite(fps) and 0.1 <= fps <= 1000 else _ASSUMED_FPS
        count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        self.count = count if count > 0 else None
        self.width = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        self.height = int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))

    def frames(self) -> Iterator[Image]:
        ok, image = self._capture.read()
        if not ok:
            raise VideoFileError(f"{self._path}: there is no picture in it that can be decoded")
        while ok:
            yield np.asarray(image, np.uint8)
            ok, image = self._capture.read()


@contextmanager
def _reader(path: Path) -> Iterator[_Reader]:
    if not path.is_file():
        raise VideoFileError(f"{path}: there is no such file")
    capture = cv2.VideoCapture(str(path))
    try:
        if not capture.isOpened():
            raise VideoFileError(f"{path}: this is not a video that OpenCV can read")
        yield _Reader(path, capture)
    finally:
        capture.release()


@contextmanager
def _writer(path: Path, reader: _Reader) -> Iterator[cv2.VideoWriter]:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), reader.fps, (reader.width, reader.height))
    try:
        if not writer.isOpened():
            raise VideoFileError(f"{path.parent}: an MP4 video cannot be written there")
        yield writer
    finally:
        writer.release()
