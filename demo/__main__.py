"""`scripts/demo`: the main job, visible."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import signal
import sys
from pathlib import Path

from demo.engine_client import EngineError
from demo.home_assistant import HomeAssistantError
from demo.processes import ProcessFailed
from demo.run import Demo, DemoError, Options, say

REPOSITORY = Path(__file__).resolve().parents[1]
MOST_OUT_OF_VIEW = 0.05


def main() -> int:
    """Runs the demo; returns 0 when a measured run captured everybody, or when it was ended by hand."""
    parser = argparse.ArgumentParser(prog="scripts/demo", description=__doc__)
    parser.add_argument("--scene", default="yard", help="`yard`, or the path of an equirectangular clip")
    parser.add_argument("--seconds", type=float, help="measure for so long, write a report, and end")
    parser.add_argument("--report", type=Path, metavar="DIR", help="where report.json and contact-sheet.png go")
    parser.add_argument("--fresh", action="store_true", help="forget earlier runs: users, passwords, captures, ports")
    parser.add_argument("--no-home-assistant", action="store_true", help="cameras and engine alone")
    parser.add_argument("--state", type=Path, help="folder of the demo's state (default .build/demo/SCENE)")
    arguments = parser.parse_args()
    scene = arguments.scene
    if scene != "yard":
        if not Path(scene).is_file():
            parser.error(f"there is no file {scene}")
        scene = str(Path(scene).resolve())
    if arguments.report and arguments.seconds is None:
        arguments.seconds = 60.0
    folder = arguments.state or REPOSITORY / ".build" / "demo" / Path(scene).stem
    if arguments.fresh:
        shutil.rmtree(folder, ignore_errors=True)
    options = Options(
        repository=REPOSITORY,
        folder=folder.resolve(),
        scene=scene,
        seconds=arguments.seconds,
        report=arguments.report,
        home_assistant=not arguments.no_home_assistant,
    )
    try:
        return asyncio.run(_run(options))
    except (DemoError, EngineError, HomeAssistantError, ProcessFailed) as error:
        say(str(error))
        return 1


async def _run(options: Options) -> int:
    task = asyncio.ensure_future(_failures_as_they_are(options))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        say("everything is ended")
        return 0


async def _failures_as_they_are(options: Options) -> int:
    failures: list[str] = []
    report = None
    try:
        report = await Demo(options).run()
    except* (EngineError, HomeAssistantError, ProcessFailed, ConnectionError) as group:
        failures = [str(error) for error in group.exceptions]
    for failure in failures:
        say(failure)
    if failures or report is None:
        return 1 if failures else 0
    if report.missed:
        say(f"not captured: {', '.join(report.missed)}")
    lost = options.scene != "yard" and (report.out_of_view_ratio is None or report.out_of_view_ratio > MOST_OUT_OF_VIEW)
    return 0 if report.complete and not lost else 1


if __name__ == "__main__":
    sys.exit(main())
