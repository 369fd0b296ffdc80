"""Plays every scene with every controller on every camera, and sums up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from statistics import mean, median

from benchmarks.ptz.baseline import stop_look_move
from benchmarks.ptz.course import run as play
from benchmarks.ptz.head import HEADS, VARIANTS
from benchmarks.ptz.measures import Figures, figures
from benchmarks.ptz.oracle import foresee
from benchmarks.ptz.ours import pursue
from benchmarks.ptz.scenes import SCENES
from benchmarks.registry import Say
from benchmarks.report import Better, Result

SEEDS = (1, 2)
ORACLE, BASELINE = "oracle", "stop-look-move"
OURS = tuple(VARIANTS)
_WORKERS = 2
_IN_FULL = (OURS[0], ORACLE, BASELINE)
"""Of these every scene is reported; of the others, the means and the worst scene."""


@dataclass(frozen=True, slots=True)
class _Job:
    scene: str
    head: str
    controller: str
    seed: int


type _Found = dict[_Job, Figures]


def run(say: Say) -> Sequence[Result]:
    """See `Benchmark`."""
    jobs = [
        _Job(scene.name, head, controller, seed)
        for controller in (*OURS, ORACLE, BASELINE)
        for scene in SCENES
        for head in HEADS
        # The oracle sees no pictures, so there is nothing of chance in it.
        for seed in (SEEDS if controller != ORACLE else SEEDS[:1])
    ]
    found: _Found = {}
    with ProcessPoolExecutor(_WORKERS) as workers:
        for number, (job, one) in enumerate(zip(jobs, workers.map(_play, jobs), strict=True)):
            if number % 26 == 0:
                say(f"run {number} of {len(jobs)}: {job.controller}")
            found[job] = one
    return [*_sums(found), *_scenes(found)]


def _play(job: _Job) -> Figures:
    scene = next(one for one in SCENES if one.name == job.scene)
    head = HEADS[job.head]
    if job.controller == ORACLE:
        return figures(scene, play(foresee(scene, head)))
    if job.controller == BASELINE:
        return figures(scene, play(stop_look_move(scene, head, job.seed)))
    return figures(scene, play(pursue(scene, head, VARIANTS[job.controller], job.seed)))


def _of(found: _Found, controller: str, scenes: Iterable[str]) -> list[Figures]:
    wanted = set(scenes)
    return [one for job, one in found.items() if job.controller == controller and job.scene in wanted]


_FOLLOWED = [scene.name for scene in SCENES if scene.wanted]
_MANY = [scene.name for scene in SCENES if not scene.wanted]
_STANDING = [scene.name for scene in SCENES if scene.standing]
_ALL = [scene.name for scene in SCENES]


def _sums(found: _Found) -> list[Result]:
    def out_of_view(controller: str) -> float:
        return mean(one.out_of_view for one in _of(found, controller, _FOLLOWED))

    def capture_s(controller: str, scenes: Iterable[str]) -> float:
        return median(one.capture_s for one in _of(found, controller, scenes))

    def captured(controller: str) -> float:
        return mean(one.captured / one.capturable for one in _of(found, controller, _ALL))

    results = [Result(f"{name}: out of view", out_of_view(name), "of the time") for name in (ORACLE, BASELINE)]
    for name in OURS:
        followed = _of(found, name, _FOLLOWED)
        results += [
            Result(f"{name}: out of view", out_of_view(name), "of the time", out_of_view(ORACLE) + 0.02),
            Result(f"{name}: out of view, to {BASELINE}", out_of_view(name) / out_of_view(BASELINE), "ratio", 0.2),
            Result(f"{name}: target's offset, median", median(one.offset for one in followed), "of the width", 0.08),
            Result(f"{name}: error of the belief, median", median(one.error for one in followed), "of the width"),
            Result(f"{name}: overlap of the believed box, median", median(o.overlap for o in followed), "ratio"),
            Result(f"{name}: size error, median", median(one.size_error for one in followed), "log ratio"),
            Result(f"{name}: pictures used", mean(one.processed for one in followed), "ratio"),
            Result(
                f"{name}: time to capture, to {ORACLE}'s",
                capture_s(name, _FOLLOWED) / capture_s(ORACLE, _FOLLOWED),
                "ratio",
                1.25,
            ),
            Result(
                f"{name}: time to capture each of twelve, to {ORACLE}'s",
                capture_s(name, _MANY) / capture_s(ORACLE, _MANY),
                "ratio",
            ),
            Result(f"{name}: captured, to {ORACLE}'s", captured(name) / captured(ORACLE), "ratio", 0.95, Better.HIGHER),
            Result(
                f"{name}: moves for a standing target",
                max(one.moves_per_minute for one in _of(found, name, _STANDING)),
                "a minute",
                0.0,
            ),
            Result(f"{name}: moves, all scenes", mean(one.moves_per_minute for one in followed), "a minute"),
        ]
    return results


def _scenes(found: _Found) -> list[Result]:
    results = []
    for name in _IN_FULL:
        for scene in _ALL:
            ones = _of(found, name, [scene])
            results.append(Result(f"{scene}, {name}: time to capture", mean(o.capture_s for o in ones), "s"))
            if scene in _FOLLOWED:
                results += [
                    Result(f"{scene}, {name}: out of view", mean(o.out_of_view for o in ones), "of the time"),
                    Result(f"{scene}, {name}: offset", mean(o.offset for o in ones), "of the width"),
                    Result(f"{scene}, {name}: size error", mean(o.size_error for o in ones), "log ratio"),
                ]
            else:
                results.append(Result(f"{scene}, {name}: captured", mean(o.captured for o in ones), "of 12"))
    for name in OURS[1:]:
        means = {scene: mean(o.out_of_view for o in _of(found, name, [scene])) for scene in _FOLLOWED}
        worst = max(means, key=lambda scene: means[scene])
        results.append(Result(f"worst scene, {name}: {worst}, out of view", means[worst], "of the time"))
    return results
