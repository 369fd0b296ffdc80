"""Detectors and rules of a site file, and the commands that need no camera: `analyze` and `models`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from engine.app.rulebook import rule_of
from engine.config import Site, VisionConfig
from engine.rules import Rule
from engine.vision.catalogue import UnknownModelError
from engine.vision.detector import Detector, DetectorError
from engine.vision.loading import AUTOMATIC, load_detector
from engine.vision.store import ModelStore, ModelUnavailableError, progress_bar
from engine.vision.tracker import MultiObjectTracker, TrackerSettings
from engine.vision.video_file import VIDEO_CHANNEL, WHOLE_PICTURE, VideoFileError, analyze_video

PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
}


def make_detector(vision: VisionConfig) -> Detector:
    """The detector that the settings ask for. Blocks while a model is fetched, with a progress bar.

    Raises UnknownModelError, ModelUnavailableError, DetectorError.
    """
    with progress_bar() as progress:
        return load_detector(
            vision.model,
            ModelStore.from_environment(),
            providers=[PROVIDERS.get(name, name) for name in vision.providers],
            # Several pictures at a time on one thread each use the cores better than one picture on all of them.
            threads=1,
            progress=progress,
        )


def analyze_file(video: Path, out: Path | None, site: Site | None, channel: str | None, model: str | None) -> int:
    """Detection, tracking and rules over a video file, with a progress bar. Returns an exit code."""
    vision = site.vision if site else VisionConfig(AUTOMATIC, ("cpu",), None, 0)
    rules = _rules_for_file(site, channel)
    out = out or video.with_name(f"{video.stem}-analysis")
    try:
        detector = make_detector(replace(vision, model=model) if model else vision)
        settings = TrackerSettings(confidence=vision.confidence or detector.strong_score)
        with Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
        ) as bar:
            task = bar.add_task(video.name, total=None)
            report = analyze_video(
                video,
                out,
                detector,
                tracker=MultiObjectTracker(VIDEO_CHANNEL, settings),
                rules=rules,
                on_progress=lambda done, count: bar.update(task, completed=done, total=count),
            )
    except (VideoFileError, ModelUnavailableError, UnknownModelError, DetectorError) as error:
        print(error, file=sys.stderr)
        return 1
    types = ", ".join(f"{count} {name}" for name, count in report.tracks_by_type.items()) or "none"
    print(
        f"{report.frames} frames ({report.duration_s:.1f} s), {report.tracks} tracks ({types}), {report.events} events"
    )
    print(f"events: {report.events_path}\nvideo:  {report.video_path}")
    return 0


def _rules_for_file(site: Site | None, channel: str | None) -> Sequence[Rule]:
    configs = [rule for rule in site.rules if rule.armed and channel in {None, rule.channel}] if site else []
    return [replace(rule_of(config), channel=VIDEO_CHANNEL) for config in configs] or [WHOLE_PICTURE]


def list_models(fetch: Sequence[str]) -> int:
    """Fetches and verifies the named models; without names, lists the known ones. Returns an exit code."""
    store = ModelStore.from_environment()
    try:
        with progress_bar() as progress:
            for name in fetch:
                print(f"{name}: {store.ensure(name, progress)}")
    except (ModelUnavailableError, UnknownModelError) as error:
        print(error, file=sys.stderr)
        return 1
    if not fetch:
        for model in store.catalogue.models.values():
            print(f"{model.name:<24} {model.family:<10} {model.licence}")
    return 0
