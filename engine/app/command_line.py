"""What `smart-ptz` can be told."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from engine import __version__
from engine.config import Site, SiteFileError, load_site

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_BAD_INPUT = 2


def run_command(arguments: Sequence[str]) -> int:
    """Carries out one command line; returns the exit code: 0 done, 1 failed, 2 bad input."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(
        level=logging.DEBUG if options.verbose else logging.INFO,
        format="%(asctime)s %(levelname)-7s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    # These two tell of every frame and every request; nobody wants to read that in a log of weeks.
    for noisy in ("zeep", "httpx", "aiosqlite", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except SiteFileError as error:
        print(error, file=sys.stderr)
        return EXIT_BAD_INPUT
    except KeyboardInterrupt:
        return EXIT_FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="smart-ptz", description="The Smart PTZ engine.")
    parser.add_argument("--version", action="version", version=f"smart-ptz {__version__}")
    parser.add_argument("-v", "--verbose", action="store_true", help="log more")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="run the engine")
    run.add_argument("site", type=Path, help="the site file (site.yaml)")
    run.set_defaults(command=_run)

    check = commands.add_parser("check", help="reach every camera of a site and print what it can do")
    check.add_argument("site", type=Path)
    check.set_defaults(command=_check)

    analyze = commands.add_parser("analyze", help="run detection, tracking and rules over a video file")
    analyze.add_argument("video", type=Path)
    analyze.add_argument(
        "--out", type=Path, help="folder for events.jsonl and annotated.mp4 (default: beside the video)"
    )
    analyze.add_argument("--site", type=Path, help="take model and rules from this site file")
    analyze.add_argument("--channel", help="the channel of the site whose rules are used")
    analyze.add_argument("--model", help="the detector (see `smart-ptz models`)")
    analyze.set_defaults(command=_analyze)

    models = commands.add_parser("models", help="list the known models, or fetch some")
    models.add_argument("fetch", nargs="*", metavar="NAME", help="fetch and verify these")
    models.set_defaults(command=_models)

    reset = commands.add_parser("reset-password", help="give a user of the API a new password (engine stopped)")
    reset.add_argument("site", type=Path)
    reset.add_argument("username")
    reset.set_defaults(command=_reset_password)
    return parser


def _run(options: argparse.Namespace) -> int:
    # The file first: whoever made a mistake in it need not wait for everything to be loaded.
    site = load_site(options.site)
    from engine.app.engine import run_engine

    return asyncio.run(run_engine(site, lambda: load_site(options.site)))


def _check(options: argparse.Namespace) -> int:
    return asyncio.run(_check_cameras(load_site(options.site)))


async def _check_cameras(site: Site) -> int:
    from engine.cameras.probe import probe, report_lines

    reports = await asyncio.gather(*(probe(camera) for camera in site.cameras))
    for report in reports:
        print("\n".join(report_lines(report)))
    return EXIT_FAILED if any(report.error for report in reports) else EXIT_OK


def _analyze(options: argparse.Namespace) -> int:
    from engine.app.analysis import analyze_file

    site = load_site(options.site) if options.site else None
    return analyze_file(options.video, options.out, site, options.channel, options.model)


def _models(options: argparse.Namespace) -> int:
    from engine.app.analysis import list_models

    return list_models(options.fetch)


def _reset_password(options: argparse.Namespace) -> int:
    from engine.app.recovery import reset_password

    site = load_site(options.site)
    password = getpass.getpass("New password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    return asyncio.run(reset_password(site, options.username, password))
